"""The outbox: which mail is next, how far each has come and what the mail server said. No mail is sent here.

Rows are written by `data.announcing` in the transaction that changes the flag. A sender claims one row at a time for
the length of a lease, sends it outside any transaction and settles it; a lease that ran out can be claimed again, so a
mail may go out twice under one Message-ID but is never forgotten. The audit chain is always written last: its head is
the one row all writers share, and whoever holds it must not wait for anything else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from uuid import uuid4

import msgspec
from sqlalchemy import CursorResult, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from data.announcing import Kind, MailPolicy
from data.audit import GIVEN, write_audit
from data.backoff import EXPIRES, wait_s
from data.downtime import late_because_of_downtime
from data.errors import BadInput
from data.models import DeliveryAttempt, Flag, MailChoice, Outbox, Patient, Person
from data.people import Actor, Forbidden, NotFound
from data.settings import Settings
from data.survivors import standing_id

Verdict = Literal["sent", "retry", "dead"]

LEASE: Final = timedelta(seconds=60)
SHORTEST_REASON: Final = 3
FARTHEST: Final = timedelta(hours=13)
"""No mail is put off longer than this: quiet hours hold one for 12 hours at the most."""
RETRIED_BY_HAND: Final = frozenset({"dead", "retry", "pending", "held"})


class MailNotRetried(BadInput):
    """A mail in a state from which it is not sent again; the message names the state."""


def mail_policy(settings: Settings) -> MailPolicy:
    """The mail policy the settings describe."""
    return MailPolicy(
        domain=settings.mail_from.rpartition("@")[2].rstrip(">"),
        digest_at=settings.digest_at,
        zone=settings.zone,
        longest_held=timedelta(seconds=settings.quiet_held_s),
        medium_an_hour=settings.medium_an_hour,
    )


@dataclass(frozen=True, slots=True)
class Claimed:
    """One mail in the hands of one sender until `lease_until`. `language` is the recipient's, None where they chose
    none; `own_address` is False for a mail that is about its person and goes elsewhere; `attempts` counts this try."""

    id: str
    token: str
    message_id: str
    kind: Kind
    severity: str
    recipient_id: int
    recipient: str
    own_address: bool
    language: str | None
    flag_id: str | None
    corrects: str | None
    episode: int | None
    step: int
    counts: dict[str, Any] | None
    created_at: datetime
    expires_at: datetime | None
    attempts: int
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended: the verdict, the code of the mail server if it gave one, and its words. `reached`: there was
    a server to talk to; where there was none, that is no fault of the mail."""

    verdict: Verdict
    code: int | None
    text: str
    reached: bool = True


def claim(session: Session, now: datetime) -> Claimed | None:
    """Take the next mail that is due, by priority and then by time, for the length of a lease; None when none is due.

    Mails whose flag nobody need be told of any more are cancelled on the way, those to a closed account given up. Rows
    that wait for the daily digest are not claimed: the digest job makes one mail of them.
    """
    while True:
        next_id = _next_due(session, now)
        if next_id is None:
            return None
        row = session.execute(_due(next_id)).one()
        mail, address, language, disabled_at, off_at, status, ended = row
        if mail.address is not None:
            address, language, disabled_at, off_at = mail.address, None, None, None
        unreached = _unreached(disabled_at, None if mail.kind == "test" else off_at)
        ending = _ending(None if mail.corrects else status, unreached, ended)
        if ending is None:
            return _lease(session, mail, address, language, now)
        state, why = ending
        session.execute(
            update(Outbox)
            .where(Outbox.id == mail.id)
            .values(state=state, last_error=why, lease_until=None, lease_token=None)
            .execution_options(synchronize_session=False)
        )


