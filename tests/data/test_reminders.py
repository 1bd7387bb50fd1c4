"""The weekly reminder: counts of what a person's teams owe, one mail an ISO week, none where nothing is owed."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from clinical.finding import Finding
from data.announcing import MailPolicy
from data.db import Database
from data.flags import acknowledge, list_flags
from data.models import Glance, Outbox, Patient
from data.mutes import mute
from data.outbox import mail_policy
from data.patients import add_patient
from data.people import Actor, add_person, add_team
from data.reminders import write_reminders
from data.settings import Settings
from tests.data.findings import finding, judge_as
from tests.data.ward import Ward

SYSTEM = Actor.system("test")
MONDAY = date(2026, 3, 2)


@pytest.fixture
def policy() -> MailPolicy:
    return mail_policy(Settings(_env_file=None))


@pytest.fixture
def site(database: Database, now: datetime) -> Database:
    """North with injections late and coming, South with none; a person of each clinical role in each, an admin."""
    with database.write() as session:
        for team in ("North", "South"):
            add_team(session, SYSTEM, team, now=now)
        for email, role, team in (
            ("onc@north.example", "oncologist", "North"),
            ("nurse@north.example", "nurse", "North"),
            ("onc@south.example", "oncologist", "South"),
        ):
            add_person(session, SYSTEM, email=email, role=role, teams=[team], now=now)
        add_person(session, SYSTEM, email="admin@clinic.example", role="admin", teams=[], now=now)
        for number, days in enumerate((-3, 0, 7, 8)):
            add_patient(
                session, SYSTEM, mrn=f"N{number}", name=None, birth_date=None, sex=None, teams=["North"], now=now
            )
            session.flush()
            patient = session.scalars(select(Patient).where(Patient.mrn == f"N{number}")).one()
            planned = MONDAY + timedelta(days=days)
            session.add(Glance(patient_id=patient.id, form=1, as_of=now, state="unknown", next_injection=planned))
    return database


def write(database: Database, policy: MailPolicy, day: date, now: datetime) -> int:
    with database.write() as session:
        return write_reminders(session, day, policy, now=now)


def test_who_owes_something_is_told_once_a_week_by_counts(site: Database, policy: MailPolicy, now: datetime) -> None:
    assert write(site, policy, MONDAY, now) == 2
    assert write(site, policy, MONDAY, now) == 0
    assert write(site, policy, MONDAY + timedelta(days=6), now) == 0
    assert write(site, policy, MONDAY + timedelta(days=7), now) == 2
    with site.read() as session:
        mails = session.scalars(select(Outbox)).all()
    assert {(mail.kind, json.loads(mail.counts or "")["letter"]) for mail in mails} == {("digest", "reminder")}
    owed = {tuple(sorted(json.loads(mail.counts or "")["owed"].items())) for mail in mails}
    assert owed == {
        (("checks", 0), ("injections", 2), ("injections_late", 1), ("low", 0)),
        (("checks", 0), ("injections", 2), ("injections_late", 2), ("low", 0)),
    }


def test_a_patient_who_is_no_longer_followed_owes_nothing(site: Database, policy: MailPolicy, now: datetime) -> None:
    with site.write() as session:
        for patient in session.scalars(select(Patient)):
            patient.deceased_at = now
    assert write(site, policy, MONDAY, now) == 0


def test_the_low_flags_of_the_week_are_counted_but_for_those_taken_muted_or_told_before(
    database: Database, policy: MailPolicy, now: datetime
) -> None:
    found: list[Finding] = []
    with database.write() as session:
        ward = Ward.open(session)
        doctor, patient_id = ward.person("onc@net.example"), ward.patient("M1")
        for days_ago, rule in ((8, "R20"), (6, "R36"), (3, "R25"), (2, "R29"), (1, "R08")):
            found.append(finding(rule=rule, severity="low", subject=rule))
            judge_as(session, patient_id, found, now=now - timedelta(days=days_ago))
        judge_as(session, patient_id, [*found, finding(rule="R12", severity="medium", subject="skin")], now=now)
        taken = next(flag["id"] for flag in list_flags(session, doctor) if flag["rule"] == "R25")
        acknowledge(session, doctor, taken, why="I have it", version=1, now=now)
        until = now + timedelta(days=30)
        mute(session, doctor, ward.team.id, "R29", until=until, why="known assay trouble", now=now)
    assert write(database, policy, MONDAY, now) == 1
    with database.read() as session:
        (mail,) = [json.loads(row or "{}") for row in session.scalars(select(Outbox.counts)) if row]
    assert mail["owed"] == {"checks": 0, "injections": 0, "injections_late": 0, "low": 2}, "R36 and R08"
