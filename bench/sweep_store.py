"""The cohort of the sweep's benchmark in Nadir's own tables: `executemany` on SQLite, COPY on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from bench.sweep_patients import DRAWN, NOW, patient, sensor_days
from data.chart_rows import AGGREGATE
from data.db import Database
from data.models.base import to_ms

PORTION: Final = 500
_RECORD: Final = (
    *("id", "patient_id", "kind", "analyte", "value", "unit", "canonical_value", "canonical_unit"),
    *("canonical_ref_low", "canonical_ref_high", "effective_at", "effective_text", "precision", "lab", "method"),
    *("fasting", "status", "detail", "natural_key", "batch_id", "place", "recorded_at", "recorded_by", "ingest_seq"),
)
_DAY: Final = ("patient_id", "device", "day", "unit", "packed", *AGGREGATE[1:], "batch_id", "ingest_seq")
_PATIENT: Final = ("id", "uuid", "mrn", "birth_date", "sex", "synthetic", "created_at", "version")
_SEEN: Final = ("seq", "patient_id")


def fill(database: Database, patients: int) -> int:
    """Store patients 1 to `patients`; answers with the number of their records."""
    stored = 0
    _insert(database, "batch", ("id", "format", "digest", "actor", "started_at", "files"), [_batch()])
    _insert(database, "ingest", ("seq", "at", "batch_id"), [(1, to_ms(NOW), "b")])
    for start in range(1, patients + 1, PORTION):
        numbers = range(start, min(start + PORTION, patients + 1))
        records = [row for number in numbers for row in _records(number)]
        _insert(database, "patient", _PATIENT, [_patient(number) for number in numbers])
        _insert(database, "ingest_patient", _SEEN, [(1, number) for number in numbers])
        _insert(database, "record", _RECORD, records)
        _insert(database, "reading_day", _DAY, [row for number in numbers for row in _days(number)])
        stored += len(records)
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM ANALYZE")
    return stored


def touch(database: Database, numbers: Sequence[int], *, seq: int, first_id: int, at: datetime) -> None:
    """A new glucagon for each of the patients, as one import brings it."""
    rows = []
    for id, number in enumerate(numbers, first_id):
        key = id.to_bytes(16, "big")
        values = (id, number, "lab", "glucagon", "41", "pg/mL", 41.0, "pg/mL", None, 80.0, to_ms(at), "", "minute")
        rows.append((*values, *DRAWN.values(), "final", None, key, "b", "bench", to_ms(at), "bench", seq))
    _insert(database, "ingest", ("seq", "at", "batch_id"), [(seq, to_ms(at), "b")])
    _insert(database, "ingest_patient", _SEEN, [(seq, number) for number in numbers])
    _insert(database, "record", _RECORD, rows)


def _batch() -> tuple[Any, ...]:
    return ("b", "bench", "", "bench", to_ms(NOW), 0)


def _patient(number: int) -> tuple[Any, ...]:
    born = date(1940 + number % 50, 1 + number % 12, 1 + number % 28).isoformat()
    uuid = f"00000000-0000-4000-8000-{number:012x}"
    return (number, uuid, f"S{number:07}", born, ("female", "male")[number % 2], False, to_ms(NOW), 1)


def _records(number: int) -> Iterator[tuple[Any, ...]]:
    for n, fact in enumerate(patient(number)):
        id = number * 100 + n
        at = to_ms(NOW - timedelta(days=fact.ago)) // 60_000 * 60_000
        value = None if fact.value is None else f"{fact.value:g}"
        lab, method, fasting = DRAWN.values() if fact.drawn else (None, None, None)
        detail = None if fact.detail is None else msgspec.json.encode(fact.detail).decode()
        yield (
            *(id, number, fact.kind, fact.analyte, value, fact.unit, fact.value, fact.unit, fact.low, fact.high),
            *(at, "", "minute", lab, method, fasting, "final", detail),
            *(id.to_bytes(16, "big"), "b", "bench", at, "bench", 1),
        )


def _days(number: int) -> Iterator[tuple[Any, ...]]:
    for day, packed, numbers in sensor_days(number):
        yield (number, "sensor", day.isoformat(), "mg/dL", packed, *(numbers[name] for name in AGGREGATE[1:]), "b", 1)


def _insert(database: Database, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        if database.is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)
            cursor.execute("COMMIT")
        else:
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            connection.commit()
    finally:
        connection.close()
