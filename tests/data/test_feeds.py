"""A feed that is silent for one and a half times its interval: the admins are told, once a silence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from data.announcing import MailPolicy
from data.db import Database
from data.errors import BadInput
from data.feeds import list_feeds, set_interval, tell_of_silence
from data.models import Audit, Feed, Outbox
from data.outbox import mail_policy
from data.people import Actor, Forbidden, NotFound, add_person
from data.settings import Settings

SYSTEM = Actor.system("test")
ADMIN = Actor("admin@clinic.example", "admin", 1)
DAY = timedelta(days=1)


@pytest.fixture
def policy() -> MailPolicy:
    return mail_policy(Settings(_env_file=None))


@pytest.fixture
def heard(database: Database, now: datetime) -> Database:
    """A site with an admin and a feed heard at `now`, expected daily."""
    with database.write() as session:
        add_person(session, SYSTEM, email="admin@clinic.example", role="admin", teams=[], now=now)
        session.add(
            Feed(application="LAB", facility="North", last_heard_at=now, last_control_id="1", last_peer="10.1.2.3")
        )
    return database


def told(database: Database, policy: MailPolicy, at: datetime) -> tuple[int, int]:
    with database.write() as session:
        return tell_of_silence(session, policy, now=at)


def test_it_may_be_silent_for_one_and_a_half_times_its_interval(
    heard: Database, policy: MailPolicy, now: datetime
) -> None:
    assert told(heard, policy, now + 1.5 * DAY) == (0, 0)
    late = now + 1.5 * DAY + timedelta(seconds=1)
    assert told(heard, policy, late) == (1, 1)
    assert told(heard, policy, late + DAY) == (1, 0), "one silence is told once"
    with heard.read() as session:
        [mail] = session.scalars(select(Outbox))
        assert list_feeds(session, now=late)[0].silent
    assert (mail.kind, mail.counts) == ("technical", '{"feeds": 1, "reason": "feed-silent"}')


def test_a_second_silence_is_told_again(heard: Database, policy: MailPolicy, now: datetime) -> None:
    assert told(heard, policy, now + 2 * DAY) == (1, 1)
    with heard.write() as session:
        session.scalars(select(Feed)).one().last_heard_at = now + 3 * DAY
    assert told(heard, policy, now + 4 * DAY) == (0, 0)
    assert told(heard, policy, now + 5 * DAY) == (1, 1)


def test_an_admin_says_how_often_it_is_to_be_heard_or_not_at_all(
    heard: Database, policy: MailPolicy, now: datetime
) -> None:
    with heard.write() as session:
        set_interval(session, ADMIN, "LAB", "North", seconds=3600, now=now)
    assert told(heard, policy, now + timedelta(hours=2)) == (1, 1)
    with heard.write() as session:
        set_interval(session, ADMIN, "LAB", "North", seconds=None, now=now)
    assert told(heard, policy, now + 90 * DAY) == (0, 0)
    with heard.read() as session:
        rows = session.scalars(select(Audit).where(Audit.action == "feed.interval").order_by(Audit.seq)).all()
    assert [row.detail for row in rows] == [{"from_s": 86400, "to_s": 3600}, {"from_s": 3600, "to_s": None}]


def test_who_may_not_and_what_makes_no_sense_is_refused(heard: Database, now: datetime) -> None:
    for actor, name, seconds, error in (
        (Actor("onc@clinic.example", "oncologist", 2), "LAB", 3600, Forbidden),
        (ADMIN, "OTHER", 3600, NotFound),
        (ADMIN, "LAB", 5, BadInput),
    ):
        with pytest.raises(error), heard.write() as session:
            set_interval(session, actor, name, "North", seconds=seconds, now=now)
