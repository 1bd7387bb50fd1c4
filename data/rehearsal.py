"""A dry run on PostgreSQL that nobody else notices: every table it writes is a temporary one of its own.

Temporary tables hide the real ones of the same name, so that the code of an import runs unchanged on them. People and
numbers are copied at the start, records and sensor days as they are asked for. From then on the transaction is
read-only: the server itself refuses whatever would touch a real row or take a lock on one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from data.models import (
    Audit,
    AuditHead,
    Base,
    Batch,
    IdentityProposal,
    Ingest,
    IngestPatient,
    Patient,
    PatientIdentifier,
    PatientStatus,
    PatientTeam,
    Quarantined,
    ReadingDay,
    Record,
    RecordReport,
)

_KEY: Final = "rehearsed beside"
_COPIED: Final[dict[type[Base], str]] = {
    Patient: "true",
    PatientIdentifier: "true",
    PatientTeam: "true",
    AuditHead: "true",
    IdentityProposal: "state = 'open'",
    Batch: "id = :batch",
}
_EMPTY: Final[tuple[type[Base], ...]] = (
    *(Record, RecordReport, ReadingDay, Quarantined),
    *(Ingest, IngestPatient, PatientStatus, Audit),
)
# Beyond every id a site can have given, so that a rehearsed row is never taken for a real one.
_FIRST_ID: Final = 2**62


def rehearsing(session: Session) -> bool:
    """Whether what this transaction writes are its own tables."""
    return _KEY in session.info


def stage(session: Session, *, batch: str) -> None:
    """Make the tables in the transaction of `session`, whose connection must be new: statements it prepared earlier
    would still mean the real tables. `batch` is the id the import goes by."""
    schema = str(session.scalar(text("SELECT quote_ident(current_schema())")))
    for model in (*_COPIED, *_EMPTY):
        _make(session, _table(model), schema)
    for model, which in _COPIED.items():
        name = _table(model).name
        session.execute(text(f"INSERT INTO {name} SELECT * FROM {schema}.{name} WHERE {which}"), {"batch": batch})  # noqa: S608  # nosec B608
        session.execute(text(f"ANALYZE {name}"))
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    session.execute(text("SET TRANSACTION READ ONLY"))
    session.info[_KEY] = schema


def lend_records(session: Session, source_ids: Sequence[str], keys: Iterable[tuple[int, bytes]]) -> None:
    """Copy in every real record with one of these source ids, or under one of these natural keys of a patient."""
    schema = session.info[_KEY]
    _lend(session, f"{schema}.record r WHERE r.source_id = ANY(%s)", [list(source_ids)])
    pairs = list(keys)
    sent = "unnest(%s::bigint[], %s::bytea[]) AS sent(patient_id, natural_key)"
    same = "r.patient_id = sent.patient_id AND r.natural_key = sent.natural_key"
    # One statement for each partial index: the current row of a key, and the past ones.
    for state in ("NULL", "NOT NULL"):
        source = f"{sent} JOIN {schema}.record r ON {same} WHERE r.superseded_by IS {state}"
        _lend(session, source, [[patient for patient, _ in pairs], [key for _, key in pairs]])
    # What else was reported of these, and by whom: a withdrawal asks who still states a result.
    named = "SELECT source_id FROM record UNION SELECT source_id FROM record_report"
    for _ in range(2):
        reported = f"r.record_id IN (SELECT id FROM record) OR r.source_id = ANY(%s) OR r.source_id IN ({named})"  # noqa: S608  # nosec B608
        _lend(session, f"{schema}.record_report r WHERE {reported}", [list(source_ids)], into="record_report")
        stated = f"r.id IN (SELECT record_id FROM record_report) OR r.source_id IN ({named})"  # noqa: S608  # nosec B608
        _lend(session, f"{schema}.record r WHERE {stated}", [])


def lend_days(session: Session, patient_id: int, first: date, last: date) -> None:
    """Copy in the real sensor days of a patient from `first` to `last`, both included."""
    schema = session.info[_KEY]
    days = "r.patient_id = %s AND r.day BETWEEN %s AND %s"
    _lend(session, f"{schema}.reading_day r WHERE {days}", [patient_id, first, last], into="reading_day")


def _lend(session: Session, source: str, given: Sequence[Any], *, into: str = "record") -> None:
    statement = f"INSERT INTO {into} SELECT r.* FROM {source} ON CONFLICT DO NOTHING"  # noqa: S608  # nosec B608
    session.connection().exec_driver_sql(statement, tuple(given))


def _make(session: Session, table: Table, schema: str) -> None:
    name = table.name
    like = f"LIKE {schema}.{name} INCLUDING DEFAULTS INCLUDING INDEXES"
    session.execute(text(f"CREATE TEMPORARY TABLE {name} ({like}) ON COMMIT DROP"))
    column = table.autoincrement_column
    if column is None:
        return
    sequence = f"pg_temp.rehearsed_{name}"
    owner = f"OWNED BY pg_temp.{name}.{column.name}"
    session.execute(text(f"CREATE TEMPORARY SEQUENCE rehearsed_{name} START {_FIRST_ID} {owner}"))
    session.execute(text(f"ALTER TABLE pg_temp.{name} ALTER COLUMN {column.name} SET DEFAULT nextval('{sequence}')"))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    return table
