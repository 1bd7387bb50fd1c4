"""Rules of the marker axis: rises of glucagon, recurrence by marker, and what cannot be judged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from clinical.change import MarkerCourse, Rise, Sample, marker_course
from clinical.chart import Chart
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding, Severity, Suppressed, UsedThreshold
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import chained, say
from clinical.therapy import regimen_at
from clinical.validity import not_recorded
from clinical.wording import date_of, day, number, percent, quantity

_RISE_THRESHOLDS = ("glucagon_cv_within", "glucagon_cv_analytical", "glucagon_least_rise")
_CONFIRM_THRESHOLDS = ("confirm_earliest", "confirm_latest", "confirm_least_fraction")


def too_soon_after_procedure(chart: Chart, sample: Sample, protocol: Protocol) -> Suppressed | None:
    """Why a rise in this sample is not called: surgery or PRRT shortly before it; None when there was none."""
    window = timedelta(days=protocol["suppress_marker_after_procedure"])
    drawn = sample.result.effective
    for entry in reversed(chart.therapy):
        surgical = entry.procedure in ("resection", "cholecystectomy", "prrt")
        if entry.kind == "procedure" and surgical and timedelta(0) <= drawn - entry.effective < window:
            return Suppressed(
                what=say("rise of glucagon on {date}", date=day(sample.result)),
                why=say(
                    "{procedure} on {date}, less than {number} days before the sample",
                    procedure=entry.procedure,
                    date=day(entry),
                    number=number(window.days),
                ),
            )
    return None


@rule(
    "R01",
    version="1",
    axis="marker",
    severities=("medium",),
    trigger="A valid glucagon above its upper limit, at least one reference change value and 30 pg/mL above the nadir "
    "of its epoch",
    question=say(
        "Order a repeat in 14-28 days, same laboratory and same phase of the injection cycle? Any confounder?"
    ),
    thresholds=(*_RISE_THRESHOLDS, "phase_window", "suppress_marker_after_procedure"),
)
def provisional_rise(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """One sample has risen; it is not confirmed yet, or it is and R02 or R03 contains it."""
    course = marker_course(chart, protocol)
    rise = course.rise
    if rise is None or too_soon_after_procedure(chart, rise.last, protocol):
        return
    yield _rise_finding(
        chart,
        protocol,
        rise,
        rule_id="R01",
        severity="medium",
        title=say("Glucagon has risen, not yet confirmed"),
        question=say(
            "Order a repeat in 14-28 days, same laboratory and same phase of the injection cycle? Any confounder?"
        ),
    )


@rule(
    "R02",
    version="1",
    axis="marker",
    severities=("high", "medium"),
    trigger="A confirmed rise of glucagon in any state but resected without evidence of disease; doubling is high; "
    "or a confirmed doubling of the lowest nadir across changes of the analogue",
    question=say(
        "On an analogue at steady state: biochemical escape, review analogue and disease? "
        "Otherwise: biochemical progression, restage?"
    ),
    thresholds=(*_RISE_THRESHOLDS, *_CONFIRM_THRESHOLDS, "doubling_factor", "drift_factor", "phase_window"),
)
def confirmed_rise(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Biochemical escape on an analogue at steady state, else biochemical progression."""
    if chart.state() == "ned-resected":
        return
    course = marker_course(chart, protocol)
    rise = strongest_rise(course)
    if rise is None or not rise.confirmed or too_soon_after_procedure(chart, rise.last, protocol):
        return
    regimen = regimen_at(chart, rise.last.result.effective)
    escape = regimen is not None and regimen.steady
    title, question = (
        (say("Biochemical escape on the analogue"), say("Biochemical escape: review analogue and disease?"))
        if escape
        else (say("Biochemical progression"), say("Biochemical progression: restage?"))
    )
    yield _rise_finding(
        chart,
        protocol,
        rise,
        rule_id="R02",
        severity="high" if rise.doubling else "medium",
        title=title,
        question=question,
    )


