"""Laboratory feeds: when each was last heard, how often it is to be heard, and the alarm when it falls silent.

A feed that is silent is not a laboratory without results: values seem current that nothing would replace any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, alarm
from data.audit import write_audit
from data.errors import BadInput
from data.models import Feed
from data.people import Actor, Forbidden, NotFound

PATIENCE: Final = 1.5
SHORTEST_S: Final = 60
LONGEST_S: Final = 366 * 86_400


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed by MSH-3 and MSH-4. `interval_s` None: nobody waits for it, so it is never silent."""

    application: str
    facility: str
    last_heard_at: datetime
    interval_s: int | None
    silent: bool

    @property
    def name(self) -> str:
        """The feed as people call it."""
        return "/".join(part for part in (self.application, self.facility) if part) or "(unnamed)"


def list_feeds(session: Session, *, now: datetime) -> Sequence[FeedState]:
    """Every feed that was ever heard, by name. Silent: not heard for one and a half times its interval."""
    rows = session.scalars(select(Feed).order_by(Feed.application, Feed.facility))
    return [FeedState(f.application, f.facility, f.last_heard_at, f.interval_s, _silent(f, now)) for f in rows]


def _silent(feed: Feed, now: datetime) -> bool:
    return feed.interval_s is not None and now - feed.last_heard_at > timedelta(seconds=PATIENCE * feed.interval_s)


def tell_of_silence(session: Session, policy: MailPolicy, *, now: datetime) -> tuple[int, int]:
    """How many feeds are silent, and how many mails were written of it: once a silence, to every enabled admin."""
    untold = or_(Feed.silence_told_at.is_(None), Feed.silence_told_at < Feed.last_heard_at)
    silent = [feed for feed in session.scalars(select(Feed).where(Feed.interval_s.is_not(None))) if _silent(feed, now)]
    news = 0
    for feed in silent:
        told = session.execute(
            update(Feed)
            .where(Feed.application == feed.application, Feed.facility == feed.facility, untold)
            .values(silence_told_at=now)
            .execution_options(synchronize_session=False)
        )
        news += cast("CursorResult[Any]", told).rowcount
    return len(silent), alarm(session, "feed-silent", policy, now, feeds=len(silent)) if news else 0


def set_interval(
    session: Session, actor: Actor, application: str, facility: str, *, seconds: int | None, now: datetime
) -> None:
    """Say how often a feed is to be heard at least; None: nobody waits for it.

    Raises Forbidden for anyone but an admin or the system, NotFound, BadInput for less than a minute or over a year.
    """
    if actor.role not in ("admin", "system"):
        raise Forbidden("feeds are an admin's")
    if seconds is not None and not SHORTEST_S <= seconds <= LONGEST_S:
        raise BadInput(f"a feed is waited for between a minute and a year, not {seconds} s")
    feed = session.get(Feed, (application, facility))
    if feed is None:
        raise NotFound("no such feed")
    before, feed.interval_s = feed.interval_s, seconds
    session.flush()
    write_audit(
        session,
        actor,
        "feed.interval",
        now=now,
        object=f"feed {application}/{facility}"[:300],
        detail={"from_s": before, "to_s": seconds},
    )
