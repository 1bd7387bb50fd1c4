"""After downtime: the gap in which nothing was judged, and what each person missed in it, told in one mail.

A gap is noted when a sweep begins after more than two intervals without a good one, ends when a sweep has caught up,
and is told then. Urgent and high flags keep a mail each, which says that it comes late; everything else of the gap is
counted in the one mail, which also stands for the digest that was due in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, counting_mail
from data.job_runs import last_done
from data.models import Digest, Flag, Gap, Ingest, IngestPatient, Outbox, Person
from data.telling import AT_ONCE

WORTH_TELLING: Final = timedelta(minutes=15)
COUNTED: Final = ("urgent", "high", "medium")


@dataclass(frozen=True, slots=True)
class DigestDue:
    """The newest digest time: the local date it stands for, and when it was."""

    local_date: date
    at: datetime


def note_gap(session: Session, *, longest: timedelta, now: datetime) -> None:
    """Put on record that nothing was judged since the last good sweep, where that ended `longest` ago or more.

    Noted again by a sweep that tries once more, the gap grows.
    """
    since = _judged_until(session)
    if since is None or now - since <= longest:
        return
    grown = session.execute(update(Gap).where(Gap.from_at == since, Gap.told_at.is_(None)).values(to_at=now))
    if cast("CursorResult[Any]", grown).rowcount == 0:
        session.execute(insert(Gap).values(from_at=since, to_at=now, reason="no sweep was completed"))


def _judged_until(session: Session) -> datetime | None:
    """When judging was last up to date: a sweep that told of a gap had caught up, whatever became of its row."""
    told = session.scalar(select(Gap.to_at).where(Gap.told_at.is_not(None)).order_by(Gap.id.desc()).limit(1))
    swept = last_done(session, "sweep")
    return swept if told is None or swept is None else max(told, swept)


def tell_of_downtime(session: Session, policy: MailPolicy, digest: DigestDue, *, now: datetime) -> int:
    """End the gap that a sweep has just caught up with, and write who was to be told of something one mail about it.

    Nothing is written of gaps under 15 minutes. The number of mails.
    """
    gap = session.execute(
        select(Gap.id, Gap.from_at).where(Gap.told_at.is_(None)).order_by(Gap.id.desc()).limit(1)
    ).one_or_none()
    if gap is None:
        return 0
    session.execute(update(Gap).where(Gap.told_at.is_(None)).values(to_at=now, told_at=now))
    if now - gap.from_at < WORTH_TELLING:
        return 0
    missed = _missed(session, gap.from_at, now)
    stands_for = digest.local_date if gap.from_at < digest.at <= now else None
    for person_id, mails in sorted(missed.items()):
        content = {
            "letter": "downtime",
            "down_from": gap.from_at.isoformat(),
            "down_to": now.isoformat(),
            "missed": {severity: sum(mail.severity == severity for mail in mails) for severity in COUNTED},
        }
        _write(session, person_id, content, stands_for, policy=policy, now=now)
        waiting = [mail.id for mail in mails if mail.kind == "digest"]
        session.execute(update(Outbox).where(Outbox.id.in_(waiting)).values(state="digested"))
    return len(missed)


def _missed(session: Session, since: datetime, now: datetime) -> Mapping[int, Sequence[Any]]:
    """By person: mails about flags that were raised since, and those that waited for a digest by now."""
    for_digest = (Outbox.kind == "digest") & Outbox.state.in_(("pending", "retry"))
    at_once = (Outbox.kind == "immediate") & Outbox.severity.in_(AT_ONCE) & Outbox.corrects.is_(None)
    rows = session.execute(
        select(Outbox.id, Outbox.recipient_id, Outbox.kind, Outbox.severity)
        .join(Flag, Flag.id == Outbox.flag_id)
        .join(Person, Person.id == Outbox.recipient_id)
        .where(Person.disabled_at.is_(None), Flag.status == "open", Outbox.state != "cancelled")
        .where(
            (at_once & (Outbox.created_at > since))
            | (for_digest & ((Outbox.created_at > since) | (Outbox.next_at <= now)))
        )
        .order_by(Outbox.id)
    )
    missed: dict[int, list[Any]] = {}
    for row in rows:
        missed.setdefault(row.recipient_id, []).append(row)
    return missed


def _write(
    session: Session,
    person_id: int,
    content: Mapping[str, Any],
    stands_for: date | None,
    *,
    policy: MailPolicy,
    now: datetime,
) -> None:
    mail = counting_mail(person_id, content, policy, now)
    session.execute(insert(Outbox).values(mail))
    if stands_for is None:
        return
    try:
        with session.begin_nested():
            session.execute(insert(Digest).values(recipient_id=person_id, local_date=stands_for, outbox_id=mail["id"]))
    except IntegrityError:
        return  # they had a digest of that date


@dataclass(frozen=True, slots=True)
class Late:
    """Why a mail of a flag is late: nothing was judged since `since`; new data of the patient waited since `waiting`,
    None where time alone raised it."""

    since: datetime
    waiting: datetime | None


def late_because_of_downtime(session: Session, flag_id: str, raised: datetime) -> Late | None:
    """Why the mail of a flag that was raised at `raised` is late; None where no gap came before it."""
    gap = session.execute(
        select(Gap.from_at, Gap.to_at, Gap.told_at).where(Gap.from_at < raised).order_by(Gap.id.desc()).limit(1)
    ).one_or_none()
    if gap is None or (gap.told_at is not None and gap.to_at < raised) or raised - gap.from_at < WORTH_TELLING:
        return None
    waiting = session.scalar(
        select(func.min(Ingest.at))
        .join(IngestPatient, IngestPatient.seq == Ingest.seq)
        .join(Flag, Flag.patient_id == IngestPatient.patient_id)
        .where(Flag.id == flag_id, Ingest.at > gap.from_at, Ingest.at <= raised)
    )
    if waiting is not None and raised - waiting < WORTH_TELLING:
        return None  # it was judged when it came in, by a save or a correction
    return Late(gap.from_at, waiting)
