"""The last look at a mail in hand, just before it leaves: is it still this person, now, and not one of too many?

A mail is written when a flag changes and may wait long for the mail server, for quiet hours or for a full hour to pass.
Who is told is therefore looked up again here, and kept with the mail. The flag's row is held against changes meanwhile:
what was acknowledged before leaves no mail.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, summary_mail, tell
from data.mail_choices import held
from data.models import Flag, Outbox, Person
from data.outbox import Claimed
from data.passing_on import HeldFlag, hold_flag, told_already
from data.telling import BY_ROTA, chosen_for

HOUR: Final = timedelta(hours=1)


def look_again(session: Session, mail: Claimed, policy: MailPolicy, *, now: datetime) -> Claimed | None:
    """The mail as it is to be sent; None when it is not to be sent now: what became of it stands on its row."""
    if mail.kind != "immediate":
        return mail
    if mail.flag_id is None:
        return _summary(session, mail)
    flag = hold_flag(session, mail.flag_id)
    if mail.corrects is None and flag.status != "open":
        _put_down(session, mail, state="cancelled", last_error=f"cancelled: the flag is {flag.status}")
        return None
    if mail.corrects is None and not _still_chosen(session, mail, flag, policy, now):
        return None
    waits = held(
        session,
        [mail.recipient_id],
        mail.severity,
        created_at=mail.created_at,
        now=now,
        site=policy.zone,
        longest=policy.longest_held,
    )
    if waits:
        until = waits[mail.recipient_id]
        _put_down(session, mail, state="pending", next_at=until, held_until=until, attempts=mail.attempts - 1)
        return None
    if mail.severity == "medium" and mail.corrects is None:
        sent = _sent_within_the_hour(session, mail, now)
        if len(sent) >= policy.medium_an_hour:
            _count_in(session, mail, policy, now, due=sent[0] + HOUR)
            return None
    return mail


def _still_chosen(session: Session, mail: Claimed, flag: HeldFlag, policy: MailPolicy, now: datetime) -> bool:
    """Whether this person is still one to tell; if not, the mail is cancelled. Others who are by now get theirs."""
    written, rung = session.execute(select(Outbox.chosen, Outbox.rung).where(Outbox.id == mail.id)).one()
    if rung or written is None or json.loads(written)["why"] not in BY_ROTA:
        return True
    people = chosen_for(session, flag, now=now, zone=policy.zone)
    mine = next((one for one in people if one.person_id == mail.recipient_id), None)
    if not people or (mine is not None and mine.snapshot() == written):
        return True  # where nobody is chosen at all, better this one than none
    told = told_already(session, flag.id, flag.episode)
    others = [one for one in people if one.person_id not in told]
    if others:
        tell(session, flag, others, policy, now, step=mail.step)
    if mine is not None:
        session.execute(update(Outbox).where(Outbox.id == mail.id).values(chosen=mine.snapshot()))
        return True
    names = session.scalars(select(Person.email).where(Person.id.in_([one.person_id for one in people])))
    why = f"cancelled: told instead, by the rota as it now stands: {', '.join(sorted(names))}"
    _put_down(session, mail, state="cancelled", last_error=why)
    return False


def _sent_within_the_hour(session: Session, mail: Claimed, now: datetime) -> list[datetime]:
    sent = session.scalars(
        select(Outbox.sent_at)
        .where(Outbox.recipient_id == mail.recipient_id, Outbox.kind == "immediate", Outbox.severity == "medium")
        .where(Outbox.state == "sent", Outbox.sent_at > now - HOUR)
        .order_by(Outbox.sent_at)
    )
    return [at for at in sent if at is not None]


def _count_in(session: Session, mail: Claimed, policy: MailPolicy, now: datetime, *, due: datetime) -> None:
    """Let the mail be counted in one that goes out when the hour is over."""
    summary = session.scalar(
        select(Outbox.id).where(
            Outbox.recipient_id == mail.recipient_id,
            Outbox.kind == "immediate",
            Outbox.flag_id.is_(None),
            Outbox.state.in_(("pending", "retry")),
        )
    )
    if summary is None:
        summary = summary_mail(session, mail.recipient_id, policy, now, due=due)
    _put_down(session, mail, state="digested", told_in=summary)


def _summary(session: Session, mail: Claimed) -> Claimed | None:
    more = session.scalar(
        select(func.count())
        .select_from(Outbox)
        .join(Flag, Flag.id == Outbox.flag_id)
        .where(Outbox.told_in == mail.id, Flag.status == "open")
    )
    if not more:
        _put_down(session, mail, state="cancelled", last_error="cancelled: somebody saw all of them")
        return None
    counts = {"more": more}
    session.execute(update(Outbox).where(Outbox.id == mail.id).values(counts=json.dumps(counts)))
    return replace(mail, counts=counts)


def _put_down(session: Session, mail: Claimed, **values: Any) -> None:
    """Give the mail out of hand; nothing happens where another sender took it meanwhile."""
    session.execute(
        update(Outbox)
        .where(Outbox.id == mail.id, Outbox.lease_token == mail.token, Outbox.state == "sending")
        .values(**values, lease_until=None, lease_token=None)
        .execution_options(synchronize_session=False)
    )
