"""Data queries: a question on one stored value, and every change of it as a row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class DataQuery(Base):
    """A question on a record, or on a day of a sensor (`sensor:DEVICE:DAY`). `key` is made when the form opens, so that
    a question sent twice is asked once."""

    __tablename__ = "data_query"
    __table_args__ = (
        CheckConstraint("state IN ('open','answered','closed')", name="state"),
        CheckConstraint("(record_id IS NULL) <> (sensor_day IS NULL)", name="about"),
        Index("ix_data_query_patient", "patient_id", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"))
    sensor_day: Mapped[str | None] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class DataQueryStep(Base):
    """One change of a question, with what was said; append-only. `from_state` None: it was asked."""

    __tablename__ = "data_query_step"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    query_id: Mapped[int] = mapped_column(ForeignKey("data_query.id"), index=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_state: Mapped[str | None] = mapped_column(String(10))
    to_state: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text)
