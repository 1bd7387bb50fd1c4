"""Test mails: one's own, which says whether an address works, and the weekly one that who is on call must answer.

Silence of the person on call is a fault like silence of the mail server, and is found before an alert needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, cast
from uuid import uuid4

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.announcing import MailPolicy, alarm, write_test_mail
from data.audit import write_audit
from data.errors import BadInput
from data.models import DutyTest, Outbox, RotaWeek
from data.people import Actor, Forbidden, NotFound
from data.rota import monday_of, read_roster
from data.upsert import insert_or

WEEKDAY: Final = 1
"""Tuesday: the day after the rota changes hands."""
BETWEEN: Final = timedelta(minutes=1)


class TooSoon(BadInput):
    """A test mail right after another."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A test alert that waits for the person who reads."""

    id: str
    sent_at: datetime


def send_test_mail(session: Session, actor: Actor, policy: MailPolicy, *, now: datetime) -> str:
    """Write a test mail to the actor; its id. Raises Forbidden for no person, TooSoon within a minute of the last."""
    if actor.person_id is None:
        raise Forbidden("Only a person has an address.")
    latest = session.scalar(
        select(Outbox.created_at)
        .where(Outbox.recipient_id == actor.person_id, Outbox.kind == "test", Outbox.created_at > now - BETWEEN)
        .limit(1)
    )
    if latest is not None:
        raise TooSoon(say("a test mail was sent a moment ago; wait a minute"))
    id = write_test_mail(session, actor.person_id, policy, now)
    write_audit(session, actor, "mail.test", now=now, object=id)
    return id


def send_due_tests(session: Session, policy: MailPolicy, at: time, *, now: datetime) -> int:
    """Write this week's test alert to everybody on call who has none, from Tuesday `at` on; returns how many."""
    local = now.astimezone(policy.zone)
    monday = monday_of(local.date())
    if now < datetime.combine(monday + timedelta(days=WEEKDAY), at, policy.zone):
        return 0
    team_ids = list(session.scalars(select(RotaWeek.team_id).where(RotaWeek.monday == monday).distinct()))
    roster = read_roster(session, team_ids, local.date(), local.date())
    on_duty = {duty.person_id for team in team_ids if (duty := roster.on(team, local.date())) is not None}
    return sum(_send_test(session, person_id, monday, policy, now) for person_id in sorted(on_duty))


def alarm_of_silence(session: Session, policy: MailPolicy, answer_in: timedelta, *, now: datetime) -> int:
    """Tell the admins of test alerts that nobody acknowledged within `answer_in`, each once; returns how many."""
    silent = session.execute(
        update(DutyTest)
        .where(DutyTest.acknowledged_at.is_(None), DutyTest.alarmed_at.is_(None), DutyTest.sent_at <= now - answer_in)
        .values(alarmed_at=now)
    )
    count = cast("CursorResult[Any]", silent).rowcount
    if count:
        alarm(session, "test-unanswered", policy, now, tests=count)
    return count


def waiting_tests(session: Session, actor: Actor) -> list[Unanswered]:
    """The test alerts the actor has not acknowledged, oldest first."""
    rows = session.execute(
        select(DutyTest.id, DutyTest.sent_at)
        .where(DutyTest.person_id == actor.person_id, DutyTest.acknowledged_at.is_(None))
        .order_by(DutyTest.sent_at)
    )
    return [Unanswered(row.id, row.sent_at) for row in rows]


def count_waiting(session: Session, actor: Actor) -> int:
    """How many test alerts wait for the actor."""
    return len(waiting_tests(session, actor))


def acknowledge_test(session: Session, actor: Actor, test: str, *, now: datetime) -> None:
    """Answer a test alert of one's own; again changes nothing. Raises NotFound for anybody else's."""
    found = session.execute(
        select(DutyTest.acknowledged_at)
        .where(DutyTest.id == test, DutyTest.person_id == actor.person_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound(f"no test alert {test!r}")
    if found.acknowledged_at is None:
        session.execute(update(DutyTest).where(DutyTest.id == test).values(acknowledged_at=now))
        write_audit(session, actor, "duty-test.acknowledge", now=now, object=test)


def _send_test(session: Session, person_id: int, monday: date, policy: MailPolicy, now: datetime) -> int:
    written = session.execute(
        insert_or(session, DutyTest.__table__)
        .values(id=str(uuid4()), person_id=person_id, monday=monday, sent_at=now)
        .on_conflict_do_nothing(index_elements=["person_id", "monday"])
        .returning(DutyTest.id)
    )
    if written.first() is None:
        return 0
    write_test_mail(session, person_id, policy, now, answer=True)
    return 1
