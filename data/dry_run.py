"""What a changed protocol would change: every stored patient judged under both, nothing written.

What is compared is what the rules find, not the flags that stand: a flag a person has answered stays answered, whatever
the protocol. So the answer is the same before and after a sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.finding import Finding
from clinical.protocol import Protocol
from clinical.rules import judge_chart
from data.chart_rows import UnreadableRecord
from data.charts import charts_or_why
from data.models import Patient
from data.people import Actor, visible

CHUNK: Final = 200
"""Patients whose charts are in memory at a time."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A flag that would open, no longer open, or open with another severity."""

    patient: str
    rule: str
    subject: str
    severity: str
    why: str
    instead_of: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The change as a document; `instead_of` is the severity under the protocol in force."""
        document = {
            "patient": self.patient,
            "rule": self.rule,
            "subject": self.subject,
            "severity": self.severity,
            "why": self.why,
        }
        return document if self.instead_of is None else document | {"instead_of": self.instead_of}


@dataclass(slots=True)
class DryRun:
    """The outcome over all patients; `thresholds` are those that differ, `failed` patients who could not be judged."""

    as_of: datetime
    thresholds: tuple[dict[str, Any], ...]
    patients: int = 0
    newly_open: list[Change] = field(default_factory=list)
    no_longer_open: list[Change] = field(default_factory=list)
    severity_changed: list[Change] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The document `nadir rules --dry-run` prints."""
        return {
            "as_of": self.as_of.isoformat(),
            "patients": self.patients,
            "thresholds": list(self.thresholds),
            "newly_open": [change.as_json() for change in self.newly_open],
            "no_longer_open": [change.as_json() for change in self.no_longer_open],
            "severity_changed": [change.as_json() for change in self.severity_changed],
            "failed": self.failed,
        }


def dry_run(session: Session, actor: Actor, *, in_force: Protocol, trial: Protocol, now: datetime) -> DryRun:
    """Judge every patient the actor may see under both protocols as of `now` (aware), in the order of their numbers.

    Reads only. A patient who cannot be judged is listed in `failed` and hides no other.
    """
    outcome = DryRun(now, changed_thresholds(in_force, trial))
    for chunk in _chunks(session, actor):
        for tried in try_patients(session, list(chunk), in_force=in_force, trial=trial, now=now):
            outcome.patients += 1
            mrn = chunk[tried.patient_id]
            if tried.failure is not None:
                outcome.failed.append({"patient": mrn, "why": tried.failure})
            for what, finding, instead_of in tried.differences:
                getattr(outcome, what).append(_change(mrn, finding, instead_of))
    return outcome


What = Literal["newly_open", "no_longer_open", "severity_changed"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One patient under both protocols: each difference with the finding and, for another severity, the one in force.

    `failure` says why the patient could not be judged; `broken` that it is the protocol tried which fails.
    """

    patient_id: int
    differences: tuple[tuple[What, Finding, str | None], ...] = ()
    failure: str | None = None
    broken: bool = False


def try_patients(
    session: Session, patient_ids: Sequence[int], *, in_force: Protocol, trial: Protocol, now: datetime
) -> Iterator[Tried]:
    """Judge these patients under both protocols as of `now`, in their order. Within a check of the caller: nothing is
    asked about who may see them."""
    charts = charts_or_why(session, patient_ids)
    for patient_id in patient_ids:
        failing = False
        try:
            chart = _readable(charts[patient_id])
            before = _found(judge_chart(chart, in_force, now).findings)
            failing = True
            after = _found(judge_chart(chart, trial, now).findings)
        except Exception as error:
            yield Tried(patient_id, failure=f"{type(error).__name__}: {error}", broken=failing)
            continue
        yield Tried(patient_id, tuple(_differences(before, after)))


def changed_thresholds(in_force: Protocol, trial: Protocol) -> tuple[dict[str, Any], ...]:
    """Every threshold whose value differs, by name, with the value in force and the one tried."""
    return tuple(
        {"name": name, "unit": now.unit, "in_force": now.value, "tried": trial[name]}
        for name, now in sorted(in_force.thresholds.items())
        if trial[name] != now.value
    )


def _chunks(session: Session, actor: Actor) -> Iterator[dict[int, str]]:
    rows = session.execute(select(Patient.id, Patient.mrn).where(visible(actor)).order_by(Patient.mrn)).all()
    for at in range(0, len(rows), CHUNK):
        yield {row.id: row.mrn for row in rows[at : at + CHUNK]}


def _readable(chart: Chart | UnreadableRecord) -> Chart:
    if isinstance(chart, UnreadableRecord):
        raise chart
    return chart


def _found(findings: tuple[Finding, ...]) -> dict[Key, Finding]:
    return {(finding.rule, finding.subject): finding for finding in findings}


def _differences(before: dict[Key, Finding], after: dict[Key, Finding]) -> Iterator[tuple[What, Finding, str | None]]:
    for key in sorted(before.keys() | after.keys()):
        was, would = before.get(key), after.get(key)
        if was is None and would is not None:
            yield "newly_open", would, None
        elif would is None and was is not None:
            yield "no_longer_open", was, None
        elif was is not None and would is not None and was.severity != would.severity:
            yield "severity_changed", would, was.severity


def _change(mrn: str, finding: Finding, instead_of: str | None = None) -> Change:
    return Change(mrn, finding.rule, finding.subject, finding.severity, finding.why, instead_of)
