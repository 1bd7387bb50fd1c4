"""The demonstration cohort judged: each story raises what it was written for, and calm patients stay calm."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from data.announcing import MailPolicy
from data.db import Database
from data.demo import load_demo
from data.demo.cohort import COHORT
from data.flags import list_flags
from data.patients import list_patients
from data.people import Actor
from jobs.sweep import sweep

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOADER = Actor.system("demo load")
MAIL = MailPolicy("demo.example", time(7), ZoneInfo("UTC"))
JUDGED = {"R01", "R02", "R03", "R06", "R07", "R11", "R12", "R16", "R18", "R31", "R42"}
"""The rules the stories were written for; rules that came later may say more."""
OF_TIME = {"R18", "R23", "R24", "R26", "R29", "R30", "R32", "R34", "R35", "R38", "R39"}
"""Rules of what is due, of samples not back and injections, and those of heart, thyroid and clots."""
INTENDED = {
    "DEMO-001": {"R01", "R42"},
    "DEMO-002": {"R03"},
    "DEMO-011": {"R31"},
    "DEMO-016": {"R02"},
    "DEMO-017": {"R06"},
    "DEMO-018": {"R07"},
    "DEMO-021": {"R11"},
    "DEMO-022": {"R12"},
    "DEMO-024": {"R12"},
    "DEMO-027": {"R16"},
    "DEMO-028": {"R18"},
}


@pytest.fixture
def loaded(database: Database) -> Database:
    load_demo(database, LOADER, today=NOW.date(), now=NOW)
    return database


def test_the_sweep_raises_what_each_story_intends_and_calm_patients_stay_calm(loaded: Database) -> None:
    report = sweep(loaded, protocol=bundled_protocol(), mail=MAIL, as_of=NOW, now=NOW)
    assert report.counts.failed == []
    assert report.counts.evaluated == len(COHORT)
    with loaded.read() as session:
        raised = _raised(session)
        severities = {(flag["rule"], flag["severity"]) for flag in list_flags(session, LOADER, status="open")}
    assert raised == INTENDED
    assert {("R16", "urgent"), ("R03", "high"), ("R06", "high"), ("R42", "medium")} <= severities
    assert 1 / 4 < len(raised) / len(COHORT) < 2 / 5


@pytest.mark.parametrize("moment", [datetime(2024, 2, 29, 0, 5, tzinfo=UTC), datetime(2027, 7, 15, 23, 55, tzinfo=UTC)])
def test_the_stories_say_the_same_on_whatever_day_they_are_loaded(moment: datetime, sqlite_database: Database) -> None:
    load_demo(sqlite_database, LOADER, today=moment.date(), now=moment)
    sweep(sqlite_database, protocol=bundled_protocol(), mail=MAIL, as_of=moment, now=moment)
    with sqlite_database.read() as session:
        assert _raised(session) == INTENDED


def test_the_dead_are_not_flagged(loaded: Database) -> None:
    sweep(loaded, protocol=bundled_protocol(), mail=MAIL, as_of=NOW, now=NOW)
    with loaded.read() as session:
        dead = [patient["mrn"] for patient in list_patients(session, LOADER) if patient["deceased"]]
        assert dead == ["DEMO-020"]
        assert list_flags(session, LOADER, mrn=dead[0]) == []


def test_time_alone_asks_only_where_a_story_left_something_open(sqlite_database: Database) -> None:
    load_demo(sqlite_database, LOADER, today=NOW.date(), now=NOW)
    sweep(sqlite_database, protocol=bundled_protocol(), mail=MAIL, as_of=NOW, now=NOW)
    with sqlite_database.read() as session:
        assert _raised(session, OF_TIME) == {"DEMO-028": {"R18"}, "DEMO-030": {"R30", "R34"}}


def _raised(session: Session, rules: set[str] = JUDGED) -> dict[str, set[str]]:
    raised: dict[str, set[str]] = {}
    for flag in list_flags(session, LOADER, status="open"):
        if flag["rule"] in rules:
            raised.setdefault(flag["patient"], set()).add(flag["rule"])
    return raised
