"""What keeps the site running, in figures for who runs it: mail, storage, the clock, what is held, who has an account.

Nothing of a patient is in any of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from data.freshness import UNSENT, dead_mails, oldest_unsent_s
from data.intake.holding import HELD
from data.leases import database_now, read_lease
from data.models import Batch, DeliveryAttempt, Outbox, PatientTeam, Person, PersonTeam, Quarantined, Team
from data.people import Actor, Forbidden

LOOKING: Final = frozenset({"admin", "auditor"})
RATED: Final = timedelta(hours=1)
SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class MailFigures:
    """How mail stands. `failed` of `tried` tries of the last hour were not accepted; `accepted_at`: when a mail server
    last took one."""

    oldest_unsent_s: int | None
    dead: int
    accepted_at: datetime | None
    tried: int
    failed: int


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail: to whom, how it stands, and what the mail server last said."""

    id: str
    created_at: datetime
    recipient: str
    kind: str
    severity: str
    state: str
    attempts: int
    next_at: datetime
    sent_at: datetime | None
    last_code: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of the database, and of the disk it lies on where this machine can see that disk."""

    database: int
    disk: int | None
    free: int | None


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team by its numbers. `told`: enabled oncologists, whom its urgent and high flags are told."""

    name: str
    people: int
    told: int
    patients: int


def may_look(actor: Actor) -> None:
    """Raise Forbidden unless the actor runs or audits the site."""
    if actor.role not in LOOKING:
        raise Forbidden("operations are for admins and auditors")


def leader(session: Session, name: str = "scheduler") -> tuple[str, str] | None:
    """Host and process id of the scheduler that leads now, None where nobody does."""
    lease = read_lease(session, name, lasting=timedelta(days=1))
    if lease is None or not lease.live:
        return None
    host, _, rest = lease.holder.partition(":")
    return host, rest.partition(":")[0]


def mail_figures(session: Session, *, now: datetime) -> MailFigures:
    """How mail stands at `now`."""
    accepted = DeliveryAttempt.code.between(200, 299)
    tried, taken = session.execute(
        select(func.count(), func.count().filter(accepted)).where(DeliveryAttempt.at > now - RATED)
    ).one()
    return MailFigures(
        oldest_unsent_s=oldest_unsent_s(session, now=now),
        dead=dead_mails(session),
        accepted_at=session.scalar(select(func.max(Outbox.sent_at))),
        tried=tried,
        failed=tried - taken,
    )


def mails_in_trouble(session: Session) -> Sequence[MailLine]:
    """Dead mails, and those that were tried in vain, the gravest first."""
    tried = and_(Outbox.state.in_(UNSENT), Outbox.attempts > 0)
    return _mails(session, or_(Outbox.state == "dead", tried), Outbox.priority, Outbox.created_at)


def newest_mails(session: Session) -> Sequence[MailLine]:
    """The mails written last, however they stand; rows that only wait for a digest are not among them."""
    return _mails(session, or_(Outbox.kind != "digest", Outbox.flag_id.is_(None)), Outbox.created_at.desc(), Outbox.id)


def _mails(session: Session, which: object, *order: object) -> Sequence[MailLine]:
    rows = session.execute(
        select(
            *(Outbox.id, Outbox.created_at, Person.email, Outbox.kind, Outbox.severity, Outbox.state, Outbox.attempts),
            *(Outbox.next_at, Outbox.sent_at, Outbox.last_code, Outbox.last_error),
        )
        .join(Person, Person.id == Outbox.recipient_id)
        .where(which)  # type: ignore[arg-type]
        .order_by(*order)  # type: ignore[arg-type]
        .limit(SHOWN)
    )
    return [MailLine(*row) for row in rows]


def clock_offset_s(session: Session, *, now: datetime) -> float:
    """By how many seconds the database's clock is ahead of this machine's, which reads `now`."""
    return (database_now(session) - now).total_seconds()


def held_by_format(session: Session) -> Mapping[str, int]:
    """How many items are held in quarantine, by the format they came in."""
    rows = session.execute(
        select(Batch.format, func.count())
        .join(Quarantined, Quarantined.batch_id == Batch.id)
        .where(Quarantined.state == HELD)
        .group_by(Batch.format)
        .order_by(Batch.format)
    )
    return {format: count for format, count in rows}


def storage(session: Session) -> Storage:
    """How much the database takes, and what is left."""
    bind = session.get_bind()
    if bind.dialect.name != "sqlite":
        return Storage(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one(), None, None)
    pages = session.execute(text("PRAGMA page_count")).scalar_one()
    size = session.execute(text("PRAGMA page_size")).scalar_one()
    disk = shutil.disk_usage(Path(str(bind.engine.url.database)).resolve().parent)
    return Storage(pages * size, disk.total, disk.free)


def roles_count(session: Session) -> Mapping[str, tuple[int, int]]:
    """By role: how many accounts are open, and how many are closed."""
    closed = func.count().filter(Person.disabled_at.is_not(None))
    rows = session.execute(select(Person.role, func.count(), closed).group_by(Person.role).order_by(Person.role))
    return {role: (count - shut, shut) for role, count, shut in rows}


def team_lines(session: Session) -> Sequence[TeamLine]:
    """Every team by name, in numbers."""
    staff = (
        select(
            PersonTeam.team_id,
            func.count().label("people"),
            func.count().filter(Person.role == "oncologist").label("told"),
        )
        .join(Person, Person.id == PersonTeam.person_id)
        .where(Person.disabled_at.is_(None))
        .group_by(PersonTeam.team_id)
        .subquery()
    )
    cared = select(PatientTeam.team_id, func.count().label("patients")).group_by(PatientTeam.team_id).subquery()
    rows = session.execute(
        select(
            Team.name,
            func.coalesce(staff.c.people, 0),
            func.coalesce(staff.c.told, 0),
            func.coalesce(cared.c.patients, 0),
        )
        .join(staff, staff.c.team_id == Team.id, isouter=True)
        .join(cared, cared.c.team_id == Team.id, isouter=True)
        .order_by(Team.name)
    )
    return [TeamLine(*row) for row in rows]
