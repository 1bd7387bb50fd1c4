"""From a flag to a person: by the rota of the moment, outside quiet hours, not too many, and never to nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db import Database
from data.delivery_log import deliveries
from data.duty_tests import TooSoon, acknowledge_test, count_waiting, send_test_mail, waiting_tests
from data.freshness import dead_mails, oldest_unsent_s
from data.mail_choices import choices_of, choose
from data.models import Audit, Flag, MailChoice, Outbox, Person, RotaGap, Team
from data.outbox import MailNotRetried, claim, clear_dead, list_outbox, retry
from data.people import Actor, Forbidden, NotFound, disable, person_actor
from data.rota_changes import set_stand_in, set_weeks
from data.settings import Settings
from jobs.duty import tend_rota
from jobs.sender import Sender
from tests.jobs.conftest import SYSTEM, Clinic
from tests.jobs.test_sender import Clock, send_all
from tests.mail_server import MailServer

MONDAY = date(2026, 3, 2)
ADA, BOB, CAT, BOSS = "ada@clinic.example", "bob@clinic.example", "cat@clinic.example", "boss@clinic.example"


class Staffed:
    """A clinic with three oncologists and an admin, its sender and its clock."""

    def __init__(self, clinic: Clinic, sender: Sender, server: MailServer, clock: Clock, settings: Settings) -> None:
        self.clinic, self.sender, self.server, self.clock, self.settings = clinic, sender, server, clock, settings
        self.database = clinic.database
        self.ids = {email: clinic.employ(email) for email in (ADA, BOB, CAT)}
        self.ids[BOSS] = clinic.employ(BOSS, "admin")
        with self.database.read() as session:
            self.team = session.scalars(select(Team.id)).one()

    def on_call(self, email: str | None, first: date = MONDAY, weeks: int = 1) -> None:
        person = None if email is None else self.ids[email]
        with self.database.write() as session:
            set_weeks(session, SYSTEM, self.team, first, weeks=weeks, person_id=person, now=self.clock.now)

    def actor(self, email: str) -> Actor:
        with self.database.read() as session:
            return person_actor(session, session.get_one(Person, self.ids[email]))

    def choose(self, email: str, *, zone: str = "", quiet: tuple[str, str] | None = None, **how: str) -> None:
        actor = self.actor(email)
        wanted = {(self.team, severity): kind for severity, kind in how.items()}
        with self.database.write() as session:
            choose(session, actor, zone=zone, quiet=quiet, how=wanted, now=self.clock.now)

    def send(self) -> list[str]:
        """Send what is due now; the addresses that got a mail, in order."""
        before = len(self.server.delivered)
        send_all(self.sender)
        return [mail.recipient for mail in self.server.delivered[before:]]

    def raise_flag(self, severity: str) -> str:
        return self.clinic.raise_flag(severity, now=self.clock.now)

    def tend(self) -> Any:
        return tend_rota(
            self.database, self.clinic.policy, self.settings, now=self.clock.now, fence=lambda _session: None
        )

    def reasons(self) -> list[str]:
        """The reasons of all technical mails, in order."""
        with self.database.read() as session:
            rows = session.scalars(select(Outbox.counts).where(Outbox.kind == "technical").order_by(Outbox.created_at))
            return [json.loads(counts or "{}")["reason"] for counts in rows]


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what is decided without the database, and costs as much again on the other one."""


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def sender(database: Database, settings: Settings, clock: Clock) -> Iterator[Sender]:
    found = Sender(database, settings, stop=threading.Event(), clock=clock)
    yield found
    found.close()


@pytest.fixture
def staffed(clinic: Clinic, sender: Sender, mail_server: MailServer, clock: Clock, settings: Settings) -> Staffed:
    return Staffed(clinic, sender, mail_server, clock, settings)


