"""What many rows cost: results appended to five million, and a gigabyte of NDJSON in constant memory.

    .venv/bin/python -m bench.intake_large [sqlite|postgresql] [append|ndjson]

The 20 bundles of `bench.intake_fhir` (20,000 Observations of 20 patients) are imported into a database that holds
nothing, then into one that holds 5,000,000 records of 1,000 patients, the 20 among them; the records come straight by
SQL, with every index in place, keys spread evenly. The gigabyte is one NDJSON file of about a million Observations of
2,000 patients; its peak is what the process held at the most over what it held before.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.engine import URL

from bench.clock import clock
from bench.intake_fhir import (
    ACTOR,
    BUNDLES,
    EACH,
    NOW,
    TEAM,
    fresh,
    nadir,
    observation,
    postgresql_server,
    write_bundles,
)
from data.db import Database
from data.intake.batch import import_paths
from data.models import Batch, Ingest, Patient
from data.patients import add_patient

ROWS, PATIENTS, OF_NDJSON, GIGABYTE = 5_000_000, 1_000, 2_000, 1024**3
_COLUMNS = (
    "id, patient_id, kind, analyte, value, unit, canonical_value, canonical_unit, effective_at, effective_text, "
    "precision, lab, specimen, status, natural_key, source_id, source_version, batch_id, place, recorded_at, "
    "recorded_by, ingest_seq"
)
_VALUES = (
    "n, 1 + n % {patients}, 'lab', 'zinc', '98', 'ug/dL', 98.0, 'ug/dL', 1500000000000 + n * 60000, "
    "'2024-01-05T08:15:00+00:00', 'second', 'Central laboratory', 'S-' || n, 'final', {key}, 'Observation/old-' || n, "
    "'1', 'old', 'old.json#entry[' || n || ']', 1700000000000, 'bench', 1"
)
_SQLITE = (
    f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS}) "
    f"INSERT INTO record ({_COLUMNS}) SELECT {_VALUES.format(patients=PATIENTS, key='randomblob(16)')} FROM numbers"
)
_KEY = "decode(md5(n::text), 'hex')"
_POSTGRESQL = (
    f"INSERT INTO record ({_COLUMNS}) SELECT {_VALUES.format(patients=PATIENTS, key=_KEY)} "
    f"FROM generate_series(1, {ROWS}) AS numbers(n)"
)


def admit_patients(database: Database) -> None:
    """The patients of the rows; those of the bundles stand evenly among them."""
    every = PATIENTS // BUNDLES
    with database.write() as session:
        session.add(Batch(id="old", format="fhir-r4", digest="", actor="bench", started_at=NOW, files=1))
        session.add(Ingest(seq=1, at=NOW, batch_id=None))
        for n in range(PATIENTS):
            mrn = f"M-{n // every:03}" if n % every == 0 else f"X-{n:04}"
            add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(TEAM,), now=NOW)
        session.execute(update(Patient).values(mrn_system="urn:mrn"))


def fill(database: Database) -> None:
    """Five million records; their indexes are built once they are there."""
    with database.write() as session:
        connection = session.connection()
        indexes = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'record' AND sql IS NOT NULL"
            if database.is_sqlite
            else "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'record' AND indexname <> 'pk_record'"
        ).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        connection.exec_driver_sql(_SQLITE if database.is_sqlite else _POSTGRESQL)
        for _, built in indexes:
            connection.exec_driver_sql(built)
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('record', 'id'), {ROWS})")


def append(home: Path, server: URL | None) -> None:
    """Print the cost of a row appended to none and to five million."""
    paths = write_bundles(home, BUNDLES, EACH)
    took: list[tuple[float, float]] = []
    for full in (False, True):
        database = fresh(home, server)
        admit_patients(database)
        if full:
            began = time.perf_counter()
            fill(database)
            print(f"five million records stored in {time.perf_counter() - began:.0f} s")
        wall, cpu, _ = nadir(database, paths)
        took.append((wall, cpu))
        database.close()
    each = [f"{wall / BUNDLES / EACH * 1e6:.0f} us (CPU {cpu / BUNDLES / EACH * 1e6:.0f})" for wall, cpu in took]
    ratio = took[1][0] / took[0][0]
    print(f"a row appended to none {each[0]}, to {ROWS} {each[1]}: {ratio:.1f} x the time (goal <= 6)")


def ndjson(home: Path, server: URL | None) -> None:
    """Print peak memory and time of one NDJSON file of a gigabyte."""
    path = home / "gigabyte.ndjson"
    chance, size, count = random.Random(1), 0, 0
    with path.open("w", encoding="utf-8") as stream:
        for n in range(OF_NDJSON):
            mrn = {"type": {"coding": [{"code": "MR"}]}, "system": "urn:mrn", "value": f"M-{n:03}"}
            stream.write(json.dumps({"resourceType": "Patient", "id": f"p{n}", "identifier": [mrn]}) + "\n")
        while size < GIGABYTE:
            size += stream.write(json.dumps(observation(count % OF_NDJSON, count // OF_NDJSON, chance)) + "\n")
            count += 1
    database = fresh(home, server)
    took: list[float] = []
    with clock(took):
        summary = import_paths(database, ACTOR, [path], now=NOW, team=TEAM)
    held = [f"{refused.where}: {refused.why}" for refused in summary.quarantined[:1]]
    assert summary.read == count + OF_NDJSON and not held, held
    database.close()
    wall, cpu, memory = took
    print(
        f"{size / 1e9:.2f} GB, {count} Observations: {wall:.0f} s (CPU {cpu:.0f}), peak {memory:.0f} MB (goal <= 300)"
    )


def main() -> None:
    """Run what is named on the kind of database that is named; everything where nothing is."""
    asked = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as home, postgresql_server() as server:
        for name, place in (("sqlite", None), ("postgresql", server)):
            if asked & {"sqlite", "postgresql"} <= {name}:
                print(name)
                for what in (append, ndjson):
                    if asked & {"append", "ndjson"} <= {what.__name__}:
                        what(Path(home), place)


if __name__ == "__main__":
    main()
