"""What a rule says: a finding with its numbers, its comparison, its thresholds and the question to the reviewer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clinical.values import value

Severity = Literal["urgent", "high", "medium", "low", "info"]
Axis = Literal["marker", "imaging", "skin", "toxicity", "process"]
SEVERITIES: tuple[Severity, ...] = ("urgent", "high", "medium", "low", "info")


@value
class Evidence:
    """One value a finding rests on, in the canonical unit; `record` is the id of the stored record."""

    record: str
    kind: str
    effective: datetime
    precision: str = "second"
    analyte: str | None = None
    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    ref_high: float | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedWith:
    """What the evidence was held against: the nadir or baseline of the epoch, the last value, the upper limit."""

    kind: Literal["nadir", "baseline", "previous", "upper-limit", "lower-limit", "schedule"]
    value: float | None = None
    unit: str | None = None
    effective: datetime | None = None
    note: str | None = None


@value
class UsedThreshold:
    """A threshold as it was applied, with its source and whether a clinician has signed it off."""

    name: str
    value: float | str
    unit: str | None
    source: str
    signed_off: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A finding or a step of one that was held back, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one rule for one patient and subject at one moment. It asks a question; it never names a dose.

    `subject` tells apart findings of one rule on one patient (an analyte, a lesion, an episode's start); together with
    rule and patient it is the identity of a flag.
    """

    rule: str
    rule_version: str
    axis: Axis
    severity: Severity
    subject: str
    title: str
    question: str
    why: str
    first_evidence_at: datetime
    evidence: tuple[Evidence, ...]
    compared_with: ComparedWith | None = None
    thresholds: tuple[UsedThreshold, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    contains: tuple[str, ...] = ()
    not_recorded: tuple[str, ...] = ()
