"""Emergency access: a reason, an hour, one patient, a mail, and a mark on the audit trail."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DatabaseError

from data.access import note_read, reach_patient
from data.announcing import MailPolicy
from data.audit import verify
from data.db import Database
from data.emergency import LIFE, EmergencyRefused, Privacy, list_emergencies, open_in_emergency, opened_by
from data.merges import merge_patients
from data.models import Audit, Emergency, Outbox, Patient, PatientTeam, Person
from data.outbox import claim
from data.people import Actor, Forbidden, add_person, add_team, person_actor, reached, visible
from data.throttle import TooManyTries

ROOT = Actor.system("test")
OFFICER = "privacy@clinic.example"
PRIVACY = Privacy(MailPolicy("clinic.example", time(7), ZoneInfo("UTC")), OFFICER)
WHY = "found unconscious, no relatives here"


@pytest.fixture
def clinic(database: Database, now: datetime) -> Database:
    with database.write() as session:
        teams = [add_team(session, ROOT, name, now=now).id for name in ("North", "South")]
        for number, team in enumerate([*teams, teams[1]], start=1):
            session.add(Patient(id=number, uuid=f"u{number}", mrn=f"M{number}", created_at=now))
            session.flush()
            session.add(PatientTeam(patient_id=number, team_id=team))
        add_person(session, ROOT, email="onc@clinic.example", role="oncologist", teams=["North"], now=now)
        add_person(session, ROOT, email="admin@clinic.example", role="admin", teams=[], now=now)
    return database


def _actor(database: Database, now: datetime, email: str = "onc@clinic.example") -> Actor:
    with database.read() as session:
        person = session.scalars(select(Person).where(Person.email == email)).one()
        return replace(person_actor(session, person), opened=opened_by(session, person.id, now))


def _open(database: Database, mrn: str, now: datetime, why: str = WHY, privacy: Privacy = PRIVACY) -> None:
    with database.write() as session:
        open_in_emergency(session, _actor(database, now), mrn, why, privacy=privacy, now=now)


def _seen(database: Database, now: datetime) -> set[str]:
    actor = _actor(database, now)
    with database.read() as session:
        listed = set(session.scalars(select(Patient.mrn).where(visible(actor))))
        assert listed == set(session.scalars(select(Patient.mrn).where(reached(actor, Patient.id), visible(actor))))
        one_by_one = {m for m in ("M1", "M2", "M3") if reach_patient(session, actor, m, since=now).allowed}
    assert listed == one_by_one
    return listed


def test_one_patient_is_opened_for_an_hour_and_no_other(clinic: Database, now: datetime) -> None:
    assert _seen(clinic, now) == {"M1"}
    _open(clinic, "M2", now)
    assert _seen(clinic, now) == {"M1", "M2"}
    assert _seen(clinic, now + LIFE - timedelta(seconds=1)) == {"M1", "M2"}
    assert _seen(clinic, now + LIFE) == {"M1"}
    assert _seen(clinic, now + timedelta(days=1)) == {"M1"}


def test_a_clinician_without_a_team_can_open_one_too(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        add_person(session, ROOT, email="new@clinic.example", role="nurse", teams=[], now=now)
    with clinic.write() as session:
        nurse = _actor(clinic, now, "new@clinic.example")
        open_in_emergency(session, nurse, "M3", WHY, privacy=PRIVACY, now=now)
    actor = _actor(clinic, now, "new@clinic.example")
    with clinic.read() as session:
        assert session.scalars(select(Patient.mrn).where(visible(actor))).all() == ["M3"]


@pytest.mark.parametrize("why", ["", "emergency", "   e  m  e     ", "x" * 501])
def test_without_a_reason_nothing_is_opened(clinic: Database, now: datetime, why: str) -> None:
    with pytest.raises(EmergencyRefused):
        _open(clinic, "M2", now, why)
    with clinic.read() as session:
        assert session.scalars(select(Emergency)).all() == []
        assert session.scalars(select(Outbox)).all() == []


@pytest.mark.parametrize("mrn", ["NOBODY", "", "M2\x00", "\ud800", "x" * 5000, "M1"])
def test_no_such_patient_and_an_own_one_open_nothing_and_are_written_down(
    clinic: Database, now: datetime, mrn: str
) -> None:
    _open(clinic, mrn, now)
    assert _seen(clinic, now) == {"M1"}
    with clinic.read() as session:
        (row,) = session.scalars(select(Audit).where(Audit.action == "patient.emergency"))
        assert (row.outcome, row.patient_uuid) == (("ok", "u1") if mrn == "M1" else ("denied", None))
        assert session.scalars(select(Outbox)).all() == []


def test_it_is_no_way_to_find_out_who_is_known_here(clinic: Database, now: datetime) -> None:
    for number in range(10):
        _open(clinic, f"GUESS-{number}", now + timedelta(minutes=number))
    for minutes in (10, 68):
        with pytest.raises(TooManyTries):
            _open(clinic, "M2", now + timedelta(minutes=minutes))
        assert _seen(clinic, now + timedelta(minutes=minutes)) == {"M1"}
    _open(clinic, "M2", now + timedelta(minutes=70))
    assert _seen(clinic, now + timedelta(minutes=70)) == {"M1", "M2"}


def test_the_privacy_officer_is_told_without_a_word_about_the_patient(clinic: Database, now: datetime) -> None:
    _open(clinic, "M2", now)
    with clinic.read() as session:
        opened = session.scalars(select(Emergency)).one()
    with clinic.write() as session:
        mail = claim(session, now)
    assert mail is not None
    assert (mail.recipient, mail.kind, mail.counts) == (
        OFFICER,
        "technical",
        {"reason": "emergency", "number": opened.id},
    )


def test_a_closed_account_of_who_did_it_does_not_stop_the_mail(clinic: Database, now: datetime) -> None:
    _open(clinic, "M2", now)
    with clinic.write() as session:
        session.scalars(select(Person).where(Person.role == "oncologist")).one().disabled_at = now
    with clinic.write() as session:
        assert getattr(claim(session, now), "recipient", None) == OFFICER


def test_without_a_privacy_officer_the_admins_are_told(clinic: Database, now: datetime) -> None:
    _open(clinic, "M2", now, privacy=Privacy(PRIVACY.mail, None))
    with clinic.write() as session:
        assert getattr(claim(session, now), "recipient", None) == "admin@clinic.example"


def test_every_row_of_the_trail_about_the_patient_is_marked_while_it_lasts(clinic: Database, now: datetime) -> None:
    _open(clinic, "M2", now)
    for moment in (now, now + LIFE):
        with clinic.write() as session:
            for uuid in ("u1", "u2"):
                note_read(session, _actor(clinic, moment), uuid, "patient", now=moment)
    with clinic.read() as session:
        reads = session.execute(
            select(Audit.patient_uuid, Audit.detail).where(Audit.action == "patient.read").order_by(Audit.seq)
        ).all()
        assert [tuple(r) for r in reads] == [("u1", None), ("u2", {"emergency": True}), ("u1", None), ("u2", None)]
        (opening,) = session.scalars(select(Audit).where(Audit.action == "patient.emergency"))
        assert (opening.patient_uuid, opening.detail["emergency"]) == ("u2", True)
        assert WHY not in json.dumps(opening.detail)
        assert verify(session).ok
        (listed,) = list_emergencies(session, ROOT)
        assert (listed["who"], listed["patient"], listed["reason"]) == ("onc@clinic.example", "M2", WHY)


def test_only_clinicians_open_and_only_auditors_read_the_list(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        for email in ("admin@clinic.example",):
            with pytest.raises(Forbidden):
                open_in_emergency(session, _actor(clinic, now, email), "M2", WHY, privacy=PRIVACY, now=now)
        with pytest.raises(Forbidden):
            list_emergencies(session, _actor(clinic, now))


def test_what_was_opened_is_followed_through_a_merge(clinic: Database, now: datetime) -> None:
    _open(clinic, "M2", now)
    with clinic.write() as session:
        merge_patients(session, ROOT, merged="M2", into="M3", reason="registered twice", now=now)
    actor = _actor(clinic, now)
    assert {opened.patient_uuid for opened in actor.opened} == {"u3"}
    with clinic.read() as session:
        assert set(session.scalars(select(Patient.mrn).where(visible(actor)))) == {"M1", "M3"}


def test_the_list_is_never_rewritten(clinic: Database, now: datetime) -> None:
    _open(clinic, "M2", now)
    with pytest.raises(DatabaseError), clinic.write() as session:
        session.scalars(select(Emergency)).one().ends_at = now + timedelta(days=9)
    with pytest.raises(DatabaseError), clinic.write() as session:
        session.execute(delete(Emergency))
