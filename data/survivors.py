"""Patients that are one: whose records, flags and teams are seen together while a merge is in force.

Nothing of a merged patient moves. Every row stays under the number it came with, and is read under the survivor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.orm import Session, aliased

from data.journeys import Question, ask
from data.models import Patient, PatientSurvivor

_SURVIVOR = cast(Table, PatientSurvivor.__table__).c
_ALL = select(_SURVIVOR.patient_id, _SURVIVOR.survivor_id)
SURVIVORS: Question = ("SELECT patient_id, survivor_id FROM patient_survivor", ())
"""Asks for every merge in force: the merged patient and the survivor."""


def not_merged() -> ColumnElement[bool]:
    """The where-clause on `Patient.id` that leaves the patients that stand for themselves."""
    return Patient.id.not_in(select(PatientSurvivor.patient_id))


def standing_id(patient_id: Any) -> ColumnElement[int]:
    """The id of the patient that a column's patient is shown as."""
    survivor = select(PatientSurvivor.survivor_id).where(PatientSurvivor.patient_id == patient_id)
    # Left alone a query within a query within a query takes the column's table for its own and looks at all of it.
    return func.coalesce(survivor.correlate_except(PatientSurvivor).scalar_subquery(), patient_id)


def numbered(mrn: str | None) -> ColumnElement[bool]:
    """The where-clause on `Patient.id` for the patient a hospital number means, itself or as a merged one."""
    own = aliased(Patient)
    return Patient.id.in_(select(standing_id(own.id)).where(own.mrn == mrn))


def survivors(session: Session) -> dict[int, int]:
    """By merged patient the survivor; patients that stand for themselves are not in it."""
    return {patient_id: survivor_id for patient_id, survivor_id in session.connection().execute(_ALL)}


def survivor_of(session: Session, patient_id: int) -> int:
    """The patient that `patient_id` is shown as."""
    found = session.scalar(select(PatientSurvivor.survivor_id).where(PatientSurvivor.patient_id == patient_id))
    return patient_id if found is None else found


def members(session: Session, patient_id: int) -> list[int]:
    """`patient_id`, which stands for itself, and everybody merged into it, in the order of their ids."""
    merged = session.scalars(select(PatientSurvivor.patient_id).where(PatientSurvivor.survivor_id == patient_id))
    return sorted({patient_id, *merged})


def groups(session: Session, patient_ids: Iterable[int]) -> dict[int, Sequence[int]]:
    """By each of the patients that is one with others: all that are one with it, itself among them."""
    (merged,) = ask(session, SURVIVORS)
    return grouped(merged, set(patient_ids))


def grouped(merged: Iterable[Sequence[int]], ids: AbstractSet[int]) -> dict[int, Sequence[int]]:
    """The same, of the answer to SURVIVORS."""
    together: dict[int, set[int]] = {}
    for patient_id, survivor_id in merged:
        together.setdefault(survivor_id, {survivor_id}).add(patient_id)
    return {id: sorted(group) for group in together.values() for id in group & ids}
