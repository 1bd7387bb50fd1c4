"""What a person agreed to, whose identity was erased, and the key that lets an erasure through what is append-only."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Erasure(Base):
    """That the identity of a patient was erased, by whom and why. Rows are kept for ever."""

    __tablename__ = "erasure"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)


class Erasing(Base):
    """While a transaction has a row here, the triggers that keep tables append-only let it through - but never those of
    the audit chain. The row is taken away before the transaction ends, so no other transaction ever sees one."""

    __tablename__ = "erasing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)


class Consent(Base):
    """What a patient said about one use of their data, on a day; the newest of a purpose counts."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("purpose IN ('research','sharing')", name="purpose"),
        Index("ix_consent_patient", "patient_id", "purpose", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    purpose: Mapped[str] = mapped_column(String(12))
    given: Mapped[bool]
    on: Mapped[date] = mapped_column("on_date")
    said: Mapped[str] = mapped_column(Text)
    set_by: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime]
