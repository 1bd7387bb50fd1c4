"""Charts for tests of the rules, written as days from one fixed date; everything is known on the day it happened."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from clinical.chart import (
    BiliaryUltrasound,
    Chart,
    CodedFinding,
    DiseaseState,
    Entry,
    Lesion,
    Response,
    Result,
    SensorDay,
    SkinAssessment,
    Symptom,
    Therapy,
)
from clinical.finding import Finding
from clinical.protocol import bundled_protocol
from clinical.rules import judge_chart, registered

PROTOCOL = bundled_protocol()
DAY_ZERO = datetime(2024, 1, 1, tzinfo=UTC)
_FIELDS = {
    Result: "results",
    SkinAssessment: "skin",
    Lesion: "lesions",
    Response: "responses",
    BiliaryUltrasound: "biliary",
    Therapy: "therapy",
    Symptom: "symptoms",
    DiseaseState: "states",
    CodedFinding: "findings",
    SensorDay: "sensor_days",
}


def moment(day: float) -> datetime:
    """The moment `day` days after day zero."""
    return DAY_ZERO + timedelta(days=day)


def _when(on: float, what: str, /, **given: Any) -> dict[str, Any]:
    told = ",".join(str(value) for key, value in sorted(given.items()) if value is not None and key != "unit")
    return {
        "record": f"{what}@{on:g}:{told}",
        "effective": moment(on),
        "known_at": moment(on),
        "precision": "day",
        **given,
    }


def glucagon(day: float, value: float | None, upper: float | None = 80, **given: Any) -> Result:
    """A glucagon in pg/mL with its upper limit."""
    return lab(day, "glucagon", value, unit="pg/mL", ref_high=upper, **given)


def lab(day: float, analyte: str, value: float | None, **given: Any) -> Result:
    """A result in the canonical unit of its analyte."""
    return Result(**_when(day, analyte, analyte=analyte, value=value, **given))


def skin(day: float, **given: Any) -> SkinAssessment:
    """A skin assessment."""
    return SkinAssessment(**_when(day, "skin", **given))


def lesion(day: float, name: str, mm: float | None = None, role: str = "target", **given: Any) -> Lesion:
    """One lesion on one scan, its diameter in mm."""
    tenths = None if mm is None else round(mm * 10)
    return Lesion(**_when(day, "lesion", lesion=name, role=role, diameter_tenths=tenths, **given))


def response(day: float, verdict: str, *, signed: bool = True, **given: Any) -> Response:
    """A reader's verdict on a scan."""
    return Response(**_when(day, "response", response=verdict, signed=signed, **given))


def ultrasound(day: float, **given: Any) -> BiliaryUltrasound:
    """A biliary ultrasound."""
    return BiliaryUltrasound(**_when(day, "biliary", **given))


def therapy(day: float, kind: str, **given: Any) -> Therapy:
    """A step of treatment."""
    return Therapy(**_when(day, "therapy", kind=kind, **given))


def operation(day: float, procedure: str = "resection", **given: Any) -> Therapy:
    """A procedure."""
    return therapy(day, "procedure", procedure=procedure, **given)


def symptom(day: float, name: str, *, present: bool = True) -> Symptom:
    """A symptom."""
    return Symptom(**_when(day, "symptom", name=name, present=present))


def state(day: float, name: str) -> DiseaseState:
    """A statement of where the disease stands."""
    return DiseaseState(**_when(day, "state", state=name))


def coded(day: float, code: str, **given: Any) -> CodedFinding:
    """A coded finding."""
    return CodedFinding(**_when(day, "finding", code=code, **given))


def sensor(day: int, *, count: int = 288, device: str = "sensor", **given: Any) -> SensorDay:
    """The aggregate of one sensor day, known at its end; nothing out of range but what is given."""
    nothing = dict.fromkeys(("below_54", "below_70", "above_180", "above_250", "low_marks", "high_marks"), 0)
    told = {"count": count, "total": 120.0 * count, "total_squared": 14_400.0 * count, **nothing, **given}
    entry = SensorDay(**_when(day, "sensor", device=device, minimum=None, maximum=None, **told))
    return replace(entry, known_at=moment(day + 1))


def chart(*entries: Entry, **given: Any) -> Chart:
    """A chart of these entries, in whatever order they are given."""
    sorted_entries: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.effective, e.record)):
        sorted_entries.setdefault(_FIELDS[type(entry)], []).append(entry)
    known = {f.name for f in fields(Chart)}
    assert sorted_entries.keys() <= known
    return Chart(patient="p", **{name: tuple(found) for name, found in sorted_entries.items()}, **given)


def entries_of(whole: Chart) -> list[Entry]:
    """Every entry of a chart."""
    return [entry for name in _FIELDS.values() for entry in getattr(whole, name)]


def findings(day: float, *entries: Entry, **given: Any) -> dict[str, Finding]:
    """What the rules find at the end of `day`, by rule (one of each is enough for these tests)."""
    return {finding.rule: finding for finding in _judged(day, *entries, **given)}


def by_subject(rule: str, day: float, *entries: Entry, **given: Any) -> dict[str, Finding]:
    """What one rule finds at the end of `day`, by subject."""
    return {f.subject: f for f in _judged(day, *entries, **given) if f.rule == rule}


def _judged(day: float, *entries: Entry, **given: Any) -> tuple[Finding, ...]:
    """The findings at the end of `day`; each has the axis, the version and a severity that its rule is listed with."""
    found = judge_chart(chart(*entries, **given), PROTOCOL, moment(day + 0.999)).findings
    listed = {rule.id: rule for rule in registered()}
    for finding in found:
        rule = listed[finding.rule]
        assert (finding.axis, finding.rule_version) == (rule.axis, rule.version)
        assert finding.severity in rule.severities
    return found


def told(finding: Finding) -> dict[str, Any]:
    """All that a finding says, dates as days since day zero; what it leaves empty is left out."""
    compared = finding.compared_with
    every = {
        "severity": finding.severity,
        "subject": finding.subject,
        "title": finding.title,
        "question": finding.question,
        "why": finding.why,
        "since": _days(finding.first_evidence_at),
        "evidence": [f"{e.analyte or e.kind}@{_days(e.effective):g}" for e in finding.evidence],
        "compared": compared
        and (compared.kind, compared.value, compared.unit, _days(compared.effective), compared.note),
        "thresholds": [t.name for t in finding.thresholds],
        "suppressed": [(s.what, s.why) for s in finding.suppressed],
        "contains": [*finding.contains],
        "missing": [*finding.not_recorded],
    }
    return {name: value for name, value in every.items() if value not in (None, [])}


def _days(at: datetime | None) -> Any:
    return None if at is None else round((at - DAY_ZERO) / timedelta(days=1), 3)


def but_schedule(found: dict[str, Finding]) -> dict[str, Finding]:
    """The findings but for what the schedule owes (R30): a chart of a few entries always lacks something."""
    return {rule: finding for rule, finding in found.items() if rule != "R30"}
