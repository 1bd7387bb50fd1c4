"""A flag nobody acknowledges is carried further: each step once, in time, and never past an acknowledgement."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, true, update
from sqlalchemy.orm import Session

from data.announcing import announce
from data.db import Database
from data.escalation import Patience, climb, long_unanswered, patience, unanswered
from data.flags import acknowledge
from data.models import Audit, Escalation, Flag, FlagHistory, Outbox, Patient
from data.outbox import mail_policy
from data.people import Actor
from data.rota_changes import set_lead
from data.settings import Settings
from jobs.duty import escalate
from jobs.sender import Sender
from tests.jobs.conftest import SYSTEM, Clinic
from tests.jobs.test_sender import Clock, send_all
from tests.jobs.test_told import ADA, BOB, BOSS, CAT, MONDAY, Staffed, on_sqlite
from tests.mail_server import MailServer

BERLIN = ZoneInfo("Europe/Berlin")
WAITS = patience(Settings(_env_file=None, site_timezone="Europe/Berlin"))
moments = st.timedeltas(timedelta(0), timedelta(days=1100)).map(lambda after: datetime(2025, 1, 1, tzinfo=UTC) + after)


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
    found = Staffed(clinic, sender, mail_server, clock, settings)
    found.on_call(ADA)
    found.on_call(CAT, MONDAY + timedelta(days=7))
    return found


def unfenced(session: Session) -> None:
    assert session.in_transaction()


def after(staffed: Staffed, **wait: float) -> list[str]:
    """Who is mailed when so much time has passed and the job has run, twice."""
    staffed.clock.now += timedelta(**wait)
    for _ in range(2):
        escalate(staffed.database, staffed.clinic.policy, WAITS, now=staffed.clock.now, fence=unfenced)
    return sorted(staffed.send())


def take(staffed: Staffed, flag: str) -> None:
    """Ada acknowledges the flag."""
    actor = staffed.actor(ADA)
    with staffed.database.write() as session:
        version = session.scalars(select(Flag.version).where(Flag.id == flag)).one()
        acknowledge(session, actor, flag, why="I have it", version=version, now=staffed.clock.now)


def lead(staffed: Staffed, email: str) -> None:
    with staffed.database.write() as session:
        set_lead(session, SYSTEM, staffed.team, staffed.ids[email], now=staffed.clock.now)


def test_an_urgent_flag_goes_to_the_next_then_to_all_and_the_admin_then_again_with_a_banner(staffed: Staffed) -> None:
    flag = staffed.raise_flag("urgent")
    assert staffed.send() == [ADA]
    assert after(staffed, minutes=29, seconds=59) == []
    assert after(staffed, seconds=1) == [CAT]
    text = " ".join(staffed.server.delivered[-1].text.split())
    assert "An urgent flag needs your review today." in text and "Nobody has acknowledged it" in text
    assert after(staffed, minutes=89) == []
    assert after(staffed, minutes=1) == [ADA, BOB, BOSS, CAT]
    assert staffed.reasons() == ["not-acknowledged"]
    with staffed.database.read() as session:
        assert long_unanswered(session, true()) == []
    assert after(staffed, hours=2) == [ADA, BOB, BOSS, CAT]
    with staffed.database.read() as session:
        assert long_unanswered(session, true()) == [flag]
        assert long_unanswered(session, Patient.id == 0) == []
        climbed = session.scalars(select(Escalation.rung).order_by(Escalation.rung)).all()
        audited = session.scalars(select(Audit.detail).where(Audit.action == "flag.escalate")).all()
    assert climbed == [1, 2, 3] and [detail["rung"] for detail in audited if detail] == [1, 2, 3]
    assert after(staffed, hours=48) == []
    take(staffed, flag)
    with staffed.database.read() as session:
        assert long_unanswered(session, true()) == []


@on_sqlite
def test_acknowledging_stops_the_next_step_and_what_was_not_sent(staffed: Staffed) -> None:
    flag = staffed.raise_flag("urgent")
    staffed.send()
    staffed.server.behave("450")
    assert after(staffed, minutes=30) == []
    take(staffed, flag)
    staffed.server.behave("ok")
    assert after(staffed, hours=5) == []
    assert staffed.clinic.states() == {ADA: ["sent"], CAT: ["cancelled"]}


@on_sqlite
def test_when_nadir_was_down_the_highest_step_alone_is_taken(staffed: Staffed) -> None:
    staffed.raise_flag("urgent")
    staffed.send()
    assert after(staffed, hours=3) == [ADA, BOB, BOSS, CAT]
    with staffed.database.read() as session:
        assert session.scalars(select(Escalation.rung)).all() == [2]


@on_sqlite
def test_a_high_flag_goes_to_the_lead_after_a_working_day_and_to_all_after_three(staffed: Staffed) -> None:
    lead(staffed, BOB)
    staffed.clock.now = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)  # a Friday afternoon
    staffed.raise_flag("high")
    assert staffed.send() == [ADA]
    assert after(staffed, hours=71) == []
    assert after(staffed, hours=1) == [BOB]
    assert "by Wednesday 11 March 2026" in staffed.server.delivered[-1].message["Subject"]
    assert after(staffed, hours=47) == []
    assert after(staffed, hours=1) == [ADA, BOB, CAT]
    assert after(staffed, days=30) == []


@on_sqlite
def test_a_medium_flag_goes_to_the_lead_after_fourteen_days_and_every_week_after(staffed: Staffed) -> None:
    lead(staffed, BOB)
    staffed.raise_flag("medium")
    assert after(staffed, days=13) == []
    assert after(staffed, days=1) == [BOB]
    assert after(staffed, days=6) == []
    assert after(staffed, days=1) == [BOB] and after(staffed, days=7) == [BOB]


@on_sqlite
def test_without_a_lead_all_oncologists_are_told_and_without_those_the_admins(staffed: Staffed) -> None:
    staffed.raise_flag("high")
    staffed.send()
    assert after(staffed, days=1) == [ADA, BOB, CAT]
    staffed.server.unknown = {ADA, BOB, CAT}
    staffed.raise_flag("urgent")
    staffed.send()
    assert "no-recipient" in staffed.reasons()
    before = len(staffed.reasons())
    assert after(staffed, minutes=30) == [BOSS] and len(staffed.reasons()) == before + 1


@on_sqlite
def test_a_single_oncologist_hears_of_it_again(clinic: Clinic, sender: Sender, clock: Clock) -> None:
    clinic.employ(ADA)
    clinic.raise_flag("urgent", now=clock.now)
    send_all(sender)
    clock.now += timedelta(minutes=30)
    escalate(clinic.database, clinic.policy, WAITS, now=clock.now, fence=unfenced)
    send_all(sender)
    assert clinic.states() == {ADA: ["sent", "sent"]}


def test_a_flag_told_anew_waits_anew(staffed: Staffed) -> None:
    flag = staffed.raise_flag("urgent")
    staffed.send()
    assert after(staffed, minutes=30) == [CAT]
    take(staffed, flag)
    staffed.clock.now += timedelta(hours=1)
    with staffed.database.write() as session:
        session.execute(update(Flag).where(Flag.id == flag).values(status="open"))
        announce(session, session.get_one(Flag, flag), staffed.clinic.policy, staffed.clock.now)
    assert staffed.send() == [ADA]
    assert after(staffed, minutes=29) == [] and after(staffed, minutes=1) == [BOB]


@on_sqlite
def test_nobody_is_chased_about_a_patient_who_is_no_longer_followed(staffed: Staffed) -> None:
    staffed.raise_flag("urgent")
    staffed.send()
    with staffed.database.write() as session:
        session.execute(update(Patient).values(deceased_at=staffed.clock.now))
    assert after(staffed, hours=5) == []


def test_two_schedulers_at_once_climb_each_step_once(staffed: Staffed) -> None:
    flags = [staffed.raise_flag("urgent") for _ in range(5)]
    staffed.send()
    now = staffed.clock.now + timedelta(minutes=30)
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(escalate, staffed.database, staffed.clinic.policy, WAITS, now=now, fence=unfenced)
            for _ in range(4)
        ]:
            done.result()
    with staffed.database.read() as session:
        rungs = session.execute(select(Outbox.flag_id, func.count()).where(Outbox.rung == 1).group_by(Outbox.flag_id))
        assert dict(map(tuple, rungs)) == dict.fromkeys(flags, 1)


@pytest.mark.alone
def test_acknowledged_in_the_second_of_the_step_no_mail_leaves_after_it(staffed: Staffed) -> None:
    """A hundred flags whose first step is due are acknowledged while the job climbs and two senders send."""
    flags = [staffed.raise_flag("urgent") for _ in range(100)]
    with staffed.database.write() as session:
        session.execute(update(Outbox).values(state="sent", sent_at=staffed.clock.now))
    staffed.clock.now += timedelta(minutes=30)
    staffed.server.slow_s = 0.004
    stop = threading.Event()

    def send() -> None:
        sender = Sender(staffed.database, staffed.settings, stop=stop, clock=staffed.clock)
        while not stop.is_set():
            if sender.send_next() is None:
                stop.wait(0.01)
        sender.close()

    actor = staffed.actor(BOB)
    left_behind: dict[str, int] = {}
    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send) for _ in range(2)]
        job = pool.submit(
            escalate, staffed.database, staffed.clinic.policy, WAITS, now=staffed.clock.now, fence=unfenced
        )
        for flag in flags:
            _acknowledge(staffed, actor, flag)
            left_behind[flag] = _in_hand(staffed.database, flag)
        job.result()
        stop.wait(0.5)
        stop.set()
        for sending in senders:
            sending.result()
    with staffed.database.read() as session:
        states = session.execute(
            select(Outbox.flag_id, Outbox.state).where(Outbox.flag_id.in_(flags), Outbox.rung == 1)
        ).all()
    assert {state for _flag, state in states} <= {"sent", "cancelled"}
    sent = Counter(flag for flag, state in states if state == "sent")
    assert [flag for flag in flags if sent[flag] > left_behind[flag]] == []


def _acknowledge(staffed: Staffed, actor: Actor, flag: str) -> None:
    with staffed.database.write() as session:
        version = session.scalars(select(Flag.version).where(Flag.id == flag)).one()
        acknowledge(session, actor, flag, why="I have it", version=version, now=staffed.clock.now)


def _in_hand(database: Database, flag: str) -> int:
    """How many mails of the first step had left, or were in a sender's hand, once the flag was acknowledged."""
    with database.read() as session:
        return session.execute(
            select(func.count()).where(Outbox.flag_id == flag, Outbox.rung == 1, Outbox.state.in_(("sending", "sent")))
        ).scalar_one()


