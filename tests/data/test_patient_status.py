"""Deceased, transferred, withdrawn: reminders and mails end from that day, the record and its flags stay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from clinical.protocol import load_protocol
from data.db import Database
from data.flags import list_flags
from data.models import Outbox
from data.outbox import claim
from data.patient_status import StatusError, patient_status, set_status
from data.people import Actor, Forbidden
from data.records import list_records
from jobs.sweep import sweep
from tests.data.ward import POLICY, Ward, coded, lab

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
PROTOCOL = load_protocol(None, jurisdiction="EU")
WHY = "told by the family doctor"


def swept(database: Database, at: datetime) -> None:
    sweep(database, protocol=PROTOCOL, mail=POLICY, as_of=at, now=at)


def overdue(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@x.example")
        ward.patient(
            "M-1", coded("state", "2024-01-01", state="residual-stable"), lab("glucagon", 100, "pg/mL", "2024-01-01")
        )
    swept(database, NOW)


@pytest.mark.parametrize("status", ["deceased", "transferred", "withdrawn"])
def test_who_is_not_followed_gets_no_mail_and_keeps_record_and_flags(database: Database, status: str) -> None:
    overdue(database)
    with database.write() as session:
        before = [(flag["rule"], flag["status"]) for flag in list_flags(session, ACTOR)]
        assert before and set(session.scalars(select(Outbox.state))) == {"pending"}
        set_status(session, ACTOR, mrn="M-1", status=status, on=date(2026, 3, 1), reason=WHY, now=NOW)
        assert set(session.scalars(select(Outbox.state))) == {"cancelled"}
        assert claim(session, NOW + timedelta(days=30)) is None
    swept(database, NOW + timedelta(days=400))
    with database.read() as session:
        assert [(flag["rule"], flag["status"]) for flag in list_flags(session, ACTOR)] == before
        assert len(list_records(session, ACTOR, "M-1")) == 2
        assert set(session.scalars(select(Outbox.state))) == {"cancelled"}


def test_who_is_followed_again_is_judged_again_and_both_steps_are_told(sqlite_database: Database) -> None:
    overdue(sqlite_database)
    with sqlite_database.write() as session:
        for status in ("transferred", "active"):
            set_status(session, ACTOR, mrn="M-1", status=status, on=date(2026, 3, 1), reason=WHY, now=NOW)
        found = patient_status(session, ACTOR, "M-1")
    assert found["status"] == "active"
    assert [row["status"] for row in found["history"]] == ["transferred", "active"]
    later = NOW + timedelta(minutes=1)
    report = sweep(sqlite_database, protocol=PROTOCOL, mail=POLICY, as_of=later, now=later)
    assert report.patients == 1


def test_a_state_that_cannot_be_is_refused(sqlite_database: Database) -> None:
    overdue(sqlite_database)
    with sqlite_database.write() as session:
        for changes, why in (
            ({"status": "gone"}, "a patient is"),
            ({"on": date(2026, 4, 1)}, "future"),
            ({"reason": "x"}, "say why"),
        ):
            said = {"mrn": "M-1", "status": "withdrawn", "on": date(2026, 3, 1), "reason": WHY} | changes
            with pytest.raises(StatusError, match=why):
                set_status(session, ACTOR, **said, now=NOW)
        with pytest.raises(Forbidden):
            set_status(
                session, Actor("a", "admin", 1), mrn="M-1", status="active", on=date(2026, 3, 1), reason=WHY, now=NOW
            )
        assert patient_status(session, ACTOR, "M-1")["history"] == []
