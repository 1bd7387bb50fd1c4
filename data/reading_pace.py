"""Somebody who opens one record after another faster than a clinic goes: told to the privacy officer, never refused.

Refusing would stand between a clinician and a patient, and a program that reads slowly would pass (decision 0048).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from data.audit import write_audit
from data.emergency import Privacy
from data.people import Actor
from data.throttle import tally

MANY: Final = 200
SPAN: Final = timedelta(hours=1)
ACTION: Final = "reading.pace"
ALARM: Final = "reading-pace"


def reads_many(session: Session, actor: Actor, now: datetime) -> bool:
    """Count one look at a record; whether it is the one that makes them many within an hour: at most one is."""
    return tally(session, f"read:{actor.person_id}", now, SPAN) == MANY


def note_pace(session: Session, actor: Actor, now: datetime) -> None:
    """Write the row that says so."""
    write_audit(session, actor, ACTION, now=now, detail={"looks": MANY, "within_s": int(SPAN.total_seconds())})


def tell_of_pace(session: Session, actor: Actor, privacy: Privacy, now: datetime) -> None:
    """Write the mail that says so to the privacy officer, without one to the admins; it names nobody."""
    privacy.tell(session, ALARM, now, about=actor.person_id, looks=MANY)
