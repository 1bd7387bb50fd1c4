"""Who was mailed of a value that is then corrected is mailed once more: the real sender, a real mail server."""

from __future__ import annotations

import threading
from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import select

from clinical.protocol import bundled_protocol
from data.db import Database
from data.entry.attempt import Attempt, NewValue
from data.entry.corrections import correct_value, retract
from data.entry.judged import judge_now
from data.flags import acknowledge, list_flags
from data.models import Record
from data.outbox import mail_policy
from data.people import Actor
from data.settings import Settings
from jobs.sender import Sender
from tests.data.entries import save, submission
from tests.data.ward import Ward
from tests.mail_server import Delivered, MailServer

CANARIES = ("CNRY", "glucose", "mg/dL", "R22", "NET", "typed wrong")


class Ward22:
    """A patient with a glucose of 40 mg/dL, an oncologist to be told, and the sender that tells."""

    def __init__(self, database: Database, settings: Settings, now: datetime) -> None:
        self.database, self.now, self.policy = database, now, mail_policy(settings)
        self.sender = Sender(database, settings, stop=threading.Event(), clock=lambda: now)
        with database.write() as session:
            ward = Ward.open(session)
            self.nurse, self.doctor = ward.person("nurse@net.example", "nurse"), ward.person("onc@net.example")
            self.patient = ward.patient("CNRY-1")
        with database.write() as session:
            sent = submission(session, "CNRY-1", glucose__1__value="40", glucose__1__unit="mg/dL")
            save(session, self.nurse, "CNRY-1", sent, now)
            self.reading = session.scalars(select(Record.id)).one()

    def judge(self) -> None:
        protocol = bundled_protocol()
        judge_now(self.database, self.nurse, self.patient, protocol=protocol, mail=self.policy, now=self.now)

    def attempt(self) -> Attempt:
        return Attempt(
            key=str(uuid4()), reason="typed wrong", protocol=bundled_protocol(), mail=self.policy, now=self.now
        )

    def flag(self, actor: Actor) -> tuple[str, str]:
        with self.database.read() as session:
            found = next(f for f in list_flags(session, actor) if f["rule"] == "R22")
        return found["id"], found["status"]

    def send_all(self) -> int:
        sent = 0
        while self.sender.send_next() is not None:
            sent += 1
        return sent


@pytest.fixture
def ward(database: Database, settings: Settings, now: datetime) -> Ward22:
    return Ward22(database, settings, now)


@pytest.mark.parametrize("acknowledged", [False, True])
def test_the_first_mail_is_followed_by_one_that_says_corrected(
    ward: Ward22, mail_server: MailServer, acknowledged: bool
) -> None:
    ward.judge()
    assert ward.send_all() == 1
    flag, _ = ward.flag(ward.doctor)
    if acknowledged:
        with ward.database.write() as session:
            acknowledge(session, ward.doctor, flag, why="I have it", version=1, now=ward.now)
    with ward.database.write() as session:
        done = correct_value(
            session, ward.nurse, "CNRY-1", ward.reading, ward.attempt(), NewValue(value="104", unit="mg/dL")
        )
    ward.judge()
    assert ward.flag(ward.doctor)[1] == ("resolved" if acknowledged else "open")
    assert (ward.send_all(), ward.send_all()) == (1, 0)
    first, second = mail_server.delivered
    assert (second.recipient, second.id != first.id) == (first.recipient, True)
    assert second.message["Subject"] == "Nadir: corrected, a value behind a flag you were told of"
    assert second.text.startswith("Corrected: after you were told of a flag of high severity, a value")
    assert f"https://nadir.example/flag/{flag}" in second.text
    assert_names_nobody(second)
    with ward.database.write() as session:
        retract(session, ward.nurse, "CNRY-1", done.record, ward.attempt())
    ward.judge()
    assert ward.send_all() == 0, "the flag no longer rests on it"


def test_who_was_never_mailed_gets_no_correction(ward: Ward22, mail_server: MailServer) -> None:
    ward.judge()
    flag, _ = ward.flag(ward.doctor)
    with ward.database.write() as session:
        acknowledge(session, ward.doctor, flag, why="I have it", version=1, now=ward.now)
    with ward.database.write() as session:
        retract(session, ward.nurse, "CNRY-1", ward.reading, ward.attempt())
    ward.judge()
    assert ward.send_all() == 0 and mail_server.delivered == []


def assert_names_nobody(mail: Delivered) -> None:
    html = mail.message.get_body(("html",))
    assert html is not None
    raw = mail.message.as_bytes() + mail.text.encode() + html.get_payload(decode=True)
    assert not [canary for canary in CANARIES if canary.encode() in raw]