@rule(
    "R41",
    version="1",
    axis="marker",
    severities=("medium",),
    trigger="A glucagon that would count but cannot be judged: an invalid sample of at least twice the limit, any "
    "rise under renal failure, or a rise that nothing comparable precedes; until a later sample can be judged",
    question=say("Repeat under valid conditions?"),
    thresholds=("recurrence_factor", "valid_least_egfr", "valid_least_glucose", "valid_condition_window"),
)
def not_evaluable(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Nothing is skipped silently: a raised marker that is not judged says so, with the reason."""
    course = marker_course(chart, protocol)
    sample = next((s for s in reversed(course.samples) if s.least is not None), None)
    if sample is None:
        return
    reason = _why_not_judged(sample, protocol)
    if reason is None:
        return
    shown = evidence(sample.result)
    yield Finding(
        rule="R41",
        rule_version="1",
        axis="marker",
        severity="medium",
        subject="glucagon",
        title=say("Glucagon is raised and cannot be judged"),
        question=say("Repeat under valid conditions?"),
        why=say(
            "Glucagon {value} on {date}{against_limit} is not judged: {reason}.",
            value=_value(sample),
            date=day(sample.result),
            against_limit=_against_limit(sample),
            reason=reason,
        ),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        compared_with=_compared_with_limit(sample),
        thresholds=used(protocol, "recurrence_factor", "valid_least_egfr"),
        not_recorded=not_recorded(sample.result, chart),
    )


def _why_not_judged(sample: Sample, protocol: Protocol) -> str | None:
    if sample.valid:
        return sample.not_compared
    twice = (
        sample.least is not None
        and sample.upper is not None
        and reaches(sample.least, protocol["recurrence_factor"] * sample.upper)
    )
    renal = any(reason.startswith("eGFR") for reason in sample.invalid_because)
    if twice or (renal and sample.rise):
        return chained("; ", sample.invalid_because)
    return None


def strongest_rise(course: MarkerCourse) -> Rise | None:
    """The rise to report: the one within the epoch unless only the one across dose changes is confirmed or doubled."""
    within, across = course.rise, course.across
    if within is None or across is None:
        return within or across
    return max((within, across), key=lambda r: (r.confirmed, r.doubling))


def _rise_finding(
    chart: Chart,
    protocol: Protocol,
    rise: Rise,
    *,
    rule_id: str,
    severity: Severity,
    title: str,
    question: str,
) -> Finding:
    shown = evidence(rise.first.result, rise.last.result)
    return Finding(
        rule=rule_id,
        rule_version="1",
        axis="marker",
        severity=severity,
        subject="glucagon",
        title=title,
        question=question,
        why=rise_in_words(rise),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        compared_with=compared_with_nadir(rise),
        thresholds=rise_thresholds(rise, protocol),
        not_recorded=not_recorded(rise.last.result, chart),
    )


def rise_in_words(rise: Rise) -> str:
    """The sentence of a rise: values, dates, nadir, limits and whether it is confirmed."""
    last, first = rise.last, rise.first
    over = percent((last.least or 0.0) / rise.nadir.value - 1)
    unit = last.result.unit
    confirmation: str = ""
    if rise.confirmed and first is not last:
        confirmation = say(", confirmed after {value} on {date}", value=_value(first), date=day(first.result))
        confirmation += say(" and doubled") if rise.doubling else ""
    across = say(" across dose changes of the analogue") if rise.across_changes else ""
    return say(
        "Glucagon {value} on {date}{against_limit}, {over} over the nadir of {quantity} "
        "({nadir_basis}){across}; a rise counts from {quantity2}{confirmation}.",
        value=_value(last),
        date=day(last.result),
        against_limit=_against_limit(last),
        over=over,
        quantity=quantity(rise.nadir.value, unit),
        nadir_basis=_nadir_basis(rise),
        across=across,
        quantity2=quantity(rise.limit, unit),
        confirmation=confirmation,
    )


def compared_with_nadir(rise: Rise) -> ComparedWith:
    """The nadir a rise is held against."""
    return ComparedWith(
        kind="nadir",
        value=rise.nadir.value,
        unit=rise.last.result.unit,
        effective=rise.nadir.at,
        note=(say("across dose changes; ") if rise.across_changes else "") + _nadir_basis(rise),
    )


def rise_thresholds(rise: Rise, protocol: Protocol) -> tuple[UsedThreshold, ...]:
    """The thresholds a rise was called with; the reference change value as it was computed for this patient."""
    named = list(used(protocol, *_RISE_THRESHOLDS))
    if rise.rcv is not None:
        named.insert(
            0,
            UsedThreshold(
                name="rcv_up",
                value=round(rise.rcv, 4),
                unit="1",
                source="log-normal reference change value, one-sided 95 %; " + named[0].source,
                signed_off=all(t.signed_off for t in named),
            ),
        )
    if rise.across_changes:
        named += used(protocol, "drift_factor")
    if rise.confirmed:
        named += used(protocol, *_CONFIRM_THRESHOLDS)
    if rise.doubling:
        named += used(protocol, "doubling_factor")
    return tuple(named)


def _nadir_basis(rise: Rise) -> str:
    when = date_of(rise.nadir.at)
    if rise.nadir.results >= 3:
        return say("{when}, lowest median of three of {results} results", when=when, results=rise.nadir.results)
    if rise.nadir.results > 1:
        return say("{when}, nadir from {results} results", when=when, results=rise.nadir.results)
    return say("{when}, nadir from 1 result", when=when)


def _value(sample: Sample) -> str:
    return quantity(sample.result.value, sample.result.unit, sample.result.comparator)


def _against_limit(sample: Sample) -> str:
    if sample.upper is None:
        return say(" (upper limit not recorded)")
    return say(" (upper limit {quantity})", quantity=quantity(sample.upper, sample.result.unit))


def _compared_with_limit(sample: Sample) -> ComparedWith | None:
    if sample.upper is None:
        return None
    return ComparedWith(kind="upper-limit", value=sample.upper, unit=sample.result.unit)