def settle(
    session: Session,
    claimed: Claimed,
    answer: Answer,
    *,
    now: datetime,
    backoff_base_s: float = 10.0,
    jitter: float = 0.0,
    actor: Actor | None = None,
) -> str | None:
    """Write how a try ended; returns the row's new state, or None when the lease was lost to another sender meanwhile.

    The try is always kept as a delivery attempt. A `retry` comes back after the back-off of its severity, stretched by
    `jitter` (-1 to 1, a share of 20 %), unless the mail expires before: then it is dead. While no server is reached the
    back-off does not grow: senders pace themselves, and when it is back the urgent mails are to be due.
    """
    session.execute(
        insert(DeliveryAttempt).values(
            outbox_id=claimed.id, number=claimed.attempts, at=now, code=answer.code, text=answer.text
        )
    )
    values: dict[str, Any] = {"state": answer.verdict, "last_code": answer.code, "last_error": answer.text}
    if answer.verdict == "sent":
        values |= {"sent_at": now, "last_error": None}
    elif answer.verdict == "retry":
        tries = claimed.attempts if answer.reached else 1
        next_at = now + timedelta(seconds=wait_s(claimed.severity, tries, backoff_base_s, jitter))
        values["next_at"] = next_at
        if claimed.expires_at is not None and next_at > claimed.expires_at:
            values["state"] = "dead"
    settled = cast(
        "CursorResult[Any]",
        session.execute(
            update(Outbox)
            .where(Outbox.id == claimed.id, Outbox.lease_token == claimed.token, Outbox.state == "sending")
            .values(**values, lease_until=None, lease_token=None)
            .execution_options(synchronize_session=False)
        ),
    )
    if settled.rowcount != 1:
        return None
    state = str(values["state"])
    if state in ("sent", "dead"):
        write_audit(
            session,
            actor or Actor.system("sender"),
            f"mail.{state}",
            now=now,
            patient_uuid=_patient_uuid(session, claimed.flag_id),
            object=claimed.id,
            outcome="ok" if state == "sent" else "failed",
            detail={"to": claimed.recipient, "kind": claimed.kind, "flag": claimed.flag_id, "code": answer.code},
        )
    return state


def retry(session: Session, actor: Actor, outbox_id: str, *, now: datetime) -> None:
    """Queue a mail again at once, under the Message-ID it always had, with its full time before it.

    Raises Forbidden for anyone but an admin or the system, NotFound, or MailNotRetried for one that is sent, under way,
    cancelled or part of a digest.
    """
    _require_operator(actor)
    mail = session.execute(
        select(Outbox.state, Outbox.severity, Outbox.flag_id).where(Outbox.id == outbox_id).with_for_update()
    ).one_or_none()
    if mail is None:
        raise NotFound(f"no mail {outbox_id!r}")
    if mail.state not in RETRIED_BY_HAND:
        raise MailNotRetried(f"mail {outbox_id} is {mail.state}; only a dead or waiting one is sent again")
    session.execute(
        update(Outbox)
        .where(Outbox.id == outbox_id)
        .values(state="pending", next_at=now, expires_at=now + EXPIRES[mail.severity], passed_on_at=None)
        .execution_options(synchronize_session=False)
    )
    write_audit(
        session,
        actor,
        "mail.retry",
        now=now,
        patient_uuid=_patient_uuid(session, mail.flag_id),
        object=outbox_id,
        detail={"from": mail.state},
    )


def clear_dead(session: Session, actor: Actor, outbox_id: str, *, why: str, now: datetime) -> None:
    """Take a mail that was given up off the list of what needs somebody; it stays on record with who did so and why.

    Raises Forbidden for anyone but an admin or the system, NotFound, or MailNotRetried for one that was not given up.
    """
    _require_operator(actor)
    if len(why.strip()) < SHORTEST_REASON:
        raise MailNotRetried(f"say why in at least {SHORTEST_REASON} letters")
    mail = session.execute(
        select(Outbox.state, Outbox.last_error, Outbox.flag_id).where(Outbox.id == outbox_id).with_for_update()
    ).one_or_none()
    if mail is None:
        raise NotFound(f"no mail {outbox_id!r}")
    if mail.state != "dead":
        raise MailNotRetried(f"mail {outbox_id} is {mail.state}; only one that was given up is cleared")
    session.execute(
        update(Outbox)
        .where(Outbox.id == outbox_id)
        .values(state="cancelled", last_error=f"cleared by {actor.name}: {why.strip()}; before: {mail.last_error}")
        .execution_options(synchronize_session=False)
    )
    write_audit(
        session,
        actor,
        "mail.clear",
        now=now,
        patient_uuid=_patient_uuid(session, mail.flag_id),
        object=outbox_id,
        detail={GIVEN: why.strip()},
    )


