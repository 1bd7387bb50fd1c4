"""What came before byte for byte is not read again, and nothing else can be told from that."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database, open_database
from data.duplicates import retract_record
from data.intake.batch import import_paths, import_sources
from data.intake.came_before import CameBefore
from data.intake.source import gather
from data.intake.transactions import transactions
from data.models import Audit, Ingest, Record
from tests.data.bundles import ACTOR, LOINC, NOW, Resource, bundle, coded, glucose, observation, part, patient, run


def stated(value: int, **fields: Any) -> Resource:
    return glucose(value, id="a", **fields)


# Everything one source can say of a result, in any order: versions, corrections without one, a retraction, a result of
# other content, the same id of another patient.
SAID = (
    stated(99),
    stated(99, meta={"versionId": "1"}),
    stated(98, meta={"versionId": "2"}),
    stated(97, status="corrected"),
    stated(96, status="corrected"),
    stated(99, status="entered-in-error"),
    stated(99, subject={"reference": "Patient/p2"}),
    glucose(99, id="b"),
    glucose(99, id="b", status="entered-in-error"),
)
PEOPLE = (patient(), patient("M-2", "p2"))


def sequences() -> Iterator[list[Sequence[Resource]]]:
    """Files one after the other, each with what it says."""
    # Each of these says that it is newer than the one before it, the first newer than the last.
    second = stated(98, meta={"versionId": "2"})
    unnumbered, first = stated(96, status="corrected"), stated(97, status="corrected", meta={"versionId": "1"})
    yield [[second], [unnumbered, first, second], [second]]
    for seed in range(12):
        chance = random.Random(seed)
        yield [chance.choices(SAID, k=chance.randint(1, 4)) for _ in range(8)]


@pytest.mark.parametrize("files", list(sequences()))
def test_whatever_comes_in_whatever_order_is_as_if_all_of_it_were_read_again(
    files: list[Sequence[Resource]], sqlite_database: Database, sqlite_template: Path, tmp_path: Path, audit_key: bytes
) -> None:
    copy = tmp_path / "read.db"
    shutil.copyfile(sqlite_template, copy)
    always_read = open_database(f"sqlite:///{copy}", audit_key)
    for number, said in enumerate(files):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(bundle(*PEOPLE, *said)))
        came = import_paths(sqlite_database, ACTOR, [path], now=NOW, batch_id=f"b{number}")
        # Who watches an import is told what each item says, so everything is read.
        read = import_sources(
            always_read, ACTOR, gather([path], None), now=NOW, batch_id=f"b{number}", watch=lambda *_: None
        )
        assert came.as_json() == read.as_json()
        assert rows(sqlite_database) == rows(always_read)
    always_read.close()


def test_known_results_are_found_by_their_bytes_and_nothing_is_written_for_them(
    database: Database, tmp_path: Path
) -> None:
    results = [glucose(80 + number, id=f"r{number}") for number in range(30)]
    assert run(database, tmp_path, patient(), *results)["stored"] == 31
    with database.read() as session:
        marks = [(row.source_id, row.sent_digest) for row in session.scalars(select(Record))]
        written = len(session.scalars(select(Ingest.seq)).all()), len(session.scalars(select(Audit.seq)).all())
    with transactions(database, dry_run=False, batch="b") as steps:
        assert CameBefore(steps)(marks) == set(marks)
        assert not CameBefore(steps)([(source_id, b"x" * 16) for source_id, _ in marks])
    assert run(database, tmp_path, patient(), *results)["unchanged"] == 31
    with database.read() as session:
        again = len(session.scalars(select(Ingest.seq)).all()), len(session.scalars(select(Audit.seq)).all())
    assert (again[0], again[1]) == (written[0], written[1] + 1), "the import alone is entered in the audit chain"


def test_what_a_person_retracted_is_not_taken_for_what_stands(database: Database, tmp_path: Path) -> None:
    run(database, tmp_path, patient(), stated(99))
    with database.write() as session:
        ((id, sent),) = session.execute(select(Record.id, Record.sent_digest)).all()
        assert sent is not None
        retract_record(session, ACTOR, id, reason="another patient's sample", now=NOW)
    with database.read() as session:
        retraction = session.scalars(select(Record).where(Record.superseded_by.is_(None))).one()
        assert (retraction.status, retraction.sent_digest) == ("entered-in-error", None)
    assert run(database, tmp_path, patient(), stated(99))["unchanged"] == 2
    with database.read() as session:
        assert session.scalars(select(Record.status).where(Record.superseded_by.is_(None))).all() == [
            "entered-in-error"
        ]


def test_of_a_panel_no_part_stands_for_the_whole(sqlite_database: Database, tmp_path: Path) -> None:
    parts = [part("2345-7", 99, LOINC, "mg/dL"), part("2338-2", 80, LOINC, "pg/mL")]
    run(sqlite_database, tmp_path, patient(), observation(coded("x"), id="p", component=parts))
    with sqlite_database.read() as session:
        assert session.scalars(select(Record.sent_digest)).all() == [None, None]


def rows(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [
            (row.id, row.patient_id, row.source_id, row.value, row.status, row.superseded_by, row.sent_digest is None)
            for row in session.scalars(select(Record).order_by(Record.id))
        ]
