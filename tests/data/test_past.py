"""What was recorded stays to be read: struck values with who, when and why, in both records of a move."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from data.db import Database
from data.entry.corrections import retract
from data.entry.past import arrivals, past_values
from data.merges import merge_patients
from data.models import Patient, Team
from data.provenance import provenance
from tests.data.test_corrections import WHY, Room
from tests.data.ward import Ward


@pytest.fixture
def room(database: Database, now: datetime) -> Room:
    return Room(database, now)


def test_a_value_corrected_twice_leaves_two_that_stand_under_the_third(room: Room) -> None:
    second = room.correct(room.weight, "64").record
    third = room.correct(second, "65").record
    with room.database.read() as session:
        past = past_values(session, room.nurse, [room.first])
        shown = provenance(session, room.nurse, "P-1", str(room.weight))
    assert [(p.record, p.value, p.what, p.stands) for p in past] == [
        (str(room.weight), "61", "corrected", str(third)),
        (str(second), "64", "corrected", str(third)),
    ]
    assert (past[0].who, past[0].at, past[0].why) == (room.nurse.name, room.now, WHY)
    assert shown.past == past and shown.versions[-1].id == str(third)


def test_a_retracted_value_stands_under_nothing_and_neither_does_what_was_before_it(room: Room) -> None:
    second = room.correct(room.weight, "64").record
    with room.database.write() as session:
        retract(session, room.nurse, "P-1", second, room.attempt())
        retract(session, room.nurse, "P-1", room.symptom, room.attempt())
    with room.database.read() as session:
        past = past_values(session, room.nurse, [room.first])
    assert sorted((p.kind, p.what, p.stands or "") for p in past) == [
        ("lab", "corrected", ""),
        ("lab", "retracted", ""),
        ("symptom", "retracted", ""),
    ]


def test_a_move_is_told_in_both_records_by_number_only_to_who_sees_both(room: Room) -> None:
    moved = room.move(room.weight, "P-2").moved_to
    with room.database.read() as session:
        for actor, away, here in ((room.nurse, "P-2", "P-1"), (room.stranger, None, None)):
            (past,) = past_values(session, actor, [room.first])
            (arrived,) = arrivals(session, actor, [room.second])
            assert (past.what, past.other, arrived.record, arrived.other) == ("moved", away, str(moved), here)
        assert provenance(session, room.nurse, "P-2", str(moved)).arrived[0].why == WHY


def test_a_patient_merged_since_is_named_by_the_number_that_stands(room: Room) -> None:
    with room.database.write() as session:
        ward = Ward(session, session.scalars(select(Team).where(Team.name == "NET")).one())
        ward.patient("P-3")
        session.add_all(Patient(uuid=f"u{n}", mrn=f"X-{n}", created_at=room.now) for n in range(3))
    room.move(room.weight, "P-2")
    with room.database.write() as session:
        merge_patients(session, room.nurse, merged="P-2", into="P-3", reason="one person", now=room.now)
    with room.database.read() as session:
        (past,) = past_values(session, room.nurse, [room.first])
        assert past.other == "P-3"