def list_outbox(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Every mail, oldest first, as the contract prints it. Raises Forbidden for anyone but an admin or the system."""
    _require_operator(actor)
    rows = session.execute(
        select(Outbox, Person.email)
        .join(Person, Person.id == Outbox.recipient_id)
        .order_by(Outbox.created_at, Outbox.priority, Outbox.id)
    )
    return [
        {
            "id": mail.id,
            "message_id": mail.message_id,
            "flag": mail.flag_id,
            "recipient": mail.address or email,
            "kind": mail.kind,
            "severity": mail.severity,
            "state": mail.state,
            "attempts": mail.attempts,
            "created_at": msgspec.to_builtins(mail.created_at),
            "next_at": msgspec.to_builtins(mail.next_at),
            "sent_at": msgspec.to_builtins(mail.sent_at),
            "last_code": mail.last_code,
            "last_error": mail.last_error,
        }
        for mail, email in rows
    ]


def _require_operator(actor: Actor) -> None:
    if actor.role not in ("admin", "system"):
        raise Forbidden("the outbox is an admin's")


def _next_due(session: Session, now: datetime) -> str | None:
    """The mail to send next, its row locked: the best of each state, so that the index is walked and nothing sorted.

    One that a sender dropped may have gone already: it waits behind those of its priority that certainly have not.
    """
    for_the_digest = and_(Outbox.kind == "digest", Outbox.flag_id.is_not(None))
    best = (
        select(Outbox.priority, Outbox.next_at, Outbox.id)
        .where(~for_the_digest)
        .order_by(Outbox.priority, Outbox.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = []
    for state in ("pending", "retry", "sending"):
        # What lies too far ahead was written by a clock that has been set back since: it waits for nothing.
        if state == "sending":
            due = or_(Outbox.lease_until <= now, Outbox.lease_until > now + 2 * LEASE)
        else:
            due = or_(Outbox.next_at <= now, Outbox.next_at > now + FARTHEST)
        row = session.execute(best.where(Outbox.state == state, due)).one_or_none()
        if row is not None:
            found.append((row.priority, state == "sending", row.next_at, row.id))
    return min(found)[-1] if found else None


def _due(outbox_id: str) -> Any:
    ended = func.coalesce(Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at)
    return (
        select(Outbox, Person.email, Person.language, Person.disabled_at, MailChoice.off_at, Flag.status, ended)
        .select_from(Outbox)
        .join(Person, Person.id == Outbox.recipient_id)
        .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
        .join(Flag, Flag.id == Outbox.flag_id, isouter=True)
        .join(Patient, Patient.id == standing_id(Flag.patient_id), isouter=True)
        .where(Outbox.id == outbox_id)
    )


def _unreached(disabled_at: datetime | None, off_at: datetime | None) -> str | None:
    if disabled_at is not None:
        return "the recipient's account is closed"
    return None if off_at is None else "the recipient's address is switched off"


def _ending(status: str | None, unreached: str | None, ended: datetime | None) -> tuple[str, str] | None:
    if status is not None and status != "open":
        return "cancelled", f"cancelled: the flag is {status}"
    if ended is not None:
        return "cancelled", "cancelled: the patient is no longer followed"
    return None if unreached is None else ("dead", unreached)


def _lease(session: Session, mail: Outbox, address: str, language: str | None, now: datetime) -> Claimed:
    token, until, attempts = str(uuid4()), now + LEASE, mail.attempts + 1
    counts = _late(session, mail) if mail.kind == "immediate" and mail.flag_id is not None else None
    if mail.counts is not None:
        counts = json.loads(mail.counts)
    session.execute(
        update(Outbox)
        .where(Outbox.id == mail.id)
        .values(state="sending", lease_until=until, lease_token=token, attempts=attempts)
        .execution_options(synchronize_session=False)
    )
    return Claimed(
        id=mail.id,
        token=token,
        message_id=mail.message_id,
        kind=cast("Kind", mail.kind),
        severity=mail.severity,
        recipient_id=mail.recipient_id,
        recipient=address,
        own_address=mail.address is None,
        language=language,
        flag_id=mail.flag_id,
        corrects=mail.corrects,
        episode=mail.episode,
        step=mail.step,
        counts=counts,
        created_at=mail.created_at,
        expires_at=mail.expires_at,
        attempts=attempts,
        lease_until=until,
    )


def _late(session: Session, mail: Outbox) -> dict[str, Any] | None:
    late = late_because_of_downtime(session, mail.flag_id or "", mail.created_at)
    if late is None:
        return None
    waiting = None if late.waiting is None else late.waiting.isoformat()
    return {"down_from": late.since.isoformat(), "waiting_from": waiting}


def _patient_uuid(session: Session, flag_id: str | None) -> str | None:
    if flag_id is None:
        return None
    return session.scalar(select(Patient.uuid).join(Flag, Flag.patient_id == Patient.id).where(Flag.id == flag_id))
