"""Passing a flag on: a mail that was given up has told nobody, so the next person is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from data.announcing import Carried, MailPolicy, tell, tell_admins
from data.models import Flag, Outbox
from data.telling import next_in_turn

LIVE: Final = ("pending", "retry", "held", "sending", "sent", "digested")
TO_PEOPLE: Final = ("immediate", "digest")


@dataclass(frozen=True, slots=True)
class HeldFlag:
    """A flag whose row is held against changes until the transaction ends."""

    id: str
    patient_id: int
    rule: str
    severity: str
    episode: int
    status: str
    opened_at: datetime


def hold_flag(session: Session, flag_id: str) -> HeldFlag:
    """The flag, held: whoever acts on it has finished, or waits. Taken before any row of the outbox, as they do."""
    row = session.execute(
        select(Flag.id, Flag.patient_id, Flag.rule, Flag.severity, Flag.episode, Flag.status, Flag.opened_at)
        .where(Flag.id == flag_id)
        .with_for_update(read=True, key_share=True)
    ).one()
    return HeldFlag(row.id, row.patient_id, row.rule, row.severity, row.episode, row.status, row.opened_at)


def told_already(session: Session, flag_id: str, episode: int) -> set[int]:
    """Who has a mail of this episode that is neither given up nor cancelled."""
    return _recipients(session, flag_id, episode, LIVE)


def stranded_mails(session: Session) -> Sequence[str]:
    """Ids of mails about flags that were given up and of which the next person has not been told."""
    return session.scalars(
        select(Outbox.id)
        .where(Outbox.state == "dead", Outbox.passed_on_at.is_(None), Outbox.corrects.is_(None))
        .where(Outbox.kind == "immediate", Outbox.flag_id.is_not(None))
        .order_by(Outbox.priority, Outbox.created_at)
    ).all()


def pass_on(session: Session, outbox_id: str, policy: MailPolicy, *, now: datetime) -> int:
    """Tell the next person at once of a flag whose mail was given up; returns how many mails were written.

    Next is whoever comes first in the rota of the patient's teams and has not been told. Where everybody has been, or
    nobody can be reached, the admins are told unless somebody else has a mail of it. Once for each mail.
    """
    mail = session.execute(select(Outbox.flag_id, Outbox.step, Outbox.rung).where(Outbox.id == outbox_id)).one()
    flag = hold_flag(session, mail.flag_id)
    taken = session.execute(
        update(Outbox)
        .where(Outbox.id == outbox_id, Outbox.state == "dead", Outbox.passed_on_at.is_(None))
        .values(passed_on_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", taken).rowcount != 1 or flag.status != "open":
        return 0
    told = told_already(session, flag.id, flag.episode)
    given_up = _recipients(session, flag.id, flag.episode, ("dead",))
    carried = Carried(mail.rung, flag.opened_at) if mail.rung else None
    person = next_in_turn(session, flag, told | given_up, now=now, zone=policy.zone)
    if person is not None:
        return tell(session, flag, [person], policy, now, step=mail.step, carried=carried)
    if told:
        return 0
    return tell_admins(session, flag, "no-recipient", policy, now, step=mail.step, carried=carried)


def _recipients(session: Session, flag_id: str, episode: int, states: Sequence[str]) -> set[int]:
    return set(
        session.scalars(
            select(Outbox.recipient_id).where(
                Outbox.flag_id == flag_id,
                Outbox.episode == episode,
                Outbox.corrects.is_(None),
                Outbox.kind.in_(TO_PEOPLE),
                Outbox.state.in_(states),
            )
        )
    )
