"""Rules of the heart under an analogue and in the syndrome: a slow pulse and a long QTc (R23), a fast pulse (R35)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.chart import Chart, Result, Symptom
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding, Severity, Suppressed
from clinical.protocol import Protocol
from clinical.pulse import LongQtc, beside_fast_pulse, fast_pulse, long_qtc, slow_pulse
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.therapy import regimen_at
from clinical.wording import day, listed, number, said

_ECG_QUESTION = say(
    "ECG, potassium and magnesium, other drugs that slow the heart or lengthen QT; review the analogue?"
)
_ECHO_QUESTION = say("Cardiomyopathy of the syndrome: echocardiogram?")


@rule(
    "R23",
    version="1",
    axis="toxicity",
    severities=("urgent", "high", "medium"),
    trigger="Heart rate below 50 twice at least a day apart, or below 60 with symptoms (medium); QTc of 481 ms or "
    "more, or 60 ms above its baseline on the same device (high); 501 ms or more (urgent)",
    question=_ECG_QUESTION,
    thresholds=(
        "bradycardia",
        "bradycardia_with_symptoms",
        "heart_rate_apart",
        "heart_signs_together",
        "qtc_long",
        "qtc_rise",
        "qtc_urgent",
    ),
    urgent_by=("qtc",),
)
def slow_or_long(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The heart beats slowly, or its QT interval is long."""
    slow, qtc = slow_pulse(chart, protocol), long_qtc(chart, protocol)
    if not slow and qtc is None:
        return
    regimen = regimen_at(chart, now)
    on = "" if regimen is None else say(", on {drug}", drug=regimen.drug)
    if slow:
        yield _slow(slow, on, protocol)
    if qtc is not None:
        yield _long(qtc, on, protocol)


def _slow(shown: tuple[Result | Symptom, ...], on: str, protocol: Protocol) -> Finding:
    symptomatic = not all(isinstance(e, Result) for e in shown)
    limit = "bradycardia_with_symptoms" if symptomatic else "bradycardia"
    told = listed(_told(e) for e in shown)
    return Finding(
        rule="R23",
        rule_version="1",
        axis="toxicity",
        severity="medium",
        subject="heart-rate",
        title=say("Slow heart rate with symptoms") if symptomatic else say("Slow heart rate"),
        question=_ECG_QUESTION,
        why=chained("", (capital(told), on, ".")),
        first_evidence_at=first_effective(evidence(*shown)),
        evidence=evidence(*shown),
        compared_with=ComparedWith(kind="lower-limit", value=protocol[limit], unit="/min"),
        thresholds=used(protocol, limit, "heart_signs_together" if symptomatic else "heart_rate_apart"),
        not_recorded=(say("potassium"), say("magnesium")),
    )


def _long(qtc: LongQtc, on: str, protocol: Protocol) -> Finding:
    told: str = say("QTc {value} on {date}", value=said(qtc.latest), date=day(qtc.latest))
    if qtc.baseline is not None:
        by = "" if qtc.rise is None else say(", {number} ms above it", number=number(qtc.rise))
        told += say(" (baseline {value} on {date}{by})", value=said(qtc.baseline), date=day(qtc.baseline), by=by)
    severity: Severity = "urgent" if qtc.urgent else "high"
    shown = evidence(qtc.latest, *([qtc.baseline] if qtc.baseline else []))
    return Finding(
        rule="R23",
        rule_version="1",
        axis="toxicity",
        severity=severity,
        subject="qtc",
        title=say("Long QTc"),
        question=_ECG_QUESTION,
        why=chained("", (told, on, ".")),
        first_evidence_at=qtc.latest.effective,
        evidence=shown,
        compared_with=None
        if qtc.baseline is None
        else ComparedWith(
            kind="baseline", value=qtc.baseline.number, unit=qtc.baseline.unit, effective=qtc.baseline.effective
        ),
        thresholds=used(protocol, "qtc_long", "qtc_rise", "qtc_urgent"),
        suppressed=()
        if qtc.other_device is None
        else (
            Suppressed(
                what=say("rise of QTc over its baseline"),
                why=say("different devices: {other_device}", other_device=qtc.other_device),
            ),
        ),
        not_recorded=(say("potassium"), say("magnesium"), *(() if qtc.latest.method else (say("device"),))),
    )


@rule(
    "R35",
    version="1",
    axis="toxicity",
    severities=("medium",),
    trigger="Resting heart rate of 100 or more twice, at least a day apart, or once noted as fast in words; until a "
    "later one is not",
    question=_ECHO_QUESTION,
    thresholds=("tachycardia", "heart_rate_apart", "heart_signs_together", "heart_blood_window"),
)
def fast_heart(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """A fast pulse at rest may be the cardiomyopathy of the syndrome."""
    fast = fast_pulse(chart, protocol)
    if not fast:
        return
    beside = beside_fast_pulse(chart, fast[-1], protocol)
    told = listed(_told(r) for r in fast)
    other = say("; also recorded: {which}", which=listed((words for _, words in beside))) if beside else ""
    shown = evidence(*fast, *(entry for entry, _ in beside))
    yield Finding(
        rule="R35",
        rule_version="1",
        axis="toxicity",
        severity="medium",
        subject="heart-rate",
        title=say("Fast heart rate at rest"),
        question=_ECHO_QUESTION,
        why=chained("", (capital(told), other, ".")),
        first_evidence_at=first_effective(evidence(*fast)),
        evidence=shown,
        compared_with=ComparedWith(kind="upper-limit", value=protocol["tachycardia"], unit="/min"),
        thresholds=used(protocol, "tachycardia", "heart_rate_apart"),
    )


def _told(entry: Result | Symptom) -> str:
    if isinstance(entry, Symptom):
        return say("{name} on {date}", name=entry.name.replace("-", " "), date=day(entry))
    return say("heart rate {value} on {date}", value=said(entry), date=day(entry))
