"""Flags: one open row per patient, rule and subject; every change is a row of history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId

OPEN_ONLY = text("status NOT IN ('resolved','overridden')")


class Flag(Base):
    """A finding that stands.

    `finding` is the finding as last judged; `cleared_at` is set when the data no longer show it although nobody has
    seen it yet; `reopened_at` when a value of its closed review was corrected, until somebody has acknowledged it.
    """

    __tablename__ = "flag"
    __table_args__ = (
        CheckConstraint("severity IN ('urgent','high','medium','low','info')", name="severity"),
        CheckConstraint(
            "status IN ('open','acknowledged','in-review','snoozed','resolved','overridden')", name="status"
        ),
        Index("uq_flag_one_open", "dedup_key", unique=True, sqlite_where=OPEN_ONLY, postgresql_where=OPEN_ONLY),
        Index("ix_flag_patient_status", "patient_id", "status"),
        # Holds all that the worklist sorts and filters by: the finding makes a row long, and thousands stand.
        Index("ix_flag_worklist", "status", "severity", "opened_at", "patient_id", "axis", "owner_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    rule: Mapped[str] = mapped_column(String(10))
    rule_version: Mapped[str] = mapped_column(String(20))
    protocol_version: Mapped[str] = mapped_column(String(12))
    axis: Mapped[str] = mapped_column(String(10))
    severity: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(200))
    dedup_key: Mapped[str] = mapped_column(String(300))
    episode: Mapped[int]
    status: Mapped[str] = mapped_column(String(14))
    title: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    finding: Mapped[dict[str, Any]]
    evidence_digest: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    as_of: Mapped[datetime]
    first_evidence_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    first_seq: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)


class FlagHistory(Base):
    __tablename__ = "flag_history"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    flag_id: Mapped[str] = mapped_column(ForeignKey("flag.id"), index=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_status: Mapped[str | None] = mapped_column(String(14))
    to_status: Mapped[str] = mapped_column(String(14))
    why: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any] | None]


class Judgement(Base):
    """When a patient was last judged and when time alone makes it due again."""

    __tablename__ = "judgement"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    judged_seq: Mapped[int]
    judged_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None] = mapped_column(index=True)
    protocol_version: Mapped[str] = mapped_column(String(12))
    failures: Mapped[int] = mapped_column(default=0)
    last_failure: Mapped[str | None] = mapped_column(Text)


class FlagDecision(Base):
    """What a person decided about a flag, signed with their password. Nothing here is a regimen: that is entered.

    `key` is made when the page opens: a second sending under it changes nothing. `basis` is what stood on the flag
    then: `as_of`, `why`, `records`.
    """

    __tablename__ = "flag_decision"
    __table_args__ = (
        CheckConstraint(
            "decision IN ('no-change','interval','dose-up','dose-down','switch','stop','investigate','refer',"
            "'not-applicable')",
            name="decision",
        ),
        CheckConstraint("(decision = 'not-applicable') = (reason IS NOT NULL)", name="reason"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    flag_id: Mapped[str] = mapped_column(ForeignKey("flag.id"), index=True)
    flag_version: Mapped[int]
    rule_version: Mapped[str] = mapped_column(String(20))
    protocol_version: Mapped[str] = mapped_column(String(12))
    basis: Mapped[dict[str, Any]]
    decision: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(20))
    rationale: Mapped[str] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(String(14))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    who: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    proved_at: Mapped[datetime]
