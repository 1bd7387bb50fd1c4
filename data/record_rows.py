"""Rows of `record` past SQLAlchemy: what it does for each row costs more than the row.

SQLite takes tuples by `executemany`, PostgreSQL a few by INSERT and many by binary COPY; all in the order of `COLUMNS`,
with moments as milliseconds and `detail` as JSON text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from data.journeys import Question, Row, Statement, array, one_of, tell

Key = tuple[int, bytes, str | None]
"""A patient, a natural key, and the source id whose rows are asked for otherwise."""

# As binary COPY names them; JSON goes in as its text.
COLUMNS = {
    "id": "int8",
    "patient_id": "int8",
    "kind": "text",
    "analyte": "text",
    "value": "text",
    "comparator": "text",
    "unit": "text",
    "text": "text",
    "interpretation": "text",
    "canonical_value": "float8",
    "canonical_unit": "text",
    "effective_at": "int8",
    "effective_text": "text",
    "precision": "text",
    "issued_at": "int8",
    "ref_low": "text",
    "ref_high": "text",
    "canonical_ref_low": "float8",
    "canonical_ref_high": "float8",
    "lab": "text",
    "method": "text",
    "fasting": "bool",
    "specimen": "text",
    "status": "text",
    "detail": "text",
    "natural_key": "bytea",
    "source_id": "text",
    "source_version": "text",
    "batch_id": "text",
    "place": "text",
    "recorded_at": "int8",
    "recorded_by": "text",
    "reason": "text",
    "sent_digest": "bytea",
    "ingest_seq": "int8",
    "superseded_by": "int8",
}
VERSION = (
    *("id", "patient_id", "natural_key", "source_id", "source_version", "status", "effective_at", "superseded_by"),
    *("text", "interpretation", "ref_low", "ref_high", "method", "fasting", "detail"),
)
REPORT = ("id", "record_id", "source_id", "source_version", "status")
FEW = 20
"""So many rows cost PostgreSQL less as an INSERT each, which can travel with other statements, than as a COPY."""
AT_ONCE = 2_000
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_VERSION = ", ".join(f'record."{name}"' for name in VERSION)
_INSERT = f"INSERT INTO record ({_NAMES}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"  # noqa: S608  # nosec B608
_COPY = f"COPY record ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_SELECT = f"SELECT {_VERSION} FROM"
_REPORTS = f"SELECT {', '.join(REPORT)} FROM record_report"  # noqa: S608  # nosec B608
_SAME_KEY = "record ON record.patient_id = sent.patient_id AND record.natural_key = sent.natural_key"


def inserted_rows(rows: Sequence[Row]) -> Statement:
    """What inserts a few rows of `COLUMNS`."""
    return _INSERT, rows


def copy_rows(session: Session, rows: Sequence[Row]) -> None:
    """Insert many rows of `COLUMNS` in the transaction of `session`."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        tell(session, [inserted_rows(rows)])
        return
    cursor: Any = connection.connection.cursor()
    with cursor.copy(_COPY) as copy:
        copy.set_types(list(COLUMNS.values()))
        for row in rows:
            copy.write_row(row)


def by_source(session: Session, source_ids: Sequence[str]) -> tuple[Question, Question]:
    """The questions for the `VERSION` columns of every row, and the `REPORT` columns of every further report, with one
    of these source ids."""
    among, given = one_of(session, source_ids)
    return (f"{_SELECT} record WHERE source_id {among}", (given,)), (f"{_REPORTS} WHERE source_id {among}", (given,))


def by_id(session: Session, ids: Sequence[int]) -> Question:
    """The question for the `VERSION` columns of these rows."""
    among, given = one_of(session, ids)
    return f"{_SELECT} record WHERE id {among}", (given,)


def reports_by_record(session: Session, ids: Sequence[int]) -> Question:
    """The question for the `REPORT` columns of every further report of these rows."""
    among, given = one_of(session, ids)
    return f"{_REPORTS} WHERE record_id {among}", (given,)


def by_key(session: Session, keys: Sequence[Key]) -> list[Question]:
    """The questions for the `VERSION` columns of every row of these patients under these natural keys, standing or
    superseded, but for those of the source id named with the key."""
    return [_by_key(session, keys[start : start + AT_ONCE]) for start in range(0, len(keys), AT_ONCE)]


def _by_key(session: Session, keys: Sequence[Key]) -> Question:
    if session.get_bind().dialect.name == "sqlite":
        named = f"(VALUES {', '.join(['(%s, %s, %s)'] * len(keys))})"
        join, differs = "CROSS JOIN", "IS NOT"
        given: Row = tuple(value for key in keys for value in key)
    else:
        named = "(SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::text[]))"
        join, differs = "JOIN", "IS DISTINCT FROM"
        given = tuple(array([key[part] for key in keys]) for part in range(3))
    # One arm for each partial index: the current row of a key, and the past ones. CROSS: otherwise SQLite may walk
    # a whole index once for each call, and the more was ever superseded the longer that takes.
    current, past = (
        f"{_SELECT} sent {join} {_SAME_KEY} WHERE record.superseded_by IS {state}"
        f" AND (sent.source_id IS NULL OR record.source_id {differs} sent.source_id)"
        for state in ("NULL", "NOT NULL")
    )
    return f"WITH sent(patient_id, natural_key, source_id) AS {named} {current} UNION ALL {past}", given
