"""Who is to be told of a flag: the mails of an outbox, written in the transaction that changes the flag.

Urgent and high flags are told at once, medium ones wait for the daily digest, low and info tell nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal, Protocol, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from data.backoff import EXPIRES
from data.models import Outbox, Person
from data.people import administrators, recipients
from data.upsert import insert_or

Kind = Literal["immediate", "digest", "test", "technical"]

PRIORITY: Final[Mapping[str, int]] = {"urgent": 0, "technical": 1, "high": 2, "medium": 3, "low": 4, "info": 4}
AT_ONCE: Final = frozenset({"urgent", "high"})
IN_DIGEST: Final = frozenset({"medium"})
TOLD: Final = AT_ONCE | IN_DIGEST
UNSENT: Final = ("pending", "retry", "held")
SENT: Final = ("sending", "sent", "digested")


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """What the site has decided: the domain of Message-IDs and the local time of the daily digest."""

    domain: str
    digest_at: time
    zone: ZoneInfo

    def next_digest(self, now: datetime) -> datetime:
        """The first digest time after `now`, UTC."""
        local = now.astimezone(self.zone)
        due = datetime.combine(local.date(), self.digest_at, self.zone).astimezone(UTC)
        if due > now:
            return due
        return datetime.combine(local.date() + timedelta(days=1), self.digest_at, self.zone).astimezone(UTC)


class Told(Protocol):
    """What a flag must say of itself to be announced."""

    @property
    def id(self) -> str: ...
    @property
    def patient_id(self) -> int: ...
    @property
    def severity(self) -> str: ...
    @property
    def episode(self) -> int: ...


def announce(session: Session, flag: Told, policy: MailPolicy, now: datetime) -> int:
    """Write the mails that tell of a flag; returns how many rows were new.

    Immediate rows are due now, `digest` rows at the next digest. With no recipient a `technical` mail goes to every
    enabled admin; 0 for a flag that is to be told then means that nobody at all would hear. Telling the same episode
    again (it re-opened, or grew worse) takes the next step and cancels what was not sent of the steps before.
    """
    if flag.severity not in TOLD:
        return 0
    step = _next_step(session, flag)
    if step:
        cancel_unsent(session, [flag.id], why="told anew")
    mail = _Mail(policy, now, flag=flag, step=step)
    people = recipients(session, flag.patient_id, flag.severity)
    if not people:
        admins = administrators(session)
        return _write(session, [mail.to(p.id, "technical", "technical", {"reason": "no-recipient"}) for p in admins])
    kind: Kind = "immediate" if flag.severity in AT_ONCE else "digest"
    return _write(session, [mail.to(p.id, kind, flag.severity) for p in people])


def announce_to(session: Session, flag: Told, person_id: int, policy: MailPolicy, now: datetime) -> int:
    """Write the mail that tells one person of a flag that was handed to them; returns how many rows were new."""
    if flag.severity not in TOLD:
        return 0
    kind: Kind = "immediate" if flag.severity in AT_ONCE else "digest"
    return _write(
        session, [_Mail(policy, now, flag=flag, step=_next_step(session, flag)).to(person_id, kind, flag.severity)]
    )


def alarm(session: Session, reason: str, policy: MailPolicy, now: datetime, **counts: int | str) -> int:
    """Write a technical mail to every enabled admin; returns how many. `reason` is a word the templates know, never
    clinical content; `counts` are the numbers that go with it."""
    mail = _Mail(policy, now)
    content = {"reason": reason, **counts}
    return _write(session, [mail.to(p.id, "technical", "technical", content) for p in administrators(session)])


def alarm_to(
    session: Session, address: str, reason: str, policy: MailPolicy, now: datetime, *, about: int, **counts: int | str
) -> int:
    """As `alarm`, to an address that is no account; `about` is the person whose deed it tells of."""
    row = _Mail(policy, now).to(about, "technical", "technical", {"reason": reason, **counts})
    return _write(session, [row | {"address": address}])


def follow_up(session: Session, flag_id: str, policy: MailPolicy, now: datetime, *, since: datetime) -> int:
    """Write one mail to each who was told of this flag, saying that a value it told of was corrected `since`; to how
    many.

    It follows the last mail of that person and goes out at once, also to who was told in a digest. Who has such a mail
    waiting already, or was written one since the correction, is counted and gets no second one; who has no account any
    more gets none.
    """
    told = session.execute(
        select(Outbox.id, Outbox.recipient_id, Outbox.episode, Outbox.severity)
        .join(Person, Person.id == Outbox.recipient_id)
        .where(Outbox.flag_id == flag_id, Outbox.state.in_(SENT), Person.disabled_at.is_(None))
        .where(Outbox.kind.in_(("immediate", "digest")))
        .order_by(Outbox.step, Outbox.created_at)
    )
    last = {row.recipient_id: row for row in told}
    followed = set(
        session.scalars(
            select(Outbox.recipient_id).where(
                Outbox.flag_id == flag_id,
                Outbox.corrects.is_not(None),
                Outbox.state.in_(UNSENT) | (Outbox.created_at > since),
            )
        )
    )
    step = session.scalar(select(func.max(Outbox.step)).where(Outbox.flag_id == flag_id)) or 0
    _write(
        session,
        [
            _Mail(policy, now, step=step + 1).to(row.recipient_id, "immediate", row.severity)
            | {"flag_id": flag_id, "episode": row.episode, "corrects": row.id}
            for row in last.values()
            if row.recipient_id not in followed
        ],
    )
    return len(last)


def cancel_unsent(session: Session, flag_ids: Iterable[str], *, why: str) -> int:
    """Cancel what was not sent yet of these flags' mails; returns how many rows. `why` stays on them.

    A mail that corrects an earlier one is sent all the same: who read the first must read the second.
    """
    cancelled = cast(
        "CursorResult[Any]",
        session.execute(
            update(Outbox)
            .where(Outbox.flag_id.in_(list(flag_ids)), Outbox.state.in_(UNSENT), Outbox.corrects.is_(None))
            .values(state="cancelled", last_error=f"cancelled: {why}", lease_until=None, lease_token=None)
            .execution_options(synchronize_session=False)
        ),
    )
    return cancelled.rowcount


def _next_step(session: Session, flag: Told) -> int:
    last = session.scalar(
        select(func.max(Outbox.step)).where(Outbox.flag_id == flag.id, Outbox.episode == flag.episode)
    )
    return 0 if last is None else last + 1


@dataclass(frozen=True, slots=True)
class _Mail:
    policy: MailPolicy
    now: datetime
    flag: Told | None = None
    step: int = 0

    def to(
        self, recipient_id: int, kind: Kind, severity: str, content: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        id = str(uuid4())
        due = self.policy.next_digest(self.now) if kind == "digest" else self.now
        return {
            "id": id,
            "flag_id": None if self.flag is None else self.flag.id,
            "episode": None if self.flag is None else self.flag.episode,
            "recipient_id": recipient_id,
            "address": None,
            "step": self.step,
            "kind": kind,
            "severity": severity,
            "corrects": None,
            "state": "pending",
            "priority": PRIORITY[severity],
            "counts": None if content is None else json.dumps(content, sort_keys=True),
            "message_id": f"<{id}@{self.policy.domain}>",
            "created_at": self.now,
            "next_at": due,
            "expires_at": due + EXPIRES[severity],
            "attempts": 0,
        }


def _write(session: Session, rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    written = session.execute(
        insert_or(session, Outbox.__table__)
        .on_conflict_do_nothing(index_elements=["flag_id", "episode", "recipient_id", "step"])
        .returning(Outbox.id),
        rows,
    )
    return len(written.all())
