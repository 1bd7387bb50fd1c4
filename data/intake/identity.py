"""Who an item is about: patients a file brings are registered or matched, references resolved; nobody is ever merged.

A number (MRN) is one person's within one numbering system. The same number from another system, with another birth
date or under an unrelated name is held for a person to look at, and so is everything that refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.intake.item import Held
from data.models import Patient, PatientIdentifier
from data.patients import NewPatient, PatientError, find_by_identifier, register
from data.people import Actor, visible

FHIR_ID = "urn:nadir:fhir-id"
# A FHIR id that two patients of different servers share: it names nobody any more.
SHARED_FHIR_ID = "urn:nadir:fhir-id:shared"
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """A patient as a file states it. `references` are the ids other resources of the file point at."""

    mrn: str
    system: str | None
    name: str | None
    birth_date: date | None
    sex: str | None
    deceased_at: datetime | None
    numbers: tuple[tuple[str, str], ...]
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """The patient an incoming one turned out to be, and whether that was new."""

    patient_id: int
    outcome: Literal["stored", "superseded", "unchanged"]


def admit(session: Session, actor: Actor, facts: PatientFacts, *, teams: Sequence[str], now: datetime) -> Admission:
    """Register the patient or recognise the one already there, and remember the numbers it came with.

    Raises Held where a person has to decide.
    """
    patient = session.scalar(select(Patient).where(Patient.mrn == facts.mrn.strip()))
    for system, value in facts.numbers:
        other = session.scalar(
            select(PatientIdentifier.patient_id).where(
                PatientIdentifier.system == system, PatientIdentifier.value == value
            )
        )
        if other is not None and (patient is None or other != patient.id):
            raise Held(
                f"number {value!r} of {system} already belongs to another patient than {facts.mrn!r}",
                "decide whether they are one person; nothing is merged by itself",
            )
    if patient is None:
        admission = _register(session, actor, facts, teams=teams, now=now)
    else:
        _refuse_other_person(session, actor, patient, facts)
        admission = Admission(patient.id, _fill(session, actor, patient, facts, now))
    _remember(session, admission.patient_id, facts)
    return admission


def patient_by_mrn(session: Session, actor: Actor, mrn: str) -> int:
    """The id of the patient with a number. Raises Held when there is none the actor may see."""
    patient_id = session.scalar(select(Patient.id).where(Patient.mrn == mrn.strip(), visible(actor)))
    if patient_id is None:
        raise Held(f"patient {mrn.strip()!r} is not known", "register the patient, or correct the number")
    return patient_id


def patient_by_number(session: Session, actor: Actor, system: str | None, value: str) -> int | None:
    """The patient with a number of a numbering system, whether it is the main one or a further one."""
    if system is None:
        return None
    found = find_by_identifier(session, actor, system, value)
    if found is not None:
        return found.id
    return session.scalar(select(Patient.id).where(Patient.mrn == value, Patient.mrn_system == system, visible(actor)))


def _register(session: Session, actor: Actor, facts: PatientFacts, *, teams: Sequence[str], now: datetime) -> Admission:
    new = NewPatient(
        mrn=facts.mrn,
        mrn_system=facts.system,
        name=facts.name,
        birth_date=facts.birth_date,
        sex=facts.sex,
        deceased_at=facts.deceased_at,
    )
    try:
        return Admission(register(session, actor, new, teams=teams, now=now).id, "stored")
    except PatientError as error:
        raise Held(str(error), "correct the patient") from error


def _refuse_other_person(session: Session, actor: Actor, patient: Patient, facts: PatientFacts) -> None:
    what = f"patient {facts.mrn!r}"
    if session.scalar(select(Patient.id).where(Patient.id == patient.id, visible(actor))) is None:
        raise Held(f"{what} cannot be used here", "ask an admin")
    born_alike = patient.birth_date is not None and patient.birth_date == facts.birth_date
    if patient.mrn_system != facts.system and not (patient.mrn_system is None and born_alike):
        raise Held(
            f"{what} is known from {patient.mrn_system or 'a registration by hand'}, this one comes from "
            f"{facts.system or 'an unnamed numbering'}",
            "decide whether they are one person; nothing is merged by itself",
        )
    if patient.birth_date is not None and facts.birth_date is not None and not born_alike:
        raise Held(f"{what} is known with another birth date", "check the number and the birth date")
    if patient.name is not None and facts.name is not None and not _names_agree(patient.name, facts.name):
        raise Held(f"{what} is known under another name", "check the number and the name")


def _names_agree(known: str, sent: str) -> bool:
    a, b = set(_WORD.findall(known.casefold())), set(_WORD.findall(sent.casefold()))
    return a <= b or b <= a


def _fill(
    session: Session, actor: Actor, patient: Patient, facts: PatientFacts, now: datetime
) -> Literal["superseded", "unchanged"]:
    """Add what was not known before; what is known is never overwritten by a file."""
    filled = {
        name: value
        for name, value in (
            ("mrn_system", facts.system),
            ("name", facts.name),
            ("birth_date", facts.birth_date),
            ("sex", facts.sex),
            ("deceased_at", facts.deceased_at),
        )
        if value is not None and getattr(patient, name) is None
    }
    if not filled:
        return "unchanged"
    for name, value in filled.items():
        setattr(patient, name, value)
    patient.version += 1
    session.flush()
    write_audit(
        session, actor, "patient.complete", now=now, patient_uuid=patient.uuid, detail={"added": sorted(filled)}
    )
    return "superseded"


def _remember(session: Session, patient_id: int, facts: PatientFacts) -> None:
    for reference in facts.references:
        _remember_reference(session, patient_id, reference)
    for system, value in facts.numbers:
        _add(session, patient_id, system, value)


def _remember_reference(session: Session, patient_id: int, reference: str) -> None:
    known = session.execute(
        select(PatientIdentifier.id, PatientIdentifier.patient_id, PatientIdentifier.system).where(
            PatientIdentifier.system.in_((FHIR_ID, SHARED_FHIR_ID)), PatientIdentifier.value == reference
        )
    ).one_or_none()
    if known is None:
        _add(session, patient_id, FHIR_ID, reference)
    elif known.system == FHIR_ID and known.patient_id != patient_id:
        session.execute(update(PatientIdentifier).where(PatientIdentifier.id == known.id).values(system=SHARED_FHIR_ID))


def _add(session: Session, patient_id: int, system: str, value: str) -> None:
    there = select(PatientIdentifier.id).where(PatientIdentifier.system == system, PatientIdentifier.value == value)
    if session.scalar(there) is None:
        session.execute(insert(PatientIdentifier).values(patient_id=patient_id, system=system, value=value))