def test_the_rota_of_the_moment_a_mail_leaves_decides_and_is_kept_with_it(staffed: Staffed) -> None:
    staffed.on_call(ADA, weeks=2)
    flag = staffed.raise_flag("urgent")
    with staffed.database.write() as session:
        set_stand_in(
            session,
            SYSTEM,
            staffed.team,
            person_id=staffed.ids[ADA],
            first_day=MONDAY,
            last_day=MONDAY,
            stand_in_id=staffed.ids[CAT],
            now=staffed.clock.now,
        )
    assert staffed.send() == [CAT]
    with staffed.database.read() as session:
        log = {mail.email: (mail.state, mail.why) for mail in deliveries(session, flag)}
        note = session.scalars(select(Outbox.last_error).where(Outbox.state == "cancelled")).one()
        kept = session.scalars(select(Outbox.chosen).where(Outbox.state == "sent")).one()
    assert log == {ADA: ("cancelled", "on-call"), CAT: ("sent", "stand-in")}
    assert note == f"cancelled: told instead, by the rota as it now stands: {CAT}"
    assert json.loads(kept or "") == {
        "why": "stand-in",
        "team": staffed.team,
        "week": "2026-W10",
        "instead_of": staffed.ids[ADA],
    }
    staffed.clock.now += timedelta(days=1)
    staffed.raise_flag("high")
    assert staffed.send() == [ADA]


