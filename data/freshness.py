"""Numbers that tell whether alerts flow: how old the last sweep is, and mails that wait, died or are stuck."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from data.job_runs import last_done
from data.models.flag import Flag
from data.models.mail import Outbox
from data.withheld import is_withheld

UNSENT = ("pending", "sending", "retry")
AT_ONCE = ("immediate", "technical", "test")


def sweep_age_s(session: Session, *, now: datetime) -> int | None:
    """Seconds since the last good sweep ended, None where none ever did."""
    ended = last_done(session, "sweep")
    return None if ended is None else max(0, int((now - ended).total_seconds()))


def sweep_limit_s(interval_s: int) -> int:
    """How old the last sweep may be before surveillance counts as stale: two intervals and a minute."""
    return 2 * interval_s + 60


def oldest_unsent_s(session: Session, *, now: datetime) -> int | None:
    """Age in seconds of the oldest mail that should leave at once and has not; None where there is none. A mail held
    by quiet hours, or until an hour that was full is over, is as old as the time since then."""
    since = func.coalesce(Outbox.held_until, Outbox.created_at)
    oldest = session.execute(
        select(func.min(since)).where(Outbox.state.in_(UNSENT), Outbox.kind.in_(AT_ONCE), since <= now)
    ).scalar_one()
    return None if oldest is None else max(0, int((now - oldest).total_seconds()))


def dead_mails(session: Session) -> int:
    """Mails that were given up and that nobody has cleared."""
    return session.execute(select(func.count()).where(Outbox.state == "dead")).scalar_one()


def stuck_mails(session: Session, *, now: datetime, longer_than: timedelta) -> int:
    """Mails claimed by a sender whose lease ended `longer_than` ago and that no sender took up again."""
    return session.execute(
        select(func.count()).where(Outbox.state == "sending", Outbox.lease_until < now - longer_than)
    ).scalar_one()


def unannounced_flags(session: Session) -> list[str]:
    """Ids of open urgent and high flags of which no mail tells anyone, and no team wanted it so."""
    told = exists().where(and_(Outbox.flag_id == Flag.id, Outbox.episode == Flag.episode, Outbox.state != "cancelled"))
    return list(
        session.execute(
            select(Flag.id)
            .where(Flag.status == "open", Flag.severity.in_(("urgent", "high")), ~told, ~is_withheld(Flag.id))
            .order_by(Flag.id)
        ).scalars()
    )
