"""Patients, people and records straight into the tables, for tests of what happens after import."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from hashlib import md5
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from data.announcing import MailPolicy
from data.models import Batch, Ingest, IngestPatient, Patient, PatientTeam, Person, PersonTeam, Record, Team
from data.people import Actor
from data.telling import chosen_for

POLICY = MailPolicy("nadir.example", time(7, 0), ZoneInfo("UTC"))
CREATED = datetime(2020, 1, 1, tzinfo=UTC)
_keys = count(1)


def at(text: str) -> datetime:
    """The moment of an ISO 8601 date or time; UTC where it names no zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def lab(analyte: str, value: float | None, unit: str | None, when: str, **more: Any) -> dict[str, Any]:
    """The columns of a laboratory result in canonical units."""
    return {
        "kind": "lab",
        "analyte": analyte,
        "value": None if value is None else str(value),
        "canonical_value": value,
        "unit": unit,
        "canonical_unit": unit,
        "effective_at": at(when),
        **more,
    }


def coded(kind: str, when: str, /, **detail: Any) -> dict[str, Any]:
    """The columns of a record of any other kind; `detail` holds the fields of its dataclass."""
    return {"kind": kind, "effective_at": at(when), "detail": detail}


@dataclass
class Ward:
    """A team with its people and patients in one database session."""

    session: Session
    team: Team
    people: dict[str, Person] = field(default_factory=dict)

    @classmethod
    def open(cls, session: Session, name: str = "NET") -> Ward:
        """A team without people or patients."""
        team = Team(name=name)
        session.add(team)
        session.flush()
        return cls(session, team)

    def person(self, email: str, role: str = "oncologist") -> Actor:
        """A person of the team, as the actor they are."""
        person = Person(email=email, name=email.partition("@")[0], role=role, created_at=CREATED)
        self.session.add(person)
        self.session.flush()
        self.session.add(PersonTeam(person_id=person.id, team_id=self.team.id))
        self.session.flush()
        self.people[email] = person
        return Actor(person.email, role, person.id, frozenset({self.team.id}))

    @staticmethod
    def follow(patient_id: int, ward: Ward) -> Any:
        """The statement by which another team follows a patient too."""
        return insert(PatientTeam).values(patient_id=patient_id, team_id=ward.team.id)

    def patient(self, mrn: str, *records: dict[str, Any], **columns: Any) -> int:
        """A patient of the team with records; returns the patient's id."""
        patient = Patient(uuid=str(uuid4()), mrn=mrn, name=f"Patient {mrn}", created_at=CREATED, **columns)
        self.session.add(patient)
        self.session.flush()
        self.session.add(PatientTeam(patient_id=patient.id, team_id=self.team.id))
        if records:
            self.store(patient.id, *records)
        self.session.flush()
        return patient.id

    def store(self, patient_id: int, *records: dict[str, Any]) -> list[int]:
        """One ingest of records of a patient; returns their ids."""
        seq = (self.session.scalar(select(func.max(Ingest.seq))) or 0) + 1
        batch = Batch(id=f"batch-{uuid4()}", format="test", digest="", actor="test", started_at=CREATED)
        self.session.add(batch)
        self.session.flush()
        self.session.add(Ingest(seq=seq, at=CREATED, batch_id=batch.id))
        self.session.flush()
        self.session.add(IngestPatient(seq=seq, patient_id=patient_id))
        rows = [
            Record(
                **{
                    "patient_id": patient_id,
                    "precision": "second",
                    "status": "final",
                    "effective_text": record["effective_at"].isoformat(),
                    "natural_key": md5(str(next(_keys)).encode(), usedforsecurity=False).digest(),
                    "batch_id": batch.id,
                    "place": "test",
                    "recorded_at": CREATED,
                    "recorded_by": "test",
                    "ingest_seq": seq,
                    **record,
                }
            )
            for record in records
        ]
        self.session.add_all(rows)
        self.session.flush()
        return [row.id for row in rows]


def well() -> list[dict[str, Any]]:
    """Records of a patient after resection with curative intent: no evidence of disease, glucagon within its range
    and nothing overdue."""
    return [
        coded("therapy", "2024-12-01", kind="procedure", procedure="resection", completeness="R0", intent="curative"),
        coded("state", "2025-01-01", state="ned-resected"),
        coded("response", "2025-06-01", response="NED", modality="CT", signed=True),
        lab("glucagon", 60.0, "pg/mL", "2025-03-01", canonical_ref_high=150.0, fasting=True),
        lab("glucagon", 62.0, "pg/mL", "2025-06-01", canonical_ref_high=150.0, fasting=True),
        lab("glucagon", 59.0, "pg/mL", "2025-09-01", canonical_ref_high=150.0, fasting=True),
        lab("glucagon", 61.0, "pg/mL", "2025-12-01", canonical_ref_high=150.0, fasting=True),
    ]


def relapsing(when: str, **columns: Any) -> list[dict[str, Any]]:
    """The same patient with a glucagon above twice its limit at `when`: recurrence by marker (R03)."""
    return [*well(), lab("glucagon", 330.0, "pg/mL", when, canonical_ref_high=150.0, fasting=True, **columns)]


@dataclass(frozen=True)
class Concern:
    """What decides who is told of a flag."""

    patient_id: int
    severity: str
    rule: str = "R03"


def told_of(session: Session, patient_id: int, severity: str, now: datetime) -> list[str]:
    """The addresses told of a flag of `severity` about the patient at `now`."""
    chosen = chosen_for(session, Concern(patient_id, severity), now=now, zone=POLICY.zone)
    people = select(Person.email).where(Person.id.in_([one.person_id for one in chosen])).order_by(Person.email)
    return list(session.scalars(people))
