"""Judging: findings become flags once, a patient who cannot be judged stops nobody, and time never runs backwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from data.db import Database
from data.flags import acknowledge, list_flags, snooze
from data.judge import JudgeCounts, judge
from data.models import Audit, Flag, FlagHistory, Judgement, Outbox, Patient, Record
from data.people import Actor
from tests.data.ward import POLICY, Ward, at, coded, lab, relapsing, well

SYSTEM = Actor.system("test")
PROTOCOL = bundled_protocol()


def run(session: Session, *ids: int, now: datetime, as_of: datetime | None = None) -> JudgeCounts:
    return judge(session, ids, protocol=PROTOCOL, as_of=as_of or now, now=now, mail=POLICY, actor=SYSTEM)


def tables(session: Session) -> dict[str, Any]:
    counts: dict[str, Any] = {
        table.__tablename__: session.scalar(select(func.count()).select_from(table))
        for table in (FlagHistory, Outbox, Audit)
    }
    return counts | {"flags": session.execute(select(Flag.id, Flag.version, Flag.status)).all()}


def judgement(session: Session, patient_id: int) -> Any:
    return session.execute(select(Judgement.__table__).where(Judgement.patient_id == patient_id)).one()


def test_a_recurrence_is_flagged_with_its_evidence_told_and_audited(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        id = ward.patient("M1", *relapsing("2026-02-01"))
        counts = run(session, id, now=now)
        (flag,) = list_flags(session, SYSTEM, mrn="M1")
        record = session.scalars(select(Record.id).where(Record.canonical_value == 330.0)).one()
        audited = session.execute(select(Audit.action, Audit.object, Audit.patient_uuid)).all()
        uuid = session.scalars(select(Patient.uuid)).one()
    assert (counts.evaluated, counts.opened, counts.outbox_rows, counts.failed) == (1, 1, 1, [])
    assert (flag["rule"], flag["severity"], flag["status"]) == ("R03", "high", "open")
    assert str(record) in [e["record"] for e in flag["evidence"]] and "330" in flag["why"]
    assert [tuple(row) for row in audited] == [("flag.open", flag["id"], uuid)]


def test_judging_a_patient_again_writes_nothing_but_the_judgement(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        id = ward.patient("M1", *relapsing("2026-02-01"))
        run(session, id, now=now)
    with database.write() as session:
        before = tables(session)
        counts = run(session, id, now=now + timedelta(hours=1))
        assert (counts.evaluated, counts.opened, counts.updated, counts.resolved, counts.outbox_rows) == (1, 0, 0, 0, 0)
        assert tables(session) == before
        assert judgement(session, id).judged_at == now + timedelta(hours=1)


def test_a_patient_who_cannot_be_judged_stops_nobody_and_is_told_to_the_admins_once(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        ward.person("boss@n.example", "admin")
        broken = ward.patient("M1", *relapsing("2026-02-01"))
        run(session, broken, now=now)
        (poison,) = ward.store(broken, coded("state", "2026-02-02", state="cured"))
        healthy = ward.patient("M2", *relapsing("2026-02-01"))
    for tries in range(1, 6):
        with database.write() as session:
            counts = run(session, broken, healthy, now=now + timedelta(minutes=tries))
            assert counts.evaluated == 1 and counts.opened == (1 if tries == 1 else 0)
            assert [failure.mrn for failure in counts.failed] == ["M1"] and str(poison) in counts.failed[0].why
            row = judgement(session, broken)
            assert row.failures == tries and "is no state" in row.last_failure
            alarms = session.scalar(select(func.count()).where(Outbox.kind == "technical"))
            assert alarms == (1 if tries >= 3 else 0)
            due = now + timedelta(minutes=tries) + (timedelta(0) if tries < 3 else timedelta(hours=1))
            assert row.next_due_at == due
    with database.write() as session:
        assert [f["status"] for f in list_flags(session, SYSTEM, mrn="M1")] == ["open"]
        (mended,) = Ward(session, ward.team).store(broken, coded("state", "2026-02-02", state="ned-resected"))
        session.execute(update(Record).where(Record.id == poison).values(superseded_by=mended))
        assert run(session, broken, now=now + timedelta(hours=1)).failed == []
        assert judgement(session, broken).failures == 0


def test_a_look_at_the_past_clears_nothing_that_was_found_since(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1", *relapsing("2026-02-01"))
        run(session, id, now=now)
        before = tables(session)
        run(session, id, now=now, as_of=at("2025-09-01"))
        assert tables(session) == before and judgement(session, id).judged_at == now


def test_new_data_are_judged_as_of_the_last_judgement_when_the_clock_was_set_back(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1", *well())
        run(session, id, now=now)
        ward.store(id, lab("glucagon", 330.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0))
        assert run(session, id, now=now, as_of=now - timedelta(hours=2)).opened == 1
        (flag,) = list_flags(session, SYSTEM)
        assert flag["as_of"] == "2026-03-02T09:00:00Z"


def test_a_judgement_ahead_of_the_clock_does_not_bind_the_next_one(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1", *well())
        run(session, id, now=now, as_of=now + timedelta(days=3650))
        run(session, id, now=now)
        assert judgement(session, id).judged_at == now


def test_a_flag_is_found_when_it_could_first_have_been_seen(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1", *relapsing("2026-02-01", issued_at=at("2026-02-05T12:00")))
        assert run(session, id, now=now, as_of=at("2026-02-01")).opened == 0
        due = judgement(session, id).next_due_at
        assert due is not None and due <= at("2026-02-05T12:00")
        assert run(session, id, now=now, as_of=at("2026-02-05T11:59")).opened == 0
        assert run(session, id, now=now, as_of=at("2026-02-05T12:00")).opened == 1
        (flag,) = list_flags(session, SYSTEM)
    assert flag["opened_at"] == "2026-02-05T12:00:00Z" and flag["history"][0]["at"] == "2026-03-02T09:00:00Z"


def test_a_corrected_value_resolves_the_acknowledged_flag_it_had_raised(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        oncologist = ward.person("a@n.example")
        id = ward.patient("M1", *relapsing("2026-02-01"))
        run(session, id, now=now)
        (flag,) = list_flags(session, SYSTEM)
        acknowledge(session, oncologist, flag["id"], why="repeat ordered", version=1, now=now)
        wrong = session.scalars(select(Record.id).where(Record.canonical_value == 330.0)).one()
        (right,) = ward.store(id, lab("glucagon", 33.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0))
        session.execute(update(Record).where(Record.id == wrong).values(superseded_by=right))
        assert run(session, id, now=now + timedelta(days=1)).resolved == 1
        assert {f["rule"]: f["status"] for f in list_flags(session, SYSTEM)} == {"R03": "resolved"}


@pytest.mark.parametrize("end", ["deceased_at", "withdrawn_at"])
def test_who_is_no_longer_followed_gets_no_flag_and_no_mail_and_keeps_the_history(
    database: Database, now: datetime, end: str
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        before = ward.patient("M1", *relapsing("2026-02-01"))
        run(session, before, now=now)
        session.execute(update(Patient).values({end: now}))
        new = ward.patient("M2", *relapsing("2026-02-01"), **{end: now})
        counts = run(session, before, new, now=now + timedelta(hours=1))
        assert (counts.evaluated, counts.opened, counts.resolved) == (2, 0, 0)
        assert [f["status"] for f in list_flags(session, SYSTEM)] == ["open"]
        assert session.scalars(select(Outbox.state)).all() == ["cancelled"]


def test_a_snoozed_flag_makes_the_patient_due_when_the_snooze_ends(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        oncologist = ward.person("a@n.example")
        id = ward.patient("M1", *relapsing("2026-02-01"))
        run(session, id, now=now)
        (flag,) = list_flags(session, SYSTEM)
        until = now + timedelta(days=2)
        snooze(session, oncologist, flag["id"], why="after PET", until=until, version=1, now=now)
        assert judgement(session, id).next_due_at == until
        run(session, id, now=now + timedelta(days=1))
        assert judgement(session, id).next_due_at == until
        run(session, id, now=until)
        assert [f["status"] for f in list_flags(session, SYSTEM)] == ["open"]
