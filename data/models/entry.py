"""What people type in: saves, drafts, the version of each form of a patient, and the habits of laboratories."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class EntryHead(Base):
    """The version of one form of one patient: each save raises it, and a save from an older version is refused."""

    __tablename__ = "entry_head"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    form: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int]


class EntrySave(Base):
    """One save of one form. `key` is made by the browser when the form opens: a second save under it changes nothing.

    `version` is what the form of the patient came to with it; `said` is what was typed, field by field.
    """

    __tablename__ = "entry_save"
    __table_args__ = (Index("ix_entry_save_form", "patient_id", "form", "version", unique=True),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    form: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    digest: Mapped[str] = mapped_column(String(64))
    said: Mapped[dict[str, Any]]
    stored: Mapped[int]
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(200))


class EntryDraft(Base):
    """What a person has typed into a form of a patient and not saved yet. `version` is the one the form was opened at,
    `number` counts the drafts of one opening, so that a late one does not overwrite a later one."""

    __tablename__ = "entry_draft"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    form: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    version: Mapped[int]
    said: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class LaboratoryHabit(Base):
    """How a laboratory last reported an analyte, as it was typed in: offered again, never assumed."""

    __tablename__ = "laboratory_habit"

    laboratory: Mapped[str] = mapped_column(String(200), primary_key=True)
    analyte: Mapped[str] = mapped_column(String(40), primary_key=True)
    unit: Mapped[str | None] = mapped_column(String(60))
    ref_low: Mapped[str | None] = mapped_column(String(80))
    ref_high: Mapped[str | None] = mapped_column(String(80))
    method: Mapped[str | None] = mapped_column(String(200))
    saved_at: Mapped[datetime]


class Correction(Base):
    """That a person replaced, retracted or moved one record, and why. `replacement_id` is the row that took its place,
    `moved_to_id` the row it became under another patient; `key` is made when the page opens: sent twice, it is made
    once."""

    __tablename__ = "correction"
    __table_args__ = (
        Index("uq_correction_key", "key", unique=True),
        Index("ix_correction_moved_to_id", "moved_to_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), unique=True)
    replacement_id: Mapped[int] = mapped_column(ForeignKey("record.id"))
    moved_to_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"))
    what: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(200))
    key: Mapped[str | None] = mapped_column(String(64))
