"""Who was told of a flag, when, and what the mail server answered. No mail keeps what it said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.models import DeliveryAttempt, Outbox, Person


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail about a flag. `why` is the reason that person was chosen, None where it was not kept; `answers` are the
    tries: when, code and words of the mail server."""

    name: str
    email: str
    kind: str
    severity: str
    why: str | None
    rung: int
    corrects: bool
    state: str
    written_at: datetime
    held_until: datetime | None
    sent_at: datetime | None
    note: str | None
    answers: tuple[tuple[datetime, int | None, str | None], ...]


def deliveries(session: Session, flag_id: str) -> tuple[Delivery, ...]:
    """Every mail about a flag, newest first. Within a check of the caller: nothing is asked about who may see it."""
    tries: dict[str, list[tuple[datetime, int | None, str | None]]] = {}
    rows = session.execute(
        select(DeliveryAttempt.outbox_id, DeliveryAttempt.at, DeliveryAttempt.code, DeliveryAttempt.text)
        .join(Outbox, Outbox.id == DeliveryAttempt.outbox_id)
        .where(Outbox.flag_id == flag_id)
        .order_by(DeliveryAttempt.id)
    )
    for row in rows:
        tries.setdefault(row.outbox_id, []).append((row.at, row.code, row.text))
    mails = session.execute(
        select(Outbox, Person.name, Person.email)
        .join(Person, Person.id == Outbox.recipient_id)
        .where(Outbox.flag_id == flag_id)
        .order_by(Outbox.created_at.desc(), Person.email)
    )
    return tuple(
        Delivery(
            name=name,
            email=email,
            kind=mail.kind,
            severity=mail.severity,
            why=None if mail.chosen is None else json.loads(mail.chosen)["why"],
            rung=mail.rung,
            corrects=mail.corrects is not None,
            state=mail.state,
            written_at=mail.created_at,
            held_until=mail.held_until,
            sent_at=mail.sent_at,
            note=mail.last_error,
            answers=tuple(tries.get(mail.id, ())),
        )
        for mail, name, email in mails
    )
