"""While a chunk is stored the next is read, and nothing can be told from storing each before the next is read."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from data.audit import verify
from data.db import Database
from data.intake.batch import import_paths
from data.intake.read_ahead import read_ahead
from data.models import Patient, Record
from tests.data.bundles import ACTOR, NOW, bundle, glucose, patient
from tests.data.test_came_before import PEOPLE, SAID

LONG_S = 60.0


def test_the_next_is_read_while_one_is_stored_and_all_are_stored_in_order() -> None:
    second_is_read = Event()
    stored: list[int] = []

    def numbers() -> Iterator[int]:
        yield 1
        second_is_read.set()
        yield from (2, 3, 4)

    def store(number: int) -> None:
        assert second_is_read.wait(LONG_S), "the second was not read before the first was stored"
        stored.append(number)

    read_ahead(numbers(), store)
    assert stored == [1, 2, 3, 4]


def test_nothing_is_stored_behind_what_could_not_be() -> None:
    stored: list[int] = []

    def store(number: int) -> None:
        if number == 2:
            raise ZeroDivisionError
        stored.append(number)

    with pytest.raises(ZeroDivisionError):
        read_ahead(iter((1, 2, 3, 4)), store)
    assert stored == [1]


def test_what_was_read_before_the_reading_failed_is_stored() -> None:
    stored: list[int] = []

    def numbers() -> Iterator[int]:
        yield from (1, 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_ahead(numbers(), stored.append)
    assert stored == [1, 2]


@pytest.mark.parametrize("seed", range(6))
def test_versions_in_neighbouring_chunks_end_as_when_each_chunk_is_stored_first(
    seed: int,
    sqlite_database: Database,
    postgresql_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("data.intake.chunks.CHUNK", 3)
    chance = random.Random(seed)
    for number in range(3):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(bundle(*PEOPLE, *chance.choices(SAID, k=40))))
        ahead, turn = (
            import_paths(database, ACTOR, [path], now=NOW, batch_id=f"b{number}").as_json()
            for database in (postgresql_database, sqlite_database)
        )
        assert ahead == turn
        assert stated(postgresql_database) == stated(sqlite_database)


def test_what_the_database_refuses_ends_the_import_and_run_again_it_holds_everything_once(
    postgresql_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.intake.chunks.CHUNK", 3)
    path = tmp_path / "results.json"
    results = [glucose(80 + number, id=f"r{number}") for number in range(12)]
    path.write_text(json.dumps(bundle(patient(), *results)))
    refusing = (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not 84''; END'",
        "CREATE TRIGGER refuse BEFORE INSERT ON record FOR EACH ROW WHEN (NEW.value = '84') EXECUTE FUNCTION refuse()",
    )
    with postgresql_database.write() as session:
        for statement in refusing:
            session.execute(text(statement))
    with pytest.raises(DBAPIError, match="not 84"):
        import_paths(postgresql_database, ACTOR, [path], now=NOW, batch_id="b")
    assert [value for _, _, _, value, _, _ in stated(postgresql_database)] == ["80", "81", "82"]
    with postgresql_database.write() as session:
        session.execute(text("DROP TRIGGER refuse ON record"))
    summary = import_paths(postgresql_database, ACTOR, [path], now=NOW, batch_id="b")
    assert (summary.stored, summary.unchanged) == (9, 4)
    assert [value for _, _, _, value, _, _ in stated(postgresql_database)] == [str(80 + n) for n in range(12)]
    with postgresql_database.read() as session:
        assert verify(session).ok


def stated(database: Database) -> list[tuple[Any, ...]]:
    """Every row in the order in which it was stored, named by where it stood in what was sent."""
    with database.read() as session:
        numbers = {id: mrn for id, mrn in session.execute(select(Patient.id, Patient.mrn))}
        rows = session.scalars(select(Record).order_by(Record.id)).all()
    place = {row.id: (row.batch_id, row.place) for row in rows}
    return [
        (
            place[row.id],
            numbers[row.patient_id],
            row.source_id,
            row.value,
            row.status,
            place.get(row.superseded_by or 0),
        )
        for row in rows
    ]
