"""Saving the regimen form of a patient."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from clinical.site_days import in_site_days
from data.charts import load_part
from data.entry.regimen import read_regimen
from data.entry.said import Reading
from data.entry.save import Content, Saved, Submission, save_form
from data.models import Patient
from data.people import Actor

FORM = "therapy"


def save_regimen(
    session: Session, actor: Actor, mrn: str, sent: Submission, *, protocol: Protocol, zone: ZoneInfo, now: datetime
) -> Saved:
    """Store what was decided as one batch of records; days are of `zone`. Raises as `data.entry.save.save_form`."""

    def read(session: Session, patient: Patient) -> Content:
        reading = Reading(said=sent.said, patient_id=patient.id, protocol=protocol, zone=zone, now=now)
        chart = load_part(session, [patient.id], kinds=("therapy",), analytes=())[patient.id]
        read_regimen(reading, in_site_days(chart, zone, now))
        return Content(tuple(reading.items), tuple(reading.problems), tuple(reading.questions))

    return save_form(session, actor, mrn, FORM, sent, read, now=now)
