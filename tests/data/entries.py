"""A patient on a ward and what a browser would send of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from data.entry.save import Saved, Submission
from data.entry.visit_save import save_visit
from data.models import Patient, Record
from data.people import Actor

BERLIN = ZoneInfo("Europe/Berlin")


def submission(session: Session, mrn: str, version: int = 0, **said: str) -> Submission:
    """A visit of the patient; `__` in a name stands for a dot, `_` for a hyphen."""
    uuid = session.scalar(select(Patient.uuid).where(Patient.mrn == mrn))
    return Submission(patient=str(uuid), key=str(uuid4()), version=version, said=fields(**said))


def fields(**said: str) -> dict[str, str]:
    """The fields by their names in the form."""
    named = {name.replace("__", "."): value for name, value in said.items()}
    return {"when": "2026-03-02T09:30", **named}


def save(session: Session, actor: Actor, mrn: str, sent: Submission, now: datetime) -> Saved:
    """Save a visit."""
    return save_visit(session, actor, mrn, sent, protocol=bundled_protocol(), zone=BERLIN, now=now)


def stored(session: Session, patient_id: int, **where: Any) -> list[Record]:
    """The current records of the patient."""
    wanted = select(Record).where(Record.patient_id == patient_id, Record.superseded_by.is_(None)).filter_by(**where)
    return list(session.scalars(wanted.order_by(Record.id)))
