"""A mail server, a small clinic and settings that point at both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select

from data.announcing import MailPolicy, announce
from data.db import Database
from data.models import Flag, Outbox, Patient, PatientTeam, Person
from data.outbox import mail_policy
from data.people import Actor, add_person, add_team
from data.settings import Settings
from tests.mail_server import MailServer

SYSTEM = Actor.system("test")


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    server = MailServer()
    server.behave("ok")
    yield server
    server.close()


@pytest.fixture
def settings(mail_server: MailServer) -> Settings:
    """Settings that send to the mail server and back off a hundred times faster than in a clinic."""
    return Settings(
        _env_file=None,
        smtp_port=mail_server.port,
        mail_from="nadir@nadir.example",
        base_url="https://nadir.example",
        contact_line="+49 89 123456",
        backoff_base_s=0.1,
        site_timezone="Europe/Berlin",
    )


class Clinic:
    """A team with a patient, whose flags it can raise; names and numbers are canaries no mail may hold."""

    CANARIES = ("CNRY-name", "CNRY-mrn", "CNRY-team", "CNRY-title", "CNRY-why", "CNRY-question", "R03", "1961")

    def __init__(self, database: Database, policy: MailPolicy, now: datetime) -> None:
        self.database = database
        self.policy = policy
        self.now = now
        with database.write() as session:
            team = add_team(session, SYSTEM, "CNRY-team", now=now)
            patient = Patient(
                uuid=str(uuid4()),
                mrn="CNRY-mrn",
                name="CNRY-name",
                birth_date=datetime(1961, 5, 4, tzinfo=UTC).date(),
                created_at=now,
            )
            session.add(patient)
            session.flush()
            session.add(PatientTeam(patient_id=patient.id, team_id=team.id))
            self.patient_id, self.patient_uuid = patient.id, patient.uuid

    def employ(self, email: str, role: str = "oncologist") -> int:
        """A new account in the team; its id."""
        with self.database.write() as session:
            add_person(session, SYSTEM, email=email, role=role, teams=["CNRY-team"], now=self.now)
            return session.scalars(select(Person.id).where(Person.email == email)).one()

    def raise_flag(self, severity: str, *, now: datetime | None = None) -> str:
        """An open flag, announced to whom it concerns; its id."""
        at = now or self.now
        flag = Flag(
            id=str(uuid4()),
            patient_id=self.patient_id,
            rule="R03",
            rule_version="1",
            protocol_version="p",
            axis="marker",
            severity=severity,
            subject=str(uuid4()),
            dedup_key=str(uuid4()),
            episode=1,
            status="open",
            title="CNRY-title",
            question="CNRY-question",
            why="CNRY-why",
            finding={},
            evidence_digest="",
            opened_at=at,
            as_of=at,
            first_evidence_at=at,
        )
        with self.database.write() as session:
            session.add(flag)
            session.flush()
            announce(session, flag, self.policy, at)
        return flag.id

    def states(self) -> dict[str, list[str]]:
        """The states of all mails, by recipient's address."""
        found: dict[str, list[str]] = {}
        with self.database.read() as session:
            rows = session.execute(
                select(Person.email, Outbox.state).join(Outbox, Outbox.recipient_id == Person.id).order_by(Outbox.id)
            )
            for email, state in rows:
                found.setdefault(email, []).append(state)
        return {email: sorted(states) for email, states in found.items()}


@pytest.fixture
def clinic(database: Database, settings: Settings, now: datetime) -> Clinic:
    """A clinic without staff."""
    return Clinic(database, mail_policy(settings), now)
