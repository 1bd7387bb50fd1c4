"""Loading the cohort: teams, sign-ins, patients, then every story's items through the door imports use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.db import Database
from data.demo.accounts import make_people, make_teams
from data.demo.cohort import COHORT
from data.demo.story import Story
from data.demo.teller import Teller
from data.errors import BadInput
from data.models import Patient
from data.patients import NewPatient, register
from data.people import Actor
from data.readings import store_days
from data.records import lock_ingest, open_batch, store_chunk

BATCH = "demo"


class DemoRefused(BadInput):
    """The demonstration cohort may not be loaded here; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class DemoLoaded:
    """What was loaded. `people` are (e-mail, role, password), to be shown once."""

    people: tuple[tuple[str, str, str], ...]
    patients: int
    records: int


def load_demo(database: Database, actor: Actor, *, today: date, now: datetime) -> DemoLoaded:
    """Load the demonstration cohort as it stands on `today`, in one transaction.

    Everything but the passwords and the patients' internal ids follows from `today`. Raises DemoRefused on a database
    that holds any patient: real and invented patients never stand side by side.
    """
    with database.write() as session:
        lock_ingest(session)
        _refuse_beside_patients(session)
        make_teams(session, actor, now)
        people = make_people(session, actor, now)
        open_batch(session, actor, batch_id=BATCH, format="demo", now=now, files=len(COHORT))
        records = sum(_load(session, actor, story, today, now) for story in COHORT)
    return DemoLoaded(people, len(COHORT), records)


def _refuse_beside_patients(session: Session) -> None:
    found = session.scalar(select(Patient.mrn).order_by(Patient.synthetic, Patient.mrn).limit(1))
    if found is not None:
        what = "the demonstration cohort" if any(found == story.mrn for story in COHORT) else "patients"
        raise DemoRefused(f"this database already holds {what}: load the demonstration into an empty one")


def _load(session: Session, actor: Actor, story: Story, today: date, now: datetime) -> int:
    new = NewPatient(
        mrn=story.mrn,
        name=story.name,
        birth_date=story.birth_date(today),
        sex=story.sex,
        deceased_at=_died(story, today),
        synthetic=True,
    )
    patient = register(session, actor, new, teams=(story.team,), now=now)
    teller = Teller(story, today, patient.id)
    story.tell(teller)
    verdicts = store_chunk(session, batch_id=BATCH, items=teller.items, actor=actor, now=now)
    if teller.sensor_days:
        days = teller.sensor_days
        verdicts += store_days(session, batch_id=BATCH, patient_id=patient.id, days=days, actor=actor, now=now)
    refused = [verdict.why for verdict in verdicts if verdict.outcome == "refused"]
    if refused:
        raise DemoRefused(f"{story.mrn}: {refused[0]}")
    return len(verdicts)


def _died(story: Story, today: date) -> datetime | None:
    if story.died_day is None:
        return None
    return datetime.combine(today + timedelta(days=story.died_day), time(), UTC)
