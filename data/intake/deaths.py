"""What HL7 messages say of deaths: a proposal, for a patient taken for dead by mistake gets no reminder any more."""

from __future__ import annotations

from sqlalchemy.orm import Session

from clinical.saying import Day, say
from data.intake.identity import PatientFacts, Proposed, known_number
from data.models import Patient
from data.survivors import survivor_of

DECEASED = "deceased"
DAY_NOT_SAID = "day not said"


def death_told(session: Session, facts: PatientFacts) -> tuple[Proposed, ...]:
    """The proposal to note a death, where the patient is known here and the death, or its day, is not."""
    if facts.told_dead is None:
        return ()
    known = known_number(session, facts.mrn.strip())
    if known is None:
        return ()
    before = day_of_death(session, known)
    if before == facts.told_dead or (before is not None and facts.told_dead == DAY_NOT_SAID):
        return ()
    if facts.told_dead == DAY_NOT_SAID:
        why = say("a message says that {number} died, day not said", number=repr(facts.mrn))
    else:
        why = say("a message says that {number} died, {date}", number=repr(facts.mrn), date=Day(facts.told_dead))
    changes = {DECEASED: [before, facts.told_dead]}
    return (Proposed(kind="update", into_number=facts.mrn.strip(), why=why, facts={"changes": changes}),)


def day_of_death(session: Session, patient_id: int) -> str | None:
    """The ISO day on which the patient, or whom it is shown as, is known to have died."""
    died = session.get_one(Patient, survivor_of(session, patient_id)).deceased_at
    return None if died is None else died.date().isoformat()
