"""The patient a number on a wristband or a letter means, for moving a record there."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from data.models import Patient, PatientIdentifier
from data.people import Actor, NotFound, visible
from data.survivors import numbered, standing_id


def find_target(session: Session, actor: Actor, number: str) -> Patient:
    """The patient known by `number`: a hospital number, else another number on record; of a merged one the survivor.

    Raises NotFound where there is none the actor may see, or where the number means several of them.
    """
    number = number.strip()
    own = aliased(Patient)
    named = (
        select(standing_id(own.id))
        .join(PatientIdentifier, PatientIdentifier.patient_id == own.id)
        .where(PatientIdentifier.value == number)
    )
    found = session.scalars(select(Patient).where(or_(numbered(number), Patient.id.in_(named)), visible(actor))).all()
    by_mrn = [patient for patient in found if patient.mrn == number]
    chosen = by_mrn or found
    if len(chosen) != 1:
        raise NotFound(f"no patient {number!r}")
    return chosen[0]
