"""The daily digest: what waits for a person becomes one mail a local date, with counts and never with content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data.anchors import head_anchor
from data.announcing import MailPolicy, counting_mail
from data.job_runs import last_done
from data.models.account import Person, PersonTeam
from data.models.duty import MailChoice
from data.models.flag import Flag, Judgement
from data.models.mail import Digest, Outbox
from data.models.patient import Patient, PatientTeam
from data.survivors import standing_id

COUNTED: Final = ("urgent", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class DigestCounts:
    """What one run of the digest did: mails written, rows they stand for, rows no longer needed."""

    mails: int
    digested: int
    cancelled: int


def write_digests(
    session: Session, local_date: date, policy: MailPolicy, *, due_by: datetime, now: datetime
) -> DigestCounts:
    """One digest of `local_date` for every enabled oncologist with a team and for whom something waits, but for those
    whose address is switched off.

    Rows that were due at `due_by` become `digested`; those whose flag somebody has seen meanwhile are cancelled. Who
    has a digest of that date gets no second one, whatever the clock did; what waits then goes into the next.
    """
    cancelled = _cancel_seen(session, due_by)
    waiting = _waiting(session, due_by)
    people = set(waiting) | set(_readers(session))
    mails = digested = 0
    for person_id in sorted(people):
        waits = waiting.get(person_id, {})
        rows, high = list(waits), sum(severity == "high" for severity in waits.values())
        content = {
            "new": len(rows) - high,
            **({"new_high": high} if high else {}),
            "open": _open_flags(session, person_id),
            **_surveillance(session),
        }
        if not _write(session, person_id, local_date, content, policy=policy, now=now):
            continue
        mails += 1
        digested += len(rows)
        session.execute(update(Outbox).where(Outbox.id.in_(rows)).values(state="digested"))
    return DigestCounts(mails, digested, cancelled)


def _due(due_by: datetime) -> Any:
    return (
        (Outbox.kind == "digest")
        & Outbox.flag_id.is_not(None)
        & Outbox.state.in_(("pending", "retry"))
        & (Outbox.next_at <= due_by)
    )


def _cancel_seen(session: Session, due_by: datetime) -> int:
    seen = select(Outbox.id).join(Flag, Flag.id == Outbox.flag_id).where(_due(due_by), Flag.status != "open")
    ids = list(session.scalars(seen))
    why = "cancelled: somebody saw the flag before the digest"
    session.execute(update(Outbox).where(Outbox.id.in_(ids)).values(state="cancelled", last_error=why))
    return len(ids)


def _waiting(session: Session, due_by: datetime) -> dict[int, dict[str, str]]:
    """By person the severities of what waits for them, by id of the mail."""
    rows = session.execute(
        select(Outbox.recipient_id, Outbox.id, Outbox.severity)
        .join(Person, Person.id == Outbox.recipient_id)
        .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
        .where(_due(due_by), Person.disabled_at.is_(None), MailChoice.off_at.is_(None))
        .order_by(Outbox.id)
    )
    waiting: dict[int, dict[str, str]] = {}
    for person_id, outbox_id, severity in rows:
        waiting.setdefault(person_id, {})[outbox_id] = severity
    return waiting


def _readers(session: Session) -> list[int]:
    return list(
        session.scalars(
            select(Person.id)
            .join(PersonTeam, PersonTeam.person_id == Person.id)
            .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
            .where(Person.role == "oncologist", Person.disabled_at.is_(None), MailChoice.off_at.is_(None))
            .distinct()
        )
    )


def _open_flags(session: Session, person_id: int) -> dict[str, int]:
    theirs = (
        select(standing_id(PatientTeam.patient_id))
        .join(PersonTeam, PersonTeam.team_id == PatientTeam.team_id)
        .where(PersonTeam.person_id == person_id)
    )
    end = func.coalesce(Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at)
    not_followed = select(Patient.id).where(end.is_not(None))
    rows = session.execute(
        select(Flag.severity, func.count())
        .where(Flag.status == "open", standing_id(Flag.patient_id).in_(theirs))
        .where(standing_id(Flag.patient_id).not_in(not_followed))
        .group_by(Flag.severity)
    )
    found = {severity: count for severity, count in rows}
    return {severity: found.get(severity, 0) for severity in COUNTED}


def _surveillance(session: Session) -> dict[str, Any]:
    judged, failing = session.execute(
        select(func.count(), func.count().filter(Judgement.failures > 0)).select_from(Judgement)
    ).one()
    swept, anchor = last_done(session, "sweep"), head_anchor(session)
    return {
        "judged": judged - failing,
        "failing": failing,
        "swept_at": None if swept is None else swept.isoformat(),
        "anchor": None if anchor is None else {"seq": anchor.seq, "mac": anchor.mac},
    }


def _write(
    session: Session,
    person_id: int,
    local_date: date,
    content: dict[str, Any],
    *,
    policy: MailPolicy,
    now: datetime,
) -> bool:
    made = select(Digest.outbox_id).where(Digest.recipient_id == person_id, Digest.local_date == local_date)
    if session.execute(made).first() is not None:
        return False
    mail = counting_mail(person_id, content, policy, now)
    try:
        with session.begin_nested():
            session.execute(insert(Outbox).values(mail))
            session.execute(insert(Digest).values(recipient_id=person_id, local_date=local_date, outbox_id=mail["id"]))
    except IntegrityError:
        return False  # another digest of the same date was faster
    return True
