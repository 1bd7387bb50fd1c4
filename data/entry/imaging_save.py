"""Saving the imaging form of a patient, and what it would come to while it is still being typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.protocol import Protocol
from data.charts import load_part
from data.entry.imaging import Computed, read_imaging
from data.entry.said import Problem, Reading
from data.entry.save import Content, Saved, Submission, save_form
from data.models import Patient
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, Actor, Forbidden

FORM: Final = "imaging"
# What a scan is held against: the scans before it, and the treatments and states that say which of them count.
KINDS: Final = ("lesion", "response", "biliary", "therapy", "state")


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What an unsaved form comes to, and what stands in its way. `chart` is what it is held against."""

    computed: Computed
    problems: tuple[Problem, ...]
    chart: Chart


def save_imaging(
    session: Session,
    actor: Actor,
    mrn: str,
    sent: Submission,
    *,
    protocol: Protocol,
    zone: ZoneInfo,
    now: datetime,
) -> Saved:
    """Store one scan or biliary ultrasound as one batch of records. Raises as `data.entry.save.save_form`."""

    def read(session: Session, patient: Patient) -> Content:
        reading = Reading(said=sent.said, patient_id=patient.id, protocol=protocol, zone=zone, now=now)
        read_imaging(reading, _known(session, patient.id, now))
        return Content(tuple(reading.items), tuple(reading.problems), tuple(reading.questions))

    return save_form(session, actor, mrn, FORM, sent, read, now=now)


def reckon(
    session: Session,
    actor: Actor,
    mrn: str,
    said: Mapping[str, str],
    *,
    protocol: Protocol,
    zone: ZoneInfo,
    now: datetime,
) -> Reckoned:
    """What `said` comes to. Nothing is stored. Raises Forbidden, or NotFound when the actor may not see `mrn`."""
    if actor.role not in CLINICAL_ROLES:
        raise Forbidden("patients' values are entered by clinicians")
    patient = find_by_mrn(session, actor, mrn)
    chart = _known(session, patient.id, now)
    reading = Reading(said=said, patient_id=patient.id, protocol=protocol, zone=zone, now=now)
    computed = read_imaging(reading, chart)
    return Reckoned(computed, tuple(reading.problems), chart)


def _known(session: Session, patient_id: int, now: datetime) -> Chart:
    return load_part(session, [patient_id], kinds=KINDS, analytes=())[patient_id].until(now)
