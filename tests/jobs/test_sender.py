"""The sender: every mail out in the end, whatever the server does; nothing of a patient in any of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from data.db import Database
from data.models import DeliveryAttempt, Outbox, Person
from data.outbox import claim
from data.settings import Settings
from jobs.sender import Circuit, Sender, run
from tests.jobs.conftest import Clinic
from tests.mail_server import MailServer


class Clock:
    """A clock the test moves on."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def sender(database: Database, settings: Settings, clock: Clock) -> Iterator[Sender]:
    found = Sender(database, settings, stop=threading.Event(), clock=clock)
    yield found
    found.close()


def send_all(sender: Sender) -> list[str]:
    """The outcomes of all tries until no mail is due."""
    states = []
    while (state := sender.send_next()) is not None:
        states.append(state)
    return states


def outbox(database: Database) -> list[Outbox]:
    with database.read() as session:
        return list(session.scalars(select(Outbox).order_by(Outbox.priority, Outbox.created_at)))


def tried(database: Database) -> list[Outbox]:
    return [mail for mail in outbox(database) if mail.attempts]


def test_urgent_goes_first_and_each_recipient_has_one_mail(
    clinic: Clinic, sender: Sender, mail_server: MailServer
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.employ("bob@clinic.example")
    clinic.raise_flag("high")
    urgent = clinic.raise_flag("urgent")
    assert send_all(sender) == ["sent"] * 4
    assert sorted(mail.recipient for mail in mail_server.delivered[:2]) == ["ada@clinic.example", "bob@clinic.example"]
    assert all(f"https://nadir.example/flag/{urgent}" in mail.text for mail in mail_server.delivered[:2])
    assert set(mail_server.copies().values()) == {1}


def test_no_mail_holds_anything_of_the_patient_the_rule_or_the_team(
    clinic: Clinic, sender: Sender, mail_server: MailServer
) -> None:
    clinic.employ("ada@clinic.example")
    for severity in ("urgent", "high", "medium"):
        clinic.raise_flag(severity)
    send_all(sender)
    assert len(mail_server.delivered) == 2
    for mail in mail_server.delivered:
        raw = mail.message.as_bytes() + mail.text.encode()
        raw += mail.message.get_body(("html",)).get_payload(decode=True)
        for canary in (*clinic.CANARIES, clinic.patient_uuid):
            assert canary.encode() not in raw


@pytest.mark.parametrize(
    ("mode", "copies"),
    [("450", 1), ("451 after DATA", 1), ("554 to all", 1), ("refused", 1), ("drop after DATA", 2)],
)
def test_a_mail_goes_out_once_the_server_is_well_again(
    clinic: Clinic, sender: Sender, mail_server: MailServer, clock: Clock, mode: str, copies: int
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    mail_server.behave(mode)
    assert send_all(sender) == ["retry"]
    mail_server.behave("ok")
    assert send_all(sender) == []
    clock.now += timedelta(seconds=1)
    assert send_all(sender) == ["sent"]
    assert list(mail_server.copies().values()) == [copies]
    assert clinic.states() == {"ada@clinic.example": ["sent"]}


def test_a_bad_recipient_is_given_up_at_once_and_the_queue_behind_drains(
    clinic: Clinic, sender: Sender, mail_server: MailServer
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.employ("gone@clinic.example")
    clinic.employ("admin@clinic.example", "admin")
    mail_server.unknown = {"gone@clinic.example"}
    for _ in range(5):
        clinic.raise_flag("urgent")
    send_all(sender)
    assert clinic.states() == {
        "ada@clinic.example": ["sent"] * 5,
        "gone@clinic.example": ["dead"] * 5,
        "admin@clinic.example": ["sent"],
    }
    [alarm] = [mail for mail in mail_server.delivered if mail.recipient == "admin@clinic.example"]
    assert alarm.message["Subject"] == "Nadir: technical alarm, a mail could not be delivered"


def test_a_server_that_takes_none_of_our_mails_raises_one_alarm(
    clinic: Clinic, database: Database, sender: Sender, mail_server: MailServer
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.employ("admin@clinic.example", "admin")
    clinic.raise_flag("urgent")
    clinic.raise_flag("high")
    mail_server.behave("554 to all")
    send_all(sender)
    assert clinic.states() == {"ada@clinic.example": ["retry", "retry"], "admin@clinic.example": ["retry"]}
    [alarm] = [mail for mail in outbox(database) if mail.kind == "technical"]
    assert json.loads(alarm.counts or "") == {"reason": "mail-barred"}


def test_a_row_that_makes_no_letter_is_tried_three_times_and_holds_nobody_up(
    clinic: Clinic, database: Database, sender: Sender, mail_server: MailServer, clock: Clock
) -> None:
    clinic.employ("ada@clinic.example")
    bad = clinic.employ("bob@clinic.example")
    with database.write() as session:
        session.execute(update(Person).where(Person.id == bad).values(email="bob@clinic.example\r\nBcc: x@y.example"))
    clinic.raise_flag("urgent")
    for _ in range(4):
        send_all(sender)
        clock.now += timedelta(seconds=10)
    states = {mail.recipient_id: (mail.state, mail.attempts) for mail in outbox(database)}
    assert states.pop(bad) == ("dead", 3)
    assert list(states.values()) == [("sent", 1)]
    assert [mail.recipient for mail in mail_server.delivered] == ["ada@clinic.example"]


def test_a_mail_left_in_the_hands_of_a_killed_sender_is_sent_by_the_next(
    clinic: Clinic, database: Database, sender: Sender, mail_server: MailServer, clock: Clock
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    with database.write() as session:
        assert claim(session, clock.now) is not None
    assert send_all(sender) == []
    clock.now += timedelta(seconds=61)
    assert send_all(sender) == ["sent"]
    assert list(mail_server.copies().values()) == [1]


def test_every_answer_stays_on_record(
    clinic: Clinic, database: Database, sender: Sender, mail_server: MailServer, clock: Clock
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    mail_server.behave("450")
    send_all(sender)
    clock.now += timedelta(seconds=1)
    mail_server.behave("ok")
    send_all(sender)
    with database.read() as session:
        tries = session.execute(select(DeliveryAttempt.number, DeliveryAttempt.code).order_by(DeliveryAttempt.id)).all()
    assert [tuple(row) for row in tries] == [(1, 450), (2, 250)]


def test_the_circuit_opens_after_five_failures_to_connect_and_closes_with_the_first_connection() -> None:
    circuit = Circuit(pause_s=30)
    for _ in range(4):
        circuit.note(reached=False)
    assert circuit.wait_s == 0
    circuit.note(reached=False)
    assert circuit.wait_s == 30
    circuit.note(reached=True)
    assert circuit.wait_s == 0


def test_while_the_server_is_away_the_queue_waits_and_is_not_tried_mail_by_mail(
    clinic: Clinic, database: Database, settings: Settings, mail_server: MailServer, clock: Clock
) -> None:
    clinic.employ("ada@clinic.example")
    for _ in range(30):
        clinic.raise_flag("high")
    mail_server.behave("refused")
    slow = settings.model_copy(update={"backoff_base_s": 10.0})
    with running(database, slow, clock):
        assert wait_until(lambda: len(tried(database)) == 5)
        assert not wait_until(lambda: len(tried(database)) != 5, seconds=1.5)


def test_after_an_hour_without_a_server_the_urgent_mails_leave_before_all_others(
    clinic: Clinic, sender: Sender, mail_server: MailServer, clock: Clock
) -> None:
    clinic.employ("ada@clinic.example")
    urgent = {clinic.raise_flag("urgent") for _ in range(5)}
    for _ in range(10):
        clinic.raise_flag("high")
    mail_server.behave("refused")
    for _ in range(50):
        sender.send_next()
        clock.now += timedelta(seconds=sender.circuit.wait_s)
    mail_server.behave("ok")
    send_all(sender)
    clock.now += timedelta(minutes=10)
    send_all(sender)
    order = [mail.text.split("/flag/")[1].split()[0] for mail in mail_server.delivered]
    assert len(order) == 15
    assert set(order[:5]) == urgent


def test_several_senders_share_the_queue_and_send_each_mail_once(
    clinic: Clinic, database: Database, settings: Settings, mail_server: MailServer, clock: Clock
) -> None:
    clinic.employ("ada@clinic.example")
    for _ in range(40):
        clinic.raise_flag("high")
    with running(database, settings, clock), running(database, settings, clock), running(database, settings, clock):
        assert wait_until(lambda: clinic.states() == {"ada@clinic.example": ["sent"] * 40})
    assert len(mail_server.delivered) == 40
    assert set(mail_server.copies().values()) == {1}


class running:
    """A sender in a thread of its own, stopped at the end."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=run, args=(database, settings), kwargs={"stop": self._stop, "clock": clock}
        )

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether it came to hold in time."""
    pause = threading.Event()
    for _ in range(int(seconds * 10)):
        if holds():
            return True
        pause.wait(0.1)
    return False
