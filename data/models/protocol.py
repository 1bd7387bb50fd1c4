"""The protocol as a site keeps it: proposed changes and their trial, values activated, signatures, muted rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId

DRAFT_STATES = ("open", "trying", "tried", "broken", "activated", "withdrawn")
DRAFT_STATE = f"state IN ({','.join(repr(state) for state in DRAFT_STATES)})"


class ProtocolDraft(Base):
    """Changes of thresholds that are proposed together. At most one has `standing` true; it is None for the others.

    `changes`: by threshold `value, source, reason, who, at` (ISO 8601). `version` rises with every change.
    `base_version` and `trial_version` are those of the protocol in force at the trial and of the one tried. `attempt`
    counts the processes that worked on the trial, only the last one's words count; `beat_at` is when it last said that
    it lives.
    """

    __tablename__ = "protocol_draft"
    __table_args__ = (CheckConstraint(DRAFT_STATE, name="state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    standing: Mapped[bool | None] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(10))
    changes: Mapped[dict[str, Any]]
    version: Mapped[int]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    progress: Mapped[dict[str, Any] | None]
    outcome: Mapped[dict[str, Any] | None]
    base_version: Mapped[str | None] = mapped_column(String(12))
    trial_version: Mapped[str | None] = mapped_column(String(12))
    tried_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(200))
    closed_why: Mapped[str | None] = mapped_column(Text)


class ProtocolTrialChange(Base):
    """What a trial would change for one patient; `instead_of`: the severity under the protocol in force."""

    __tablename__ = "protocol_trial_change"
    __table_args__ = (
        CheckConstraint("what IN ('opens','ends','severity')", name="what"),
        Index("ix_protocol_trial_change_draft", "draft_id", "what", "patient_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    draft_id: Mapped[str] = mapped_column(ForeignKey("protocol_draft.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    what: Mapped[str] = mapped_column(String(8))
    rule: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(200))
    severity: Mapped[str] = mapped_column(String(10))
    instead_of: Mapped[str | None] = mapped_column(String(10))
    why: Mapped[str] = mapped_column(Text)
    said: Mapped[dict[str, Any] | None]


class ProtocolValue(Base):
    """A value that was activated for a threshold; append-only, the newest of a threshold counts. `why` is the reason of
    the activation, `reason` that of the proposal."""

    __tablename__ = "protocol_value"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    threshold: Mapped[str] = mapped_column(String(60), index=True)
    old_value: Mapped[float]
    value: Mapped[float]
    unit: Mapped[str] = mapped_column(String(30))
    source: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(200))
    draft_id: Mapped[str] = mapped_column(ForeignKey("protocol_draft.id"))
    protocol_version: Mapped[str] = mapped_column(String(12))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    proved_at: Mapped[datetime]


class ProtocolSignature(Base):
    """An oncologist's word that a value may be used; append-only. It holds for `value` as `value_id` set it (None: as
    this installation brought it), and for no other."""

    __tablename__ = "protocol_signature"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    threshold: Mapped[str] = mapped_column(String(60), index=True)
    value: Mapped[float]
    unit: Mapped[str] = mapped_column(String(30))
    source: Mapped[str] = mapped_column(Text)
    value_id: Mapped[int | None] = mapped_column(ForeignKey("protocol_value.id"))
    protocol_version: Mapped[str] = mapped_column(String(12))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    who: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    proved_at: Mapped[datetime]


class RuleMute(Base):
    """A team wants no mails of a rule for a time. It is over at `until`, or at `ended_at` where a person ended it."""

    __tablename__ = "rule_mute"
    __table_args__ = (Index("ix_rule_mute_rule", "rule", "team_id", "until"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    rule: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    until: Mapped[datetime]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    who: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(200))
    ended_why: Mapped[str | None] = mapped_column(Text)


class FlagWithheld(Base):
    """A flag whose mails a mute has withheld: it is told when the mute is over, unless somebody has seen it by then."""

    __tablename__ = "flag_withheld"

    flag_id: Mapped[str] = mapped_column(ForeignKey("flag.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    at: Mapped[datetime]
