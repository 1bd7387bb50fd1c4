"""Many rows of `record` at once, past SQLAlchemy: what it does for each row costs more than the row.

SQLite takes tuples by `executemany`, PostgreSQL by binary COPY; both take them in the order of `COLUMNS`, with moments
as milliseconds and `detail` as JSON text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

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
    "ingest_seq": "int8",
    "superseded_by": "int8",
}
VERSION = (
    *("id", "patient_id", "natural_key", "source_id", "source_version", "status", "effective_at", "superseded_by"),
    *("text", "interpretation", "ref_low", "ref_high", "method", "fasting", "detail"),
)
REPORT = ("id", "record_id", "source_id", "source_version", "status")
AT_ONCE = 2_000
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_VERSION = ", ".join(f'record."{name}"' for name in VERSION)
_INSERT = f"INSERT INTO record ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  # nosec B608
_COPY = f"COPY record ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_SELECT = f"SELECT {_VERSION} FROM"
_REPORTS = f"SELECT {', '.join(REPORT)} FROM record_report"  # noqa: S608  # nosec B608
_SAME_KEY = "record ON record.patient_id = sent.patient_id AND record.natural_key = sent.natural_key"


def insert_rows(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of `COLUMNS` in the transaction of `session`."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT, list(rows))
        return
    cursor: Any = connection.connection.cursor()
    with cursor.copy(_COPY) as copy:
        copy.set_types(list(COLUMNS.values()))
        for row in rows:
            copy.write_row(row)


def rows_by_source(session: Session, source_ids: Sequence[str]) -> Iterator[Sequence[Any]]:
    """The `VERSION` columns of every row with one of these source ids."""
    return _among(session, f"{_SELECT} record WHERE source_id", source_ids)


def rows_by_id(session: Session, ids: Sequence[int]) -> Iterator[Sequence[Any]]:
    """The `VERSION` columns of these rows."""
    return _among(session, f"{_SELECT} record WHERE id", ids)


def reports_by_source(session: Session, source_ids: Sequence[str]) -> Iterator[Sequence[Any]]:
    """The `REPORT` columns of every further report with one of these source ids."""
    return _among(session, f"{_REPORTS} WHERE source_id", source_ids)


def reports_by_record(session: Session, ids: Sequence[int]) -> Iterator[Sequence[Any]]:
    """The `REPORT` columns of every further report of these rows."""
    return _among(session, f"{_REPORTS} WHERE record_id", ids)


def _among(session: Session, wanted: str, values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    connection = session.connection()
    for start in range(0, len(values), AT_ONCE):
        part = list(values[start : start + AT_ONCE])
        if connection.dialect.name == "sqlite":
            yield from connection.exec_driver_sql(f"{wanted} IN ({', '.join('?' * len(part))})", tuple(part)).all()
        else:
            yield from connection.exec_driver_sql(f"{wanted} = ANY(%s)", (part,)).all()


def rows_by_key(session: Session, keys: Sequence[tuple[int, bytes]]) -> Iterator[Sequence[Any]]:
    """The `VERSION` columns of every row of these patients under these natural keys, standing or superseded."""
    connection = session.connection()
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        if connection.dialect.name == "sqlite":
            sent = f"WITH sent(patient_id, natural_key) AS (VALUES {', '.join(['(?, ?)'] * len(part))})"
            join = "CROSS JOIN"
            given: tuple[Any, ...] = tuple(value for key in part for value in key)
        else:
            sent = "WITH sent(patient_id, natural_key) AS (SELECT * FROM unnest(%s::bigint[], %s::bytea[]))"
            join = "JOIN"
            given = ([patient_id for patient_id, _ in part], [key for _, key in part])
        # One arm for each partial index: the current row of a key, and the past ones. CROSS: otherwise SQLite may walk
        # a whole index once for each call, and the more was ever superseded the longer that takes.
        current, past = (
            f"{_SELECT} sent {join} {_SAME_KEY} WHERE record.superseded_by IS {state}" for state in ("NULL", "NOT NULL")
        )
        yield from connection.exec_driver_sql(f"{sent} {current} UNION ALL {past}", given).all()
