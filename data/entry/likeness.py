"""Patients whose names could be taken for another's: said on the page, never used to decide anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.models import Patient
from data.people import Actor, visible

ALIKE: Final = 0.8
SHORTEST_PART: Final = 3
MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Namesake:
    """Another patient with a like name."""

    mrn: str
    name: str
    birth_date: date | None


def namesakes(session: Session, actor: Actor, patient: Patient) -> tuple[Namesake, ...]:
    """Other patients the actor may see whose name shares a part with the patient's, or is written nearly like it."""
    if not patient.name:
        return ()
    own = _folded(patient.name)
    parts = _parts(own)
    rows = session.execute(
        select(Patient.mrn, Patient.name, Patient.birth_date)
        .where(visible(actor), Patient.id != patient.id, Patient.name.is_not(None))
        .order_by(Patient.name, Patient.mrn)
    )
    alike = (Namesake(mrn, name, born) for mrn, name, born in rows if name and _like(own, parts, _folded(name)))
    return tuple(alike)[:MOST_SHOWN]


def _like(own: str, parts: frozenset[str], other: str) -> bool:
    if own == other or len(parts & _parts(other)) >= min(2, len(parts)):
        return True
    matcher = SequenceMatcher(a=own, b=other)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _folded(name: str) -> str:
    return " ".join(sorted(name.casefold().replace(",", " ").split()))


def _parts(folded: str) -> frozenset[str]:
    return frozenset(part for part in folded.split() if len(part) >= SHORTEST_PART)
