"""Is anybody still watching? Lines of trouble about sweeps and mail; none means fresh."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from clinical.protocol import Protocol, load_protocol
from data.feeds import list_feeds
from data.freshness import dead_mails, oldest_unsent_s, stuck_mails, sweep_age_s, sweep_limit_s, unannounced_flags
from data.identity_proposals import waiting_proposals
from data.intake.quarantine import held_counts
from data.invariants import broken_invariants
from data.job_runs import last_done
from data.operations import clock_offset_s
from data.protocol.in_force import protocol_in_force
from data.recount import recounted
from data.settings import Settings

LARGEST_OFFSET_S = 2
LONGEST_UNSENT_S = 300
LONGEST_HELD_S = 3 * 86_400
LONGEST_STUCK = timedelta(minutes=5)
LONGEST_UNANCHORED = timedelta(hours=3)
LONGEST_UNCOPIED = timedelta(minutes=10)
LONGEST_UNBACKED = timedelta(hours=26)
LONGEST_UNPRINTED = timedelta(hours=26)
NAMED = 5


def troubles(session: Session, settings: Settings, *, now: datetime) -> list[str]:
    """What is wrong with the running of this site at `now`, a line each; empty when sweeps and mail are fresh."""
    return [
        *_sweeps(session, settings, now),
        *_mails(session, now),
        *_flags(session),
        *_feeds(session, now),
        *_overdue(session, settings, now),
        *_waiting(session, now),
        *_protocol(session, settings),
    ]


def miscounts(session: Session, protocol: Protocol, settings: Settings, *, now: datetime) -> list[str]:
    """What does not add up between data, flags, mails and runs; it looks at whole patients, so it takes a second."""
    lag = timedelta(seconds=sweep_limit_s(settings.sweep_s))
    counted = recounted(session, protocol=protocol, chance=Random(int(now.timestamp())))
    return [*broken_invariants(session, longest_lag=lag, now=now), *counted]


def clock_troubles(session: Session, *, now: datetime) -> list[str]:
    """Whether the clock of this machine, which reads `now`, goes with that of the database; a line if not."""
    offset = clock_offset_s(session, now=now)
    if abs(offset) <= LARGEST_OFFSET_S:
        return []
    return [f"the clock of the database is {offset:+.0f} s off this machine's: mails and flags would carry wrong times"]


def _sweeps(session: Session, settings: Settings, now: datetime) -> Iterator[str]:
    age, limit = sweep_age_s(session, now=now), sweep_limit_s(settings.sweep_s)
    if age is None:
        yield "no sweep has ever been completed"
    elif age > limit:
        yield f"the last completed sweep is {age} s old, at most {limit} s are allowed"


def _mails(session: Session, now: datetime) -> Iterator[str]:
    oldest = oldest_unsent_s(session, now=now)
    if oldest is not None and oldest > LONGEST_UNSENT_S:
        yield f"a mail to be sent at once has been waiting for {oldest} s, at most {LONGEST_UNSENT_S} s are allowed"
    dead = dead_mails(session)
    if dead:
        yield f"mails given up: {dead} (see nadir outbox list)"
    stuck = stuck_mails(session, now=now, longer_than=LONGEST_STUCK)
    if stuck:
        yield f"mails left behind by a sender that is gone and taken up by no other: {stuck}"


def _feeds(session: Session, now: datetime) -> Iterator[str]:
    for feed in list_feeds(session, now=now):
        if feed.silent:
            hours = (now - feed.last_heard_at).total_seconds() / 3600
            yield f"the feed {feed.name} has been silent for {hours:.1f} h: its results may be out of date"


def _overdue(session: Session, settings: Settings, now: datetime) -> Iterator[str]:
    """Jobs that a site has asked for and that were last done too long ago."""
    asked = (
        (settings.anchor_file, "anchor", LONGEST_UNANCHORED, "the audit chain was last anchored at"),
        (settings.audit_copy_file, "audit-copy", LONGEST_UNCOPIED, "the audit trail was last copied at"),
        (settings.backup_dir, "backup", LONGEST_UNBACKED, "the last backup was made at"),
        (settings.downtime_dir, "downtime-lists", LONGEST_UNPRINTED, "the lists for downtime were last made at"),
    )
    for place, job, longest, said in asked:
        last = None if place is None else last_done(session, job)
        if last is not None and now - last > longest:
            yield f"{said} {last.isoformat(timespec='minutes')}: see nadir jobs status"


def _waiting(session: Session, now: datetime) -> Iterator[str]:
    proposed = waiting_proposals(session, now=now)
    if proposed["oldest_s"] is not None and proposed["oldest_s"] > LONGEST_HELD_S:
        days = proposed["oldest_s"] // 86_400
        yield f"proposals about who is who: {proposed['open']}, the oldest for {days} days (see nadir proposal list)"
    waiting = held_counts(session, now=now)
    if waiting["oldest_s"] is not None and waiting["oldest_s"] > LONGEST_HELD_S:
        days = waiting["oldest_s"] // 86_400
        yield f"items held in quarantine: {waiting['held']}, the oldest for {days} days (see nadir quarantine list)"


def _protocol(session: Session, settings: Settings) -> Iterator[str]:
    if settings.environment != "production":
        return
    brought = load_protocol(settings.protocol_file, jurisdiction=settings.jurisdiction)
    protocol = protocol_in_force(session, brought)
    unsigned = len(protocol.unsigned())
    if unsigned:
        yield (
            f"thresholds not signed off by an oncologist: {unsigned} of {len(protocol.thresholds)} "
            f"(protocol {protocol.version}, see /protocol)"
        )


def _flags(session: Session) -> Iterator[str]:
    ids = unannounced_flags(session)
    if ids:
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        yield f"open urgent or high flags without a mail to anybody: {', '.join(ids[:NAMED])}{more}"
