"""Rules of glucose: too high (R21) and too low (R22). Both offer causes and assign none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from clinical.assay import latest_told
from clinical.chart import Chart, Entry
from clinical.evidence import evidence, used
from clinical.finding import SEVERITIES, Finding, Suppressed
from clinical.glucose_course import GlucoseSign, high_signs, low_signs, next_high, next_low
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import Figure, capital, chained, say
from clinical.sensor_window import SensorWindow, enough, window_now
from clinical.therapy import GLUCOSE_RAISING_DRUGS, HYPOGLYCAEMIC_DRUGS, regimen_at, running
from clinical.wording import date_of, listed, number

_HIGH_QUESTION = say("Analogue, tumour or everolimus? Review of the glucose treatment?")
_LOW_QUESTION = say("Hypoglycaemia: antidiabetic drugs and the timing of the analogue reviewed?")
_SENSOR = ("sensor_days", "sensor_active")


@rule(
    "R21",
    version="1",
    axis="toxicity",
    severities=("urgent", "high", "medium"),
    trigger="Fasting glucose of 126 mg/dL or more twice in a row for the first time; HbA1c 0.5 points (5.5 mmol/mol) "
    "up in 3 to 6 months; glucose of CTCAE v6.0 grade 2 or more (grade 3 high, grade 4 urgent); a sensor above 250 "
    "mg/dL for 5 % of a fortnight or more; a drug for diabetes newly started; ketoacidosis or ketones of 3.0 mmol/L or "
    "more, urgent whatever the glucose",
    question=_HIGH_QUESTION,
    thresholds=(
        "fasting_glucose_diabetic",
        "hba1c_diabetic",
        "glucose_new_window",
        "hba1c_rise",
        "hba1c_rise_earliest",
        "hba1c_rise_latest",
        "hba1c_trust_window",
        "glucose_ctcae_grade",
        "glucose_current",
        "glucose_event_window",
        "ketones_high",
        "sensor_high",
        *_SENSOR,
    ),
    next_due=next_high,
    urgent_by=("glucose", "glucose-fasting", "ketones", "symptom", "finding"),
)
def glucose_high(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Glucose is high or rising."""
    signs = high_signs(chart, protocol, now)
    if not signs:
        return
    urgent = any(sign.severity == "urgent" for sign in signs)
    insufficient = _not_enough(chart, protocol, now, lambda w: reaches(w.high, protocol["sensor_high"]))
    found = _finding(
        "R21",
        signs,
        protocol,
        subject="glucose-high",
        title=say("Glucose dangerously high or ketoacidosis") if urgent else say("Glucose high"),
        question=say("Same-day assessment? {question}", question=_HIGH_QUESTION) if urgent else _HIGH_QUESTION,
        context=_raising(chart, now),
    )
    missing = () if latest_told(chart, "hba1c") is not None else ("HbA1c",)
    yield replace(found, suppressed=insufficient, not_recorded=missing)


