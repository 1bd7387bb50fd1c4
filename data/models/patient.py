"""Patients, their identifiers and care teams.

Identity stands in `patient` and `patient_identifier` and nowhere else.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)


class Patient(Base):
    """A person followed. `mrn` is the hospital number people type; `uuid` is what audit rows carry."""

    __tablename__ = "patient"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    mrn: Mapped[str] = mapped_column(String(120), unique=True)
    mrn_system: Mapped[str | None] = mapped_column(String(300))
    name: Mapped[str | None] = mapped_column(String(300))
    birth_date: Mapped[date | None]
    sex: Mapped[str | None] = mapped_column(String(10))
    deceased_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    transferred_at: Mapped[datetime | None]
    synthetic: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class PatientIdentifier(Base):
    """Another number the patient is known by: a FHIR id, a second hospital's number."""

    __tablename__ = "patient_identifier"
    __table_args__ = (UniqueConstraint("system", "value"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    system: Mapped[str] = mapped_column(String(300))
    value: Mapped[str] = mapped_column(String(300))


class PatientTeam(Base):
    __tablename__ = "patient_team"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True, index=True)
