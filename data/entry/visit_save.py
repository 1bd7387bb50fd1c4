"""Saving the visit form of a patient."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from data.charts import load_charts
from data.entry.known import last_values, planned_injection
from data.entry.said import Reading
from data.entry.save import Content, Saved, Submission, save_form
from data.entry.visit import Known, read_visit
from data.models import Patient
from data.people import Actor

FORM = "visit"


def save_visit(
    session: Session,
    actor: Actor,
    mrn: str,
    sent: Submission,
    *,
    protocol: Protocol,
    zone: ZoneInfo,
    now: datetime,
) -> Saved:
    """Store one visit as one batch of records; local times are of `zone`. Raises as `data.entry.save.save_form`."""

    def read(session: Session, patient: Patient) -> Content:
        reading = Reading(said=sent.said, patient_id=patient.id, protocol=protocol, zone=zone, now=now)
        chart = load_charts(session, [patient.id])[patient.id].until(now)
        read_visit(
            reading,
            Known(
                last=last_values(session, patient.id, now=now),
                planned=planned_injection(chart, protocol, now),
                rater=actor.name,
            ),
        )
        return Content(tuple(reading.items), tuple(reading.problems), tuple(reading.questions))

    return save_form(session, actor, mrn, FORM, sent, read, now=now)