@rule(
    "R22",
    version="1",
    axis="toxicity",
    severities=("urgent", "high"),
    trigger="Glucose below 54 mg/dL by laboratory or meter; a sensor below 54 mg/dL for 15 minutes or more on 2 days "
    "of 14, or for 1 % of a fortnight sufficiently worn; severe hypoglycaemia (level 3, help needed) urgent",
    question=_LOW_QUESTION,
    thresholds=(
        "glucose_low",
        "glucose_event_window",
        "sensor_low",
        "sensor_low_minutes",
        "sensor_low_days",
        *_SENSOR,
    ),
    next_due=next_low,
    urgent_by=("symptom",),
)
def glucose_low(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Hypoglycaemia: after a response the danger is the old dose of an antidiabetic drug."""
    signs = low_signs(chart, protocol, now)
    if not signs:
        return
    severe = any(sign.severity == "urgent" for sign in signs)
    by_sensor_alone = all(sign.by_sensor for sign in signs)
    found = _finding(
        "R22",
        signs,
        protocol,
        subject="glucose-low",
        title=say("Severe hypoglycaemia") if severe else say("Hypoglycaemia"),
        question=say("Same-day assessment? {question}", question=_LOW_QUESTION) if severe else _LOW_QUESTION,
        context=_lowering(chart, now),
    )
    missing = (say("a fingerstick glucose beside the sensor"),) if by_sensor_alone else ()
    insufficient = _not_enough(chart, protocol, now, lambda w: reaches(w.low, protocol["sensor_low"]))
    yield replace(found, suppressed=insufficient, not_recorded=missing)


def suppressed_sensor(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Suppressed, ...]:
    """What a sensor says that is not judged, because it was not worn enough."""
    return _not_enough(
        chart,
        protocol,
        now,
        lambda w: reaches(w.high, protocol["sensor_high"]) or reaches(w.low, protocol["sensor_low"]),
    )


def _not_enough(
    chart: Chart, protocol: Protocol, now: datetime, beyond: Callable[[SensorWindow], bool]
) -> tuple[Suppressed, ...]:
    window = window_now(chart, protocol, now)
    if window is None or enough(window, protocol) or not beyond(window):
        return ()
    parts = say(
        "{low} % below 54 and {high} % above 250 mg/dL",
        low=Figure(f"{100 * window.low:.1f}"),
        high=Figure(f"{100 * window.high:.1f}"),
    )
    why = say(
        "{worn} % of the readings due in {number} days are there",
        worn=Figure(f"{100 * window.worn:.0f}"),
        number=number(protocol["sensor_days"]),
    )
    return (
        Suppressed(
            what=say("time in ranges of the sensor up to {date} ({parts})", date=date_of(window.last), parts=parts),
            why=why,
        ),
    )


def _finding(
    rule_id: str,
    signs: tuple[GlucoseSign, ...],
    protocol: Protocol,
    *,
    subject: str,
    title: str,
    question: str,
    context: tuple[str, tuple[Entry, ...]],
) -> Finding:
    graver = sorted(signs, key=lambda sign: SEVERITIES.index(sign.severity))
    shown = [entry for sign in signs for entry in sign.entries]
    joined = chained("; ", (sign.words for sign in graver))
    words, beside = context
    thresholds = dict.fromkeys(name for sign in graver for name in sign.thresholds)
    return Finding(
        rule=rule_id,
        rule_version="1",
        axis="toxicity",
        severity=graver[0].severity,
        subject=subject,
        title=title,
        question=question,
        why=chained("", (capital(joined), words, ".")),
        first_evidence_at=min(entry.effective for entry in shown),
        evidence=evidence(*shown, *beside),
        compared_with=graver[0].compared_with,
        thresholds=used(protocol, *thresholds),
    )


def _raising(chart: Chart, now: datetime) -> tuple[str, tuple[Entry, ...]]:
    """What else raises glucose at the moment, and since when."""
    drugs = running(chart, GLUCOSE_RAISING_DRUGS, now)
    regimen = regimen_at(chart, now)
    told = [say("{drug} since {date}", drug=t.drug, date=date_of(t.effective)) for t in drugs]
    if regimen is not None and regimen.drug not in {t.drug for t in drugs}:
        told.insert(0, say("{drug} since {date}", drug=regimen.drug, date=date_of(regimen.started)))
    return (say("; on {which}", which=listed(told)) if told else ""), drugs


def _lowering(chart: Chart, now: datetime) -> tuple[str, tuple[Entry, ...]]:
    """The drugs that can lower glucose too far, and the analogue, at the moment."""
    drugs = running(chart, HYPOGLYCAEMIC_DRUGS, now)
    regimen = regimen_at(chart, now)
    told = [say("{drug} since {date}", drug=t.drug, date=date_of(t.effective)) for t in drugs]
    if regimen is not None:
        told.append(say("{drug} since {date}", drug=regimen.drug, date=date_of(regimen.started)))
    return (say("; on {which}", which=listed(told)) if told else ""), drugs
