"""Telling of a flag: the mails of an outbox, written in the transaction that changes the flag.

Whom and how `data.telling` says; low and info tell nobody. Quiet hours of a person hold back what is not urgent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal, Protocol, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import CursorResult, bindparam, func, select, update
from sqlalchemy.orm import Session

from data.backoff import EXPIRES
from data.mail_choices import held
from data.models import MailChoice, Outbox, Person
from data.quiet import NEVER_HELD
from data.telling import IN_DIGEST, TOLD, About, Chosen, Way, chosen_of, teams_of
from data.upsert import insert_or
from data.withheld import muting_teams, withhold

Kind = Literal["immediate", "digest", "test", "technical"]

PRIORITY: Final[Mapping[str, int]] = {"urgent": 0, "technical": 1, "high": 2, "medium": 3, "low": 4, "info": 4}
UNSENT: Final = ("pending", "retry", "held")
SENT: Final = ("sending", "sent", "digested")


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """What the site has decided: the domain of Message-IDs, the local time of the daily digest, how long quiet hours
    may hold a mail back, and how many mails about medium flags one person gets in an hour."""

    domain: str
    digest_at: time
    zone: ZoneInfo
    longest_held: timedelta = timedelta(hours=12)
    medium_an_hour: int = 10

    def next_digest(self, now: datetime) -> datetime:
        """The first digest time after `now`, UTC."""
        local = now.astimezone(self.zone)
        due = datetime.combine(local.date(), self.digest_at, self.zone).astimezone(UTC)
        if due > now:
            return due
        return datetime.combine(local.date() + timedelta(days=1), self.digest_at, self.zone).astimezone(UTC)


class Told(About, Protocol):
    """What a flag must say of itself to be announced."""

    @property
    def id(self) -> str: ...
    @property
    def episode(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Carried:
    """How far a flag that nobody acknowledged has been carried (from 1), and when it was opened."""

    rung: int
    opened_at: datetime

    def content(self) -> dict[str, Any]:
        """What the mail is made of."""
        return {"rung": self.rung, "since": self.opened_at.isoformat()}


def announce(session: Session, flag: Told, policy: MailPolicy, now: datetime) -> int:
    """Write the mails that tell of a flag; returns how many rows were new.

    Immediate rows are due now or when the recipient's quiet hours end, `digest` rows at the next digest. With no
    recipient a `technical` mail goes to every enabled admin; 0 for a flag that is to be told then means that nobody at
    all would hear. Telling the same episode again (it re-opened, or grew worse) takes the next step and cancels what
    was not sent of the steps before. A team that has muted the rule is told when the mute is over (`data.mutes`).
    """
    if flag.severity not in TOLD:
        return 0
    step = next_step(session, flag)
    if step:
        cancel_unsent(session, [flag.id], why="told anew")
    teams = teams_of(session, flag.patient_id)
    muting = muting_teams(session, flag.patient_id, flag.rule, flag.severity, now) if teams else {}
    withhold(session, flag.id, muting, now)
    hearing = [team_id for team_id in teams if team_id not in muting]
    if teams and not hearing:
        return 0
    people = chosen_of(session, hearing, flag.severity, now=now, zone=policy.zone)
    if not people:
        return tell_admins(session, flag, "no-recipient", policy, now, step=step)
    return tell(session, flag, people, policy, now, step=step)


def announce_to(session: Session, flag: Told, person_id: int, policy: MailPolicy, now: datetime) -> int:
    """Write the mail that tells one person of a flag that was handed to them; returns how many rows were new."""
    if flag.severity not in TOLD:
        return 0
    way: Way = "digest" if flag.severity in IN_DIGEST else "at-once"
    return tell(session, flag, [Chosen(person_id, "assigned", way)], policy, now, step=next_step(session, flag))


def tell(
    session: Session,
    flag: Told,
    people: Sequence[Chosen],
    policy: MailPolicy,
    now: datetime,
    *,
    step: int,
    carried: Carried | None = None,
) -> int:
    """Write one mail of the flag to each of `people`; returns how many rows were new."""
    mail = _Mail(policy, now, flag=flag, step=step, rung=0 if carried is None else carried.rung)
    waits = _waits(session, [one.person_id for one in people], flag.severity, policy, now)
    return _write(
        session,
        [
            mail.to(
                one.person_id,
                "immediate" if one.way == "at-once" else "digest",
                flag.severity,
                None if carried is None else carried.content(),
                held_until=waits.get(one.person_id),
            )
            | {"chosen": one.snapshot()}
            for one in people
        ],
    )


def tell_admins(
    session: Session,
    flag: Told,
    reason: str,
    policy: MailPolicy,
    now: datetime,
    *,
    step: int,
    carried: Carried | None = None,
) -> int:
    """Write a technical mail about a flag to every admin; returns how many. It names the flag to nobody."""
    mail = _Mail(policy, now, flag=flag, step=step, rung=0 if carried is None else carried.rung)
    admins = reached_admins(session)
    return _write(session, [mail.to(id, "technical", "technical", {"reason": reason}) for id in admins])


def alarm(session: Session, reason: str, policy: MailPolicy, now: datetime, **counts: int | str) -> int:
    """Write a technical mail to every enabled admin; returns how many. `reason` is a word the templates know, never
    clinical content; `counts` are the numbers that go with it."""
    mail = _Mail(policy, now)
    content = {"reason": reason, **counts}
    return _write(session, [mail.to(id, "technical", "technical", content) for id in reached_admins(session)])


def write_test_mail(session: Session, person_id: int, policy: MailPolicy, now: datetime, **content: Any) -> str:
    """Write a test mail to a person, due now; its id. `content` is what its template asks for."""
    row = _Mail(policy, now).to(person_id, "test", "technical", content or None)
    _write(session, [row])
    return str(row["id"])


def counting_mail(person_id: int, content: Mapping[str, Any], policy: MailPolicy, now: datetime) -> dict[str, Any]:
    """The row of a mail about no flag in particular, due now: a digest, a reminder, what an outage held up."""
    due = {"next_at": now, "expires_at": now + EXPIRES["medium"]}
    return _Mail(policy, now).to(person_id, "digest", "medium", content) | due


def summary_mail(session: Session, person_id: int, policy: MailPolicy, now: datetime, *, due: datetime) -> str:
    """Write the mail that counts further medium flags for a person, due later; its id."""
    row = _Mail(policy, now).to(person_id, "immediate", "medium", {"more": 0}, held_until=due)
    _write(session, [row])
    return str(row["id"])


def reached_admins(session: Session) -> list[int]:
    """Every enabled admin whose address is not switched off, or every enabled admin where all of theirs are; by e-mail
    address."""
    admins = session.execute(_ADMINS).all()
    return [id for id, off_at in admins if off_at is None] or [id for id, _ in admins]


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
    waits = {s: _waits(session, list(last), s, policy, now) for s in {row.severity for row in last.values()}}
    _write(
        session,
        [
            _Mail(policy, now, step=step + 1).to(
                row.recipient_id, "immediate", row.severity, held_until=waits[row.severity].get(row.recipient_id)
            )
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


def next_step(session: Session, flag: Told) -> int:
    """The step at which this episode of the flag is told next; 0 where it never was."""
    last = session.scalar(_LAST_STEP, {"flag": flag.id, "of_episode": flag.episode})
    return 0 if last is None else last + 1


# Put together once, as every flag that opens asks them.
_ADMINS: Final = (
    select(Person.id, MailChoice.off_at)
    .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
    .where(Person.role == "admin", Person.disabled_at.is_(None))
    .order_by(Person.email)
)
_LAST_STEP: Final = select(func.max(Outbox.step)).where(
    Outbox.flag_id == bindparam("flag"), Outbox.episode == bindparam("of_episode")
)


def _waits(
    session: Session, person_ids: list[int], severity: str, policy: MailPolicy, now: datetime
) -> dict[int, datetime]:
    """By person until when their quiet hours hold a mail written now."""
    if severity in NEVER_HELD:
        return {}
    return held(
        session,
        person_ids,
        severity,
        created_at=now,
        now=now,
        site=policy.zone,
        longest=policy.longest_held,
    )


@dataclass(frozen=True, slots=True)
class _Mail:
    policy: MailPolicy
    now: datetime
    flag: Told | None = None
    step: int = 0
    rung: int = 0

    def to(
        self,
        recipient_id: int,
        kind: Kind,
        severity: str,
        content: Mapping[str, Any] | None = None,
        *,
        held_until: datetime | None = None,
    ) -> dict[str, Any]:
        id = str(uuid4())
        held = None if kind == "digest" else held_until
        due = self.policy.next_digest(self.now) if kind == "digest" else held or self.now
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
            "chosen": None,
            "rung": self.rung,
            "held_until": held,
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
