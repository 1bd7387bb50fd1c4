"""Patients looked at as a whole: "reviewed, nothing to do until", by name."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class PatientReview(Base):
    """A person looked at the patient and found nothing to do until a date of the site. The newest one counts; it is
    over after `until`, or at `ended_at` where something worse ended it."""

    __tablename__ = "patient_review"
    __table_args__ = (Index("ix_patient_review_patient", "patient_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    until: Mapped[date]
    why: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    who: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_flag: Mapped[str | None] = mapped_column(ForeignKey("flag.id"))
