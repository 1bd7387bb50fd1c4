"""What a reader would type of a scan, and what a page would know of the patient before."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.lesion_table import lesion_table
from clinical.protocol import bundled_protocol
from data.charts import load_charts
from data.entry.imaging_save import Reckoned, reckon, save_imaging
from data.entry.save import Saved, Submission
from data.models import Patient
from data.people import Actor
from tests.data.entries import BERLIN

Said = dict[str, str]


def fields(on: str, modality: str = "CT", **said: str) -> Said:
    """The fields of the form; `__` in a name stands for a dot."""
    return {"when": on, "study.modality": modality} | {name.replace("__", "."): text for name, text in said.items()}


def known(chart: Chart, **answers: str) -> Said:
    """The rows of known lesions; `liver_1="12,5"` is a size, `liver_1="absent"` a state, `"merged liver-2"` with what
    else it needs behind it."""
    said: Said = {}
    names = [lesion.name for lesion in lesion_table(chart).lesions]
    for name, answer in answers.items():
        row = f"lesion.{names.index(name.replace('_', '-')) + 1}"
        said[f"{row}.name"] = name.replace("_", "-")
        word, _, rest = answer.partition(" ")
        if word[0].isdigit():
            said[f"{row}.mm"] = answer
        else:
            said[f"{row}.state"] = word
            more = {"merged": "into", "split": "parts", "not-evaluable": "reason"}
            if rest:
                said[f"{row}.{more.get(word, 'mm')}"] = rest
    return said


def added(number: int, role: str, **said: str) -> Said:
    """A row of an added lesion."""
    return {f"new.{number}.role": role} | {f"new.{number}.{name}": text for name, text in said.items()}


def confirmed(name: str = "Dr Rose") -> Said:
    """The reader takes the computed response."""
    return {"response.verdict": "confirm", "response.reader": name}


def submission(
    session: Session, mrn: str, said: Said, version: int = 0, yes: frozenset[str] = frozenset()
) -> Submission:
    """A form of the patient as a browser sends it."""
    uuid = session.scalar(select(Patient.uuid).where(Patient.mrn == mrn))
    return Submission(patient=str(uuid), key=str(uuid4()), version=version, said=said, confirmed=yes)


def save(session: Session, actor: Actor, mrn: str, sent: Submission, now: datetime) -> Saved:
    """Save a scan."""
    return save_imaging(session, actor, mrn, sent, protocol=bundled_protocol(), zone=BERLIN, now=now)


def reckoned(session: Session, actor: Actor, mrn: str, said: Said, now: datetime) -> Reckoned:
    """What a form comes to."""
    return reckon(session, actor, mrn, said, protocol=bundled_protocol(), zone=BERLIN, now=now)


def chart_of(session: Session, patient_id: int) -> Chart:
    """The stored chart of the patient."""
    return load_charts(session, [patient_id])[patient_id]