@given(told_at=moments, severity=st.sampled_from(["urgent", "high", "medium"]), later=st.integers(0, 60 * 24 * 90))
def test_steps_rise_with_time_and_never_come_early(told_at: datetime, severity: str, later: int) -> None:
    now = told_at + timedelta(minutes=later)
    rung = WAITS.reached(severity, told_at, now)
    due = dict(zip(range(1, rung + 2), (at for _rung, at in WAITS.rungs(severity, told_at)), strict=False))
    assert all(due[n] <= now for n in range(1, rung + 1))
    assert rung + 1 not in due or due[rung + 1] > now
    assert sorted(due.values()) == list(due.values())
    if severity == "high":
        assert all(at.astimezone(BERLIN).weekday() < 5 for at in due.values())
    assert WAITS.reached(severity, told_at, told_at + WAITS.shortest - timedelta(seconds=1)) == 0


def test_low_flags_are_never_chased_and_the_settings_say_how_long_is_waited(settings: Settings) -> None:
    assert WAITS.reached("low", datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)) == 0
    quick = patience(settings.model_copy(update={"urgent_next_s": 30, "urgent_all_s": 120, "urgent_repeat_s": 240}))
    assert isinstance(quick, Patience) and quick.shortest == timedelta(seconds=30)
    with pytest.raises(ValueError, match="must rise"):
        Settings(_env_file=None, urgent_next_s=7201)
    with pytest.raises(ValueError, match="HIGH_LEAD_DAYS"):
        Settings(_env_file=None, high_lead_days=4)


def test_what_waits_is_listed_urgent_first_and_a_closed_flag_is_not_climbed(staffed: Staffed) -> None:
    medium = staffed.raise_flag("medium")
    staffed.clock.now += timedelta(days=14)
    urgent = staffed.raise_flag("urgent")
    now = staffed.clock.now + timedelta(minutes=31)
    with staffed.database.read() as session:
        assert unanswered(session, WAITS, now=now) == [urgent, medium]
    with staffed.database.write() as session:
        session.execute(update(Flag).where(Flag.id == urgent).values(status="resolved"))
    with staffed.database.write() as session:
        assert climb(session, urgent, mail_policy(staffed.settings), WAITS, now=now) == 0
    with staffed.database.read() as session:
        assert session.scalars(select(FlagHistory)).all() == []
