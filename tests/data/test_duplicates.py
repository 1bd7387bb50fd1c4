"""The same result with one part missing on one side is kept twice and shown, and a person retracts one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.db import Database
from data.duplicates import NotRetracted, possible_duplicates, retract_record
from data.intake.batch import import_paths
from data.patients import add_patient
from data.people import Actor, Forbidden, NotFound
from data.records import list_records

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
BASE = {"when": "2024-03-10", "value": "118", "lab": "", "id": ""}


def stored(database: Database, folder: Path, *rows: dict[str, str]) -> None:
    with database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    path = folder / "labs.csv"
    lines = [f"M-1,{r['when']},glucagon,{r['value']},pg/mL,{r['lab']},{r['id']}" for r in (BASE | row for row in rows)]
    path.write_text("\n".join(("mrn,when,analyte,value,unit,lab,id", *lines)) + "\n")
    assert import_paths(database, ACTOR, [path], now=NOW).stored == len(rows)


@pytest.mark.parametrize(
    ("other", "missing"),
    [
        ({"lab": "Central"}, "laboratory"),
        ({"id": "S1"}, "number"),
        ({"when": "2024-03-10T08:15:00Z"}, "time"),
    ],
)
def test_one_missing_part_makes_a_possible_duplicate(
    database: Database, tmp_path: Path, other: dict[str, str], missing: str
) -> None:
    stored(database, tmp_path, {}, other)
    with database.read() as session:
        (pair,) = possible_duplicates(session, ACTOR, "M-1")
        kept = list_records(session, ACTOR, "M-1")
    assert (pair["missing"], len(kept)) == (missing, 2)
    assert pair["missing_in"] in pair["records"]


@pytest.mark.parametrize(
    "rows",
    [
        ({"lab": "Central"}, {"lab": "Other"}),
        ({"lab": "Central"}, {"id": "S1"}),
        ({}, {"value": "119"}),
        ({}, {"when": "2024-03-11"}),
        ({"when": "2024-03-10T08:15:00Z"}, {"when": "2024-03-10T09:15:00Z"}),
        ({}, {"lab": "Central", "id": "S1"}),
    ],
)
def test_what_differs_in_more_is_no_possible_duplicate(
    sqlite_database: Database, tmp_path: Path, rows: tuple[dict[str, str], ...]
) -> None:
    stored(sqlite_database, tmp_path, *rows)
    with sqlite_database.read() as session:
        assert possible_duplicates(session, ACTOR, "M-1") == []


@pytest.mark.parametrize("other", [{"lab": "Central"}, {"id": "S1"}])
def test_a_person_retracts_one_of_two_and_both_stay_in_the_record(
    database: Database, tmp_path: Path, other: dict[str, str]
) -> None:
    stored(database, tmp_path, {}, other)
    with database.write() as session:
        with pytest.raises(NotRetracted, match="say why"):
            retract_record(session, ACTOR, 1, reason=" ", now=NOW)
        with pytest.raises(Forbidden):
            retract_record(session, Actor("a", "admin", 1), 1, reason="sent twice", now=NOW)
        with pytest.raises(NotFound):
            retract_record(session, ACTOR, 99, reason="sent twice", now=NOW)
        for record in possible_duplicates(session, ACTOR, "M-1")[0]["records"][1:]:
            retract_record(session, ACTOR, int(record), reason="sent twice", now=NOW)
            with pytest.raises(NotRetracted, match="does not stand"):
                retract_record(session, ACTOR, int(record), reason="sent twice", now=NOW)
        assert possible_duplicates(session, ACTOR, "M-1") == []
        everything = list_records(session, ACTOR, "M-1", include_superseded=True)
        assert sorted(row["status"] for row in everything) == ["entered-in-error", "final", "final"]
