"""Correcting, retracting and moving a record: a reason always, the old value stays, the rules see what now stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from clinical.protocol import bundled_protocol
from data.audit import verify
from data.charts import load_charts
from data.db import Database
from data.entry.corrections import NotCorrected, correct_value, move_record, retract
from data.entry.judged import judge_now
from data.flags import acknowledge, resolve, start_review
from data.models import Audit, Correction, Record, Team
from data.people import Actor, Forbidden, NotFound
from data.records import list_records
from tests.data.entries import save, submission
from tests.data.ward import POLICY, Ward

WHY = "typed the neighbour's value"


class Room:
    """A nurse, two patients, and a weight of the first with its record id."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        with database.write() as session:
            ward = Ward.open(session)
            self.nurse = ward.person("nurse@net.example", "nurse")
            self.first, self.second = ward.patient("P-1"), ward.patient("P-2")
            self.stranger = Ward.open(session, "Elsewhere").person("onc@elsewhere.example")
        with database.write() as session:
            sent = submission(session, "P-1", weight="61", **{"symptom__chest-pain": "yes"})
            save(session, self.nurse, "P-1", sent, now)
        self.weight, self.symptom = self.record("weight"), self.record("symptom.chest-pain")

    def record(self, place: str) -> int:
        with self.database.read() as session:
            return session.scalars(select(Record.id).where(Record.place == place)).one()

    def weights(self, patient_id: int) -> list[float | None]:
        with self.database.read() as session:
            return [r.value for r in load_charts(session, [patient_id])[patient_id].of("weight")]


@pytest.fixture
def room(database: Database, now: datetime) -> Room:
    return Room(database, now)


def test_a_corrected_value_takes_the_place_of_the_old_one_which_stays(room: Room) -> None:
    with room.database.write() as session:
        new = correct_value(session, room.nurse, "P-1", room.weight, value="64,5", unit="kg", reason=WHY, now=room.now)
    assert room.weights(room.first) == [64.5]
    with room.database.read() as session:
        told = {row["id"]: row for row in list_records(session, room.nurse, "P-1", "weight", include_superseded=True)}
        assert told[str(room.weight)]["superseded_by"] == str(new)
        assert told[str(new)]["status"] == "corrected" and told[str(new)]["source"]["format"] == "correction"
        kept = session.scalars(select(Correction)).one()
        assert (kept.what, kept.reason, kept.who, kept.replacement_id) == ("value", WHY, room.nurse.name, new)
        assert "record.correct" in session.scalars(select(Audit.action)).all() and verify(session).ok


def test_a_retraction_clears_what_rested_on_the_value(room: Room) -> None:
    def judged() -> list[str]:
        heard = judge_now(room.database, room.nurse, room.first, protocol=bundled_protocol(), mail=POLICY, now=room.now)
        return [flag["status"] for flag in heard.changed if flag["rule"] == "R26"]

    assert judged() == ["open"]
    with room.database.write() as session:
        retract(session, room.nurse, "P-1", room.symptom, reason=WHY, now=room.now)
    with room.database.read() as session:
        assert load_charts(session, [room.first])[room.first].symptoms == ()
    assert judged() == ["open"], "cleared by the data, and still to be seen by a person"


def test_a_moved_record_leaves_a_trace_in_both(room: Room) -> None:
    with room.database.write() as session:
        moved = move_record(
            session, room.nurse, "P-1", room.weight, to_mrn="P-2", reason="filed under the wrong patient", now=room.now
        )
    assert moved == (room.first, room.second)
    assert (room.weights(room.first), room.weights(room.second)) == ([], [61.0])
    with room.database.read() as session:
        for mrn, status in (("P-1", "entered-in-error"), ("P-2", "final")):
            rows = list_records(session, room.nurse, mrn, "weight")
            assert [row["status"] for row in rows] == [status]


def test_a_closed_review_that_used_the_value_comes_back_where_the_finding_still_stands(room: Room) -> None:
    with room.database.write() as session:
        sent = submission(session, "P-1", 1, glucose__1__value="40", glucose__1__unit="mg/dL")
        save(session, room.nurse, "P-1", sent, room.now)
        doctor = Ward(session, session.scalars(select(Team).where(Team.name == "NET")).one()).person("onc@net.example")

    def judged() -> list[dict[str, Any]]:
        heard = judge_now(room.database, doctor, room.first, protocol=bundled_protocol(), mail=POLICY, now=room.now)
        return [flag for flag in heard.changed if flag["rule"] == "R22"]

    flag = judged()[0]
    with room.database.write() as session:
        acknowledge(session, doctor, flag["id"], why="I have it", version=1, now=room.now)
        start_review(session, doctor, flag["id"], why="looking", version=2, now=room.now)
        resolve(session, doctor, flag["id"], why="meter error", version=3, now=room.now)
    assert judged() == []
    reading = room.record("glucose.1")
    with room.database.write() as session:
        correct_value(session, room.nurse, "P-1", reading, value="44", unit="mg/dL", reason=WHY, now=room.now)
    again = judged()[0]
    assert (again["status"], again["episode"]) == ("open", 2)


@pytest.mark.parametrize(
    ("value", "unit", "reason", "why"),
    [
        ("64", "kg", " ", "say why"),
        ("64", "stone", WHY, "not accepted"),
        ("heavy", "kg", WHY, "not a number"),
        ("-1", "kg", WHY, "negative"),
        ("61", "kg", WHY, "value that is recorded"),
    ],
)
def test_a_correction_needs_a_reason_and_a_value(room: Room, value: str, unit: str, reason: str, why: str) -> None:
    with pytest.raises(NotCorrected, match=why), room.database.write() as session:
        correct_value(session, room.nurse, "P-1", room.weight, value=value, unit=unit, reason=reason, now=room.now)
    assert room.weights(room.first) == [61.0]


def test_who_may_not_see_the_patient_or_comes_late_changes_nothing(room: Room) -> None:
    def attempt(actor: Actor, mrn: str, record: int) -> None:
        with room.database.write() as session:
            retract(session, actor, mrn, record, reason=WHY, now=room.now)

    for actor, mrn, error in (
        (room.stranger, "P-1", NotFound),
        (room.nurse, "P-2", NotFound),
        (Actor("a@x.example", "admin", 1), "P-1", Forbidden),
    ):
        with pytest.raises(error):
            attempt(actor, mrn, room.weight)
    attempt(room.nurse, "P-1", room.weight)
    with pytest.raises(NotCorrected, match="meanwhile"):
        attempt(room.nurse, "P-1", room.weight)
