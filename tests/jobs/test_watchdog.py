"""The watchdog: silent while sweeps and mail are fresh, one line for each thing that is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from clinical.protocol import bundled_protocol
from data.identity_proposals import propose
from data.intake.identity import Proposed
from data.job_runs import Runner, begin_run, finish_run
from data.leases import database_now
from data.models import Flag, Outbox, Person
from data.people import Actor, person_actor
from data.protocol.signing import sign_off
from data.records import open_batch
from data.settings import Settings
from jobs.watchdog import clock_troubles, troubles
from tests.data.signing import proved
from tests.jobs.conftest import Clinic


@pytest.fixture
def swept(clinic: Clinic) -> Callable[[datetime], None]:
    """Puts a good sweep that ended at a moment on record."""

    def sweep(at: datetime) -> None:
        runner = Runner("a", 1)
        with clinic.database.write() as session:
            run_id = begin_run(session, "sweep", due_at=at, runner=runner, now=at)
            assert run_id is not None
            finish_run(session, run_id, runner=runner, counts={}, error=None, now=at)

    return sweep


def lines(clinic: Clinic, settings: Settings, at: datetime) -> list[str]:
    with clinic.database.read() as session:
        return troubles(session, settings, now=at)


def test_a_site_without_a_sweep_is_in_trouble(clinic: Clinic, settings: Settings, now: datetime) -> None:
    assert lines(clinic, settings, now) == ["no sweep has ever been completed"]


def test_a_sweep_is_fresh_for_two_intervals_and_a_minute(
    clinic: Clinic, settings: Settings, now: datetime, swept: Callable[[datetime], None]
) -> None:
    swept(now)
    assert lines(clinic, settings, now + timedelta(seconds=100)) == []
    assert lines(clinic, settings, now + timedelta(seconds=101)) == [
        "the last completed sweep is 101 s old, at most 100 s are allowed"
    ]


def test_an_urgent_mail_may_wait_five_minutes_and_a_digest_row_until_morning(
    clinic: Clinic, settings: Settings, now: datetime, swept: Callable[[datetime], None]
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("medium")
    clinic.raise_flag("urgent")
    later = now + timedelta(seconds=301)
    swept(later)
    assert lines(clinic, settings, now + timedelta(seconds=300)) == []
    assert lines(clinic, settings, later) == [
        "a mail to be sent at once has been waiting for 301 s, at most 300 s are allowed"
    ]


def test_dead_mails_are_named_until_somebody_clears_them(
    clinic: Clinic, settings: Settings, now: datetime, swept: Callable[[datetime], None]
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    swept(now)
    with clinic.database.write() as session:
        session.execute(update(Outbox).values(state="dead"))
    assert lines(clinic, settings, now) == ["mails given up: 1 (see nadir outbox list)"]


def test_a_mail_no_sender_takes_up_again_is_noticed(
    clinic: Clinic, settings: Settings, now: datetime, swept: Callable[[datetime], None]
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    swept(now)
    with clinic.database.write() as session:
        session.execute(update(Outbox).values(state="sending", lease_until=now - timedelta(minutes=6)))
    assert lines(clinic, settings, now) == ["mails left behind by a sender that is gone and taken up by no other: 1"]


def test_a_proposal_may_wait_three_days_for_a_decision(
    clinic: Clinic, settings: Settings, now: datetime, swept: Callable[[datetime], None]
) -> None:
    with clinic.database.write() as session:
        open_batch(session, Actor.system("test"), batch_id="b", format="hl7v2", now=now)
        proposed = Proposed(kind="link", from_number="A", into_number="B", why="linked")
        propose(session, proposed, batch_id="b", place="a.hl7", now=now)
    late = now + timedelta(days=3, seconds=1)
    for at, expected in (
        (late - timedelta(seconds=1), []),
        (late, ["proposals about who is who: 1, the oldest for 3 days (see nadir proposal list)"]),
    ):
        swept(at)
        assert lines(clinic, settings, at) == expected


@pytest.mark.parametrize(("severity", "told"), [("urgent", False), ("high", False), ("medium", True), ("low", True)])
def test_an_open_flag_that_nobody_is_told_of_is_noticed(
    clinic: Clinic,
    settings: Settings,
    now: datetime,
    swept: Callable[[datetime], None],
    severity: str,
    told: bool,
) -> None:
    flag = clinic.raise_flag(severity)
    swept(now)
    expected = [] if told else [f"open urgent or high flags without a mail to anybody: {flag}"]
    assert lines(clinic, settings, now) == expected
    with clinic.database.write() as session:
        session.execute(update(Flag).values(status="acknowledged"))
        session.execute(delete(Outbox))
    assert lines(clinic, settings, now) == []


def test_in_production_a_protocol_nobody_has_signed_is_trouble_until_it_is_signed(
    clinic: Clinic, settings: Settings, now: datetime, swept: Callable[[datetime], None]
) -> None:
    swept(now)
    clinic.employ("ada@clinic.example")
    production = settings.model_copy(update={"environment": "production"})
    base = bundled_protocol()
    all = len(base.thresholds)
    said = [f"thresholds not signed off by an oncologist: {all} of {all} (protocol {base.version}, see /protocol)"]
    assert (lines(clinic, settings, now), lines(clinic, production, now)) == ([], said)
    with clinic.database.write() as session:
        person = session.scalars(select(Person).where(Person.email == "ada@clinic.example")).one()
        signed_in = proved(session, person_actor(session, person), now)
        sign_off(session, signed_in, base.thresholds.keys(), version=base.version, base=base, now=now)
    assert lines(clinic, production, now) == []


@pytest.mark.parametrize(("wrong", "said"), [(timedelta(minutes=-5), "+3"), (timedelta(hours=2), "-7")])
def test_a_clock_of_this_machine_that_is_not_the_databases_is_noticed(
    clinic: Clinic, wrong: timedelta, said: str
) -> None:
    with clinic.database.read() as session:
        [line] = clock_troubles(session, now=database_now(session) + wrong)
    assert line.startswith(f"the clock of the database is {said}")
    assert "s off this machine's: mails and flags would carry wrong times" in line


@pytest.mark.alone
def test_a_clock_that_goes_with_the_databases_is_no_trouble(clinic: Clinic) -> None:
    with clinic.database.read() as session:
        assert any(clock_troubles(session, now=database_now(session)) == [] for _ in range(20))