@on_sqlite
def test_an_emptied_rota_tells_everybody_and_who_asked_is_told_beside_it(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.raise_flag("urgent")
    staffed.on_call(None)
    assert sorted(staffed.send()) == [ADA, BOB, CAT]
    staffed.on_call(ADA)
    staffed.choose(BOB, urgent="at-once")
    staffed.raise_flag("urgent")
    assert sorted(staffed.send()) == [ADA, BOB]


def test_quiet_hours_hold_what_is_not_urgent_until_they_end(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.choose(ADA, zone="America/New_York", quiet=("01:00", "06:30"))
    night = staffed.clock.now  # 04:00 in New York
    staffed.raise_flag("high")
    assert staffed.send() == []
    with staffed.database.read() as session:
        assert oldest_unsent_s(session, now=night + timedelta(hours=1)) is None
    staffed.raise_flag("urgent")
    assert staffed.send() == [ADA]
    staffed.clock.now = night + timedelta(hours=2, minutes=29)
    assert staffed.send() == []
    staffed.clock.now = night + timedelta(hours=2, minutes=30)
    assert staffed.send() == [ADA]


@on_sqlite
def test_no_quiet_hours_hold_a_high_mail_longer_than_twelve_hours(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.choose(ADA, quiet=("09:00", "08:00"))
    staffed.raise_flag("high")
    staffed.clock.now += timedelta(hours=11, minutes=59)
    assert staffed.send() == []
    staffed.clock.now += timedelta(minutes=1)
    assert staffed.send() == [ADA]


@on_sqlite
def test_a_mail_that_waited_for_the_server_into_the_night_waits_for_the_morning(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.choose(ADA, quiet=("22:00", "06:00"))
    staffed.clock.now = staffed.clock.now.replace(hour=20, minute=59)  # 21:59 in Berlin
    staffed.raise_flag("high")
    staffed.server.behave("450")
    staffed.send()
    staffed.server.behave("ok")
    staffed.clock.now += timedelta(minutes=5)
    assert staffed.send() == []
    staffed.clock.now = staffed.clock.now.replace(day=3, hour=5, minute=0)
    assert staffed.send() == [ADA]


def test_of_many_medium_mails_ten_go_out_singly_and_the_rest_is_counted_in_one(staffed: Staffed) -> None:
    staffed.choose(ADA, medium="at-once")
    for email in (BOB, CAT):
        staffed.choose(email, medium="off")
    flags = [staffed.raise_flag("medium") for _ in range(14)]
    assert staffed.send() == [ADA] * 10
    staffed.clock.now += timedelta(minutes=30)
    flags.append(staffed.raise_flag("medium"))
    assert staffed.send() == []
    with staffed.database.write() as session:
        session.execute(update(Flag).where(Flag.id == flags[-1]).values(status="acknowledged"))
    staffed.clock.now += timedelta(minutes=30)
    assert staffed.send() == [ADA]
    assert staffed.server.delivered[-1].message["Subject"] == "Nadir: 4 more flags of medium severity to review"
    staffed.clock.now += timedelta(hours=2)
    assert staffed.send() == []


@on_sqlite
def test_urgent_mails_are_not_counted_and_not_capped(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    for _ in range(12):
        staffed.raise_flag("urgent")
    assert staffed.send() == [ADA] * 12


def test_an_address_refused_for_good_is_switched_off_and_the_next_is_told_at_once(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.on_call(CAT, MONDAY + timedelta(days=7))
    staffed.server.unknown = {ADA}
    staffed.raise_flag("urgent")
    assert sorted(staffed.send()) == [BOSS, CAT] and staffed.reasons() == ["mail-dead"]
    with staffed.database.read() as session:
        assert dead_mails(session) == 1
        off = session.scalars(select(MailChoice)).one()
        assert (off.person_id, off.off_why) == (staffed.ids[ADA], "550 5.1.1 no such mailbox")
    staffed.raise_flag("urgent")
    assert sorted(staffed.send()) == [BOB, CAT]  # a gap: everybody who is reached
    with staffed.database.write() as session:
        send_test_mail(session, staffed.actor(ADA), staffed.clinic.policy, now=staffed.clock.now)
    staffed.send()
    assert choices_of_ada(staffed).off_at is not None
    staffed.server.unknown = set()
    staffed.clock.now += timedelta(minutes=2)
    with staffed.database.write() as session:
        send_test_mail(session, staffed.actor(ADA), staffed.clinic.policy, now=staffed.clock.now)
        with pytest.raises(TooSoon):
            send_test_mail(session, staffed.actor(ADA), staffed.clinic.policy, now=staffed.clock.now)
    assert staffed.send() == [ADA] and choices_of_ada(staffed).off_at is None
    staffed.raise_flag("urgent")
    assert staffed.send() == [ADA]


def choices_of_ada(staffed: Staffed) -> Any:
    actor = staffed.actor(ADA)
    with staffed.database.read() as session:
        return choices_of(session, actor)


@on_sqlite
def test_with_nobody_left_in_the_team_the_admins_are_told(staffed: Staffed) -> None:
    staffed.server.unknown = {ADA, BOB, CAT}
    staffed.raise_flag("urgent")
    staffed.send()
    assert sorted(staffed.reasons()) == ["mail-dead", "no-recipient"]
    staffed.raise_flag("high")
    assert sorted(staffed.reasons()) == ["mail-dead", "no-recipient", "no-recipient"]


@on_sqlite
def test_the_account_closed_while_the_mail_waits_passes_the_flag_on(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.raise_flag("urgent")
    with staffed.database.write() as session:
        disable(session, SYSTEM, ADA, now=staffed.clock.now)
    assert staffed.send() == [BOB]


@on_sqlite
def test_a_redirected_refusal_switches_nobody_off(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.server.unknown = {"all@clinic.example"}
    redirected = staffed.settings.model_copy(update={"mail_redirect": "all@clinic.example"})
    staffed.sender.close()
    staffed.sender = Sender(staffed.database, redirected, stop=threading.Event(), clock=staffed.clock)
    staffed.raise_flag("urgent")
    staffed.send()
    with staffed.database.read() as session:
        assert session.scalars(select(MailChoice)).all() == []
    staffed.sender.close()


@on_sqlite
def test_a_given_up_mail_stays_in_sight_until_somebody_clears_it(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    staffed.server.unknown = {ADA}
    staffed.raise_flag("urgent")
    staffed.send()
    staffed.clock.now += timedelta(days=40)
    with staffed.database.write() as session:
        dead = session.scalars(select(Outbox.id).where(Outbox.state == "dead")).one()
        assert dead_mails(session) == 1
        with pytest.raises(Forbidden):
            clear_dead(session, staffed.actor(ADA), dead, why="told by phone", now=staffed.clock.now)
        with pytest.raises(NotFound):
            clear_dead(session, SYSTEM, "nothing", why="told by phone", now=staffed.clock.now)
        with pytest.raises(MailNotRetried):
            clear_dead(session, SYSTEM, dead, why=" ", now=staffed.clock.now)
        clear_dead(session, SYSTEM, dead, why="told by phone", now=staffed.clock.now)
        assert dead_mails(session) == 0
        with pytest.raises(MailNotRetried):
            clear_dead(session, SYSTEM, dead, why="told by phone", now=staffed.clock.now)
        with pytest.raises(MailNotRetried):
            retry(session, SYSTEM, dead, now=staffed.clock.now)
        (row,) = (row for row in list_outbox(session, SYSTEM) if row["id"] == dead)
        audited = session.scalars(select(Audit.action).where(Audit.object == dead)).all()
    assert row["last_error"].startswith("cleared by test: told by phone; before: 5.1.1 no such mailbox")
    assert audited == ["mail.dead", "mail.clear"]


def test_a_hole_in_the_rota_is_told_once_a_week_ahead_and_again_when_it_comes_back(staffed: Staffed) -> None:
    assert staffed.tend()["gaps"] == 0  # a team without a rota has no gap
    staffed.on_call(ADA, weeks=2)
    assert staffed.tend()["gaps"] == 0
    staffed.clock.now += timedelta(days=7)
    assert staffed.tend()["gaps"] == 1 and staffed.tend()["gaps"] == 0
    assert staffed.send() == [BOSS]
    assert "for the first time in 7 days" in " ".join(staffed.server.delivered[-1].text.split())
    staffed.on_call(BOB, MONDAY + timedelta(days=14))
    assert staffed.tend()["gaps"] == 0
    with staffed.database.read() as session:
        assert session.scalars(select(RotaGap)).all() == []
    with staffed.database.write() as session:
        disable(session, SYSTEM, BOB, now=staffed.clock.now)
    assert staffed.tend()["gaps"] == 1


@on_sqlite
def test_a_team_with_patients_and_nobody_to_tell_is_told_to_the_admins_before_a_flag_needs_it(staffed: Staffed) -> None:
    with staffed.database.write() as session:
        for email in (ADA, BOB, CAT):
            disable(session, SYSTEM, email, now=staffed.clock.now)
    assert staffed.tend()["gaps"] == 1 and staffed.reasons() == ["rota-gap"]
    assert staffed.tend()["gaps"] == 0


def test_who_is_on_call_answers_a_test_alert_each_week_or_the_admins_hear_of_it(staffed: Staffed) -> None:
    staffed.on_call(ADA, weeks=3)
    assert staffed.tend()["tests"] == 0  # Monday
    staffed.clock.now += timedelta(days=1)
    assert staffed.tend()["tests"] == 1 and staffed.tend()["tests"] == 0
    assert staffed.send() == [ADA]
    assert "https://nadir.example/me" in staffed.server.delivered[-1].text
    ada, bob = staffed.actor(ADA), staffed.actor(BOB)
    with staffed.database.write() as session:
        (test,) = waiting_tests(session, ada)
        assert count_waiting(session, bob) == 0
        with pytest.raises(NotFound):
            acknowledge_test(session, bob, test.id, now=staffed.clock.now)
        acknowledge_test(session, ada, test.id, now=staffed.clock.now)
        acknowledge_test(session, ada, test.id, now=staffed.clock.now)
    staffed.clock.now += timedelta(days=2)
    assert staffed.tend()["silent"] == 0
    staffed.clock.now += timedelta(days=5)
    assert staffed.tend()["tests"] == 1
    staffed.clock.now += timedelta(hours=23, minutes=59)
    assert staffed.tend()["silent"] == 0
    staffed.clock.now += timedelta(minutes=1)
    assert staffed.tend()["silent"] == 1 and staffed.tend()["silent"] == 0
    assert "test-unanswered" in staffed.reasons()


def test_a_mail_in_hand_when_the_flag_is_acknowledged_is_not_sent(staffed: Staffed) -> None:
    staffed.on_call(ADA)
    flag = staffed.raise_flag("urgent")
    with staffed.database.write() as session:
        assert claim(session, staffed.clock.now) is not None
        session.execute(update(Flag).where(Flag.id == flag).values(status="acknowledged"))
    staffed.clock.now += timedelta(seconds=61)
    assert staffed.send() == [] and staffed.clinic.states() == {ADA: ["cancelled"]}
