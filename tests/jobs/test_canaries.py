"""No mail of any kind holds anything of a patient: every protected field is a canary, and none of them gets out."""

from __future__ import annotations

import random
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.alarms import alarm_once
from data.announcing import alarm, announce, follow_up
from data.db import Database
from data.duty_tests import send_test_mail
from data.escalation import patience
from data.mail_choices import choose
from data.models import Flag, Outbox, Patient, PatientIdentifier, PatientTeam, Person, PersonTeam, Team
from data.outbox import mail_policy
from data.people import add_person, add_team, person_actor
from data.rota_changes import set_weeks
from data.settings import Settings
from jobs.digest import digest
from jobs.duty import escalate, tend_rota
from jobs.schedule import Daily
from jobs.sender import Sender
from tests.jobs.conftest import SYSTEM
from tests.jobs.test_sender import Clock
from tests.mail_server import MailServer

PATIENTS = 30
MAILS = 500
LANGUAGES = ("en", "de", None)
LINK = re.compile(r"https?://[^\s\"'<>]+")


class Ward:
    """Patients, teams and staff whose protected fields all hold canaries; `planted` are all of them."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self.database, self.settings, self.clock = database, settings, clock
        self.policy = mail_policy(settings)
        self.planted: list[str] = []
        with database.write() as session:
            self.teams = [add_team(session, SYSTEM, self.plant(0, "team"), now=clock.now).id for _ in range(3)]
            self._employ(session)
            self.patients = [self._admit(session, number) for number in range(PATIENTS)]

    def plant(self, patient: int, field: str) -> str:
        canary = f"CNRY-{patient}-{field}-{secrets.token_hex(4)}"
        self.planted.append(canary)
        return canary

    def flag(self, session: Session, severity: str) -> Flag:
        """A new flag of a patient at random, announced."""
        number = random.randrange(PATIENTS)
        flag = Flag(
            id=secrets.token_hex(16),
            patient_id=self.patients[number],
            rule="R03",
            rule_version="1",
            protocol_version="p",
            axis="marker",
            severity=severity,
            subject=self.plant(number, "subject"),
            dedup_key=self.plant(number, "key"),
            episode=1,
            status="open",
            title=self.plant(number, "title"),
            question=self.plant(number, "question"),
            why=self.plant(number, "value"),
            finding={"evidence": [{"record": self.plant(number, "record"), "text": self.plant(number, "note")}]},
            evidence_digest="",
            opened_at=self.clock.now,
            as_of=self.clock.now,
            first_evidence_at=self.clock.now,
        )
        session.add(flag)
        session.flush()
        announce(session, flag, self.policy, self.clock.now)
        return flag

    def _employ(self, session: Session) -> None:
        roles = [("oncologist", n) for n in range(4)] + [("nurse", 4), ("admin", 5), ("admin", 6)]
        for role, number in roles:
            email = f"{role}{number}@clinic.example"
            add_person(
                session, SYSTEM, email=email, role=role, teams=[], now=self.clock.now, name=self.plant(0, "staff")
            )
            person = session.scalars(select(Person).where(Person.email == email)).one()
            person.language = LANGUAGES[number % 3]
            for team in self.teams[: 1 + number % 3]:
                session.add(PersonTeam(person_id=person.id, team_id=team))
        session.flush()

    def _admit(self, session: Session, number: int) -> int:
        patient = Patient(
            uuid=self.plant(number, "uuid")[:36],
            mrn=self.plant(number, "mrn"),
            name=self.plant(number, "name"),
            birth_date=date(1890 + number, 1, 1),
            created_at=self.clock.now,
        )
        session.add(patient)
        session.flush()
        session.add(PatientTeam(patient_id=patient.id, team_id=self.teams[number % 3]))
        session.add(PatientIdentifier(patient_id=patient.id, system=self.plant(number, "system"), value=patient.mrn))
        session.flush()
        return patient.id


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now + timedelta(days=1))


@pytest.fixture
def ward(database: Database, settings: Settings, clock: Clock) -> Iterator[Ward]:
    seed = secrets.randbits(32)
    random.seed(seed)
    print("seed", seed)
    yield Ward(database, settings.model_copy(update={"medium_an_hour": 5}), clock)


def test_five_hundred_mails_of_every_kind_hold_no_canary_and_lead_to_this_site_alone(
    ward: Ward, mail_server: MailServer, clock: Clock
) -> None:
    _everything_happens(ward, mail_server, clock)
    mails = [mail.message for mail in mail_server.delivered]
    subjects = Counter(re.sub(r"\d+", "n", str(mail["Subject"])) for mail in mails)
    print(subjects)
    assert len(mails) >= MAILS
    with ward.database.read() as session:
        kinds = set(session.scalars(select(Outbox.kind).where(Outbox.state == "sent")))
    assert kinds == {"immediate", "digest", "technical", "test"} and len(subjects) >= 20
    forbidden = [*ward.planted, *(canary.removeprefix("CNRY-") for canary in ward.planted), "CNRY", "R03"]
    for mail in mails:
        said = _everything_said(mail)
        assert not [canary for canary in forbidden if canary in said]
        assert not re.search(r"\b(189\d|190\d|191\d)\b", said.replace(str(mail["Message-ID"]), ""))  # birth years
        assert not list(mail.iter_attachments())
        assert {part.get_content_type() for part in mail.walk()} == {
            "multipart/alternative",
            "text/plain",
            "text/html",
        }
        links = LINK.findall(said)
        assert links and {urlsplit(link).netloc for link in links} == {"nadir.example"}
        assert not re.search(r"<(img|script|link|iframe|form)|src=|url\(", said)


def _everything_happens(ward: Ward, mail_server: MailServer, clock: Clock) -> None:
    sender = Sender(ward.database, ward.settings, stop=threading.Event(), clock=clock)

    def send() -> None:
        while sender.send_next() is not None:
            pass

    with ward.database.write() as session:
        people = {p.email: p for p in session.scalars(select(Person))}
        actor = person_actor(session, people["oncologist0@clinic.example"])
        how = {(team, s): "at-once" for team in actor.team_ids for s in ("urgent", "high", "medium")}
        choose(session, actor, zone="", quiet=None, how=how, now=clock.now)
        for team in ward.teams[:2]:
            person = people["oncologist1@clinic.example" if team == ward.teams[0] else "oncologist2@clinic.example"]
            if team in _teams(session, person.id):
                set_weeks(session, SYSTEM, team, clock.now.date(), weeks=1, person_id=person.id, now=clock.now)
        flags = [ward.flag(session, severity) for severity in ("urgent", "high", "medium") * 36]
    send()
    with ward.database.write() as session:
        for flag in flags[:20]:
            follow_up(session, flag.id, ward.policy, clock.now, since=clock.now)
        for person in people.values():
            if person.role in ("oncologist", "nurse", "admin"):
                send_test_mail(session, person_actor(session, person), ward.policy, now=clock.now)
        alarm(session, "patients-not-judged", ward.policy, clock.now, patients=3)
        for reason in ("mail-barred", "feed-parked", "feed-conflict", "feed-failed", "feed-training"):
            alarm_once(session, reason, ward.policy, now=clock.now)  # type: ignore[arg-type]
        session.execute(update(Team).values(name=Team.name + "x"))
    send()
    _goes_wrong(ward, mail_server, send)
    waits = patience(ward.settings)
    for hours in (1, 3, 5, 24, 72, 24 * 14):
        clock.now += timedelta(hours=hours)
        escalate(ward.database, ward.policy, waits, now=clock.now, fence=lambda _session: None)
        tend_rota(ward.database, ward.policy, ward.settings, now=clock.now, fence=lambda _session: None)
        daily = Daily(ward.settings.digest_at, ward.settings.zone)
        digest(ward.database, daily, ward.policy, as_of=clock.now, now=clock.now, fence=lambda _session: None)
        send()
    sender.close()


def _goes_wrong(ward: Ward, mail_server: MailServer, send: Callable[[], None]) -> None:
    """An address is refused for good, and the server breaks off in the middle."""
    mail_server.unknown = {"oncologist3@clinic.example"}
    with ward.database.write() as session:
        for _ in range(5):
            ward.flag(session, "urgent")
    send()
    mail_server.behave("451 after DATA")
    send()
    mail_server.behave("ok")


def _teams(session: Session, person_id: int) -> set[int]:
    return set(session.scalars(select(PersonTeam.team_id).where(PersonTeam.person_id == person_id)))


def _everything_said(mail: EmailMessage) -> str:
    """Headers and every part of a mail, decoded."""
    headers = "\n".join(f"{name}: {value}" for name, value in mail.items())
    parts = (part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart())
    return "\n".join([headers, *(part.decode() for part in parts if isinstance(part, bytes))])
