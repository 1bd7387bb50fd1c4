"""Who is who: merges that can be taken back, proposals about identity, and the states in which nobody is followed.

Names and birth dates that a message proposes stand in `identity_proposal` until somebody decides; erasing a patient
takes them along.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId

_IN_FORCE = text("unmerged_at IS NULL")
_OPEN = text("state = 'open'")


class PatientMerge(Base):
    """That somebody said two patients are one, why, and whether it was taken back. Rows are kept for ever."""

    __tablename__ = "patient_merge"
    __table_args__ = (
        Index("uq_patient_merge_in_force", "from_id", unique=True, sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE),
        Index("ix_patient_merge_into_id", "into_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    into_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    reason: Mapped[str] = mapped_column(Text)
    merged_by: Mapped[str] = mapped_column(String(200))
    merged_at: Mapped[datetime]
    unmerged_reason: Mapped[str | None] = mapped_column(Text)
    unmerged_by: Mapped[str | None] = mapped_column(String(200))
    unmerged_at: Mapped[datetime | None]


class PatientSurvivor(Base):
    """The patient a merged one is shown as, at the end of the chain of merges in force."""

    __tablename__ = "patient_survivor"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    survivor_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)


class PatientStatus(Base):
    """That a patient died, was transferred, withdrew or is followed again: one row a change, the newest counts."""

    __tablename__ = "patient_status"
    __table_args__ = (CheckConstraint("status IN ('active','deceased','transferred','withdrawn')", name="status"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    status: Mapped[str] = mapped_column(String(12))
    on: Mapped[date] = mapped_column("on_date")
    reason: Mapped[str] = mapped_column(Text)
    set_by: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime]


class IdentityProposal(Base):
    """What a message says about who somebody is. Nothing of it is done until a person accepts it.

    `from_number` and `into_number` are hospital numbers or references as sent; `facts` is what is needed to act on it.
    """

    __tablename__ = "identity_proposal"
    __table_args__ = (
        CheckConstraint("kind IN ('merge','update','link')", name="kind"),
        CheckConstraint("state IN ('open','accepted','refused')", name="state"),
        Index("uq_identity_proposal_open", "digest", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    from_number: Mapped[str | None] = mapped_column(String(300))
    into_number: Mapped[str] = mapped_column(String(300))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    facts: Mapped[dict[str, Any]]
    why: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    place: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10), default="open")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(Text)
