"""Recurrence by marker after complete resection: the first value above the limit (R42), recurrence (R03), and glucagon
that never came down after the operation (R33). They need the result's own range alone, so no change of laboratory or
method blocks them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clinical.assay import CRITICAL_HIGH, words_of
from clinical.change import Sample, marker_course, telling_samples
from clinical.chart import Chart
from clinical.epochs import Boundary, last_boundary
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.marker import compared_with_nadir, rise_in_words, rise_thresholds
from clinical.rules.registry import rule
from clinical.saying import say
from clinical.validity import not_recorded
from clinical.wording import date_of, day, days_between, number, quantity

_WITHIN_TO_CLOSE = 2
_RECURRENCE_QUESTION = say("Recurrence by marker: CT/MRI and SSTR PET? (imaging still negative = separate status)")
_FIRST_ABOVE_QUESTION = say("First value above the limit after a normal run: repeat in 4-6 weeks? Any confounder?")
_REMISSION_QUESTION = say("Incomplete biochemical remission: residual disease?")


@dataclass(slots=True)
class _Standing:
    """What stands after the last sample: those raised since the last one within the limit, and those raised after a
    normal result and not yet followed by two normal ones in a row."""

    raised: list[Sample] = field(default_factory=list)
    after_normal: list[Sample] = field(default_factory=list)
    normal: Sample | None = None
    normals_since: int = 0


def _standing(samples: Iterable[Sample], protocol: Protocol) -> _Standing:
    now = _Standing()
    for sample in samples:
        if sample.above:
            now.raised.append(sample)
            now.normals_since = 0
            if now.normal is not None:
                now.after_normal.append(sample)
            continue
        # A recurrence has taken over the first value above the limit; one normal result ends both.
        recurred = bool(now.raised) and (
            _recurrence(now.raised, protocol) is not None or any(s.confirmed for s in now.raised)
        )
        now.raised.clear()
        now.normals_since += 1
        if recurred or now.normals_since >= _WITHIN_TO_CLOSE or not now.after_normal:
            now.after_normal.clear()
            now.normal = sample
    return now


def _standing_now(chart: Chart, protocol: Protocol) -> _Standing:
    """What stands in a patient without evidence of disease."""
    return chart.derived(
        ("marker-standing", protocol.version), lambda: _standing(_without_disease(chart, protocol), protocol)
    )


def _without_disease(chart: Chart, protocol: Protocol) -> list[Sample]:
    """Valid samples of the time without evidence of disease: after the operation that led to it, or, where none is
    recorded or residual disease was stated after it, after the state was stated."""
    stated = chart.states[-1]
    for state in reversed(chart.states):
        if state.state != "ned-resected":
            break
        stated = state
    since = stated.effective
    operation = last_boundary(chart, "surgery", before=stated.effective + timedelta(days=1))
    residual_after = operation is not None and any(
        s.state.startswith("residual") and operation.moment < s.effective < stated.effective for s in chart.states
    )
    if operation is not None and not residual_after:
        since = operation.moment
    return [s for s in telling_samples(chart, protocol) if s.result.effective >= since]


@rule(
    "R03",
    version="1",
    axis="marker",
    severities=("high",),
    trigger="Resected without evidence of disease, and a confirmed rise of glucagon above its limit, or one valid "
    "result of at least twice the limit (or called critically high), or, where only words are known, high twice; "
    "until a valid result lies within the limit",
    question=_RECURRENCE_QUESTION,
    thresholds=("recurrence_factor", "confirm_earliest", "confirm_latest", "confirm_least_fraction"),
)
def recurrence_by_marker(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Recurrence by marker in a patient stated to have no evidence of disease."""
    if chart.state() != "ned-resected":
        return
    raised = _standing_now(chart, protocol).raised
    if not raised:
        return
    rise = marker_course(chart, protocol).rise
    if rise is not None and rise.confirmed and any(s is rise.last for s in raised):
        first, why = rise.first, rise_in_words(rise)
        compared: ComparedWith | None = compared_with_nadir(rise)
        thresholds = rise_thresholds(rise, protocol)
    else:
        recurrence = _recurrence(raised, protocol)
        if recurrence is None:
            return
        first, why = recurrence
        compared = _limit_of(first)
        thresholds = used(protocol, "recurrence_factor")
    shown = evidence(first.result, raised[-1].result)
    yield Finding(
        rule="R03",
        rule_version="1",
        axis="marker",
        severity="high",
        subject="glucagon",
        title=say("Recurrence by marker"),
        question=_RECURRENCE_QUESTION,
        why=why,
        first_evidence_at=first_effective(shown),
        evidence=shown,
        compared_with=compared,
        thresholds=thresholds,
        not_recorded=not_recorded(raised[-1].result, chart),
    )


@rule(
    "R42",
    version="1",
    axis="marker",
    severities=("medium",),
    trigger="Resected without evidence of disease, and glucagon above its upper limit (by number or in words) after an "
    "earlier result within it; until two results in a row lie within it or recurrence contains it",
    question=_FIRST_ABOVE_QUESTION,
)
def first_above_limit(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """The first value above the limit after a normal run, however small."""
    if chart.state() != "ned-resected":
        return
    standing = _standing_now(chart, protocol)
    if not standing.after_normal or standing.normal is None:
        return
    last, normal = standing.after_normal[-1], standing.normal
    again = say("; since then within the limit once, two are needed") if standing.normals_since else ""
    shown = evidence(normal.result, *(s.result for s in standing.after_normal))
    yield Finding(
        rule="R42",
        rule_version="1",
        axis="marker",
        severity="medium",
        subject="glucagon",
        title=say("Glucagon above its limit after a normal run"),
        question=_FIRST_ABOVE_QUESTION,
        why=say(
            "Glucagon {said} on {date}{limit_in_words}, after {said2} on {date2}{limit_in_words2}{again}.",
            said=_said(last),
            date=day(last.result),
            limit_in_words=_limit_in_words(last),
            said2=_said(normal),
            date2=day(normal.result),
            limit_in_words2=_limit_in_words(normal),
            again=again,
        ),
        first_evidence_at=standing.after_normal[0].result.effective,
        evidence=shown,
        compared_with=_limit_of(last),
        not_recorded=not_recorded(last.result, chart),
    )


@rule(
    "R33",
    version="1",
    axis="marker",
    severities=("medium", "low"),
    trigger="After a resection not called palliative: glucagon 14 days or more later is above its limit, has never "
    "been within it since, and shows no confirmed rise; low where it was high before, tumour remains and nothing "
    "was measured since; until a result lies within the limit or the tumour is treated again",
    question=_REMISSION_QUESTION,
    thresholds=("remission_after",),
)
def incomplete_remission(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Glucagon that stays above its limit after an operation meant to remove its source."""
    operation = last_boundary(chart, "surgery", "prrt", "local", "systemic")
    if operation is None or not _meant_to_cure(operation):
        return
    since = [s for s in telling_samples(chart, protocol) if s.result.effective > operation.moment]
    rise = marker_course(chart, protocol).rise
    if not since:
        yield from _unmeasured(chart, protocol, operation)
        return
    if any(not s.above for s in since) or (rise is not None and rise.confirmed):
        return
    last = since[-1]
    apart = days_between(operation.entry, last.result)
    if apart < protocol["remission_after"]:
        return
    shown = evidence(operation.entry, *(s.result for s in since))
    intent = (say("intent of the operation"),) if operation.entry.intent is None else ()
    yield Finding(
        rule="R33",
        rule_version="1",
        axis="marker",
        severity="medium",
        subject="glucagon",
        title=say("Glucagon still above its limit after the operation"),
        question=_REMISSION_QUESTION,
        why=say(
            "Glucagon {said} on {date}{limit_in_words}, {apart} days after the resection of {date2}, "
            "and not once within the limit since.",
            said=_said(last),
            date=day(last.result),
            limit_in_words=_limit_in_words(last),
            apart=apart,
            date2=day(operation.entry),
        ),
        first_evidence_at=since[0].result.effective,
        evidence=shown,
        compared_with=_limit_of(last),
        thresholds=used(protocol, "remission_after"),
        not_recorded=(*intent, *not_recorded(last.result, chart)),
    )


def _meant_to_cure(operation: Boundary) -> bool:
    return operation.kind == "surgery" and operation.entry.intent != "palliative"


def _unmeasured(chart: Chart, protocol: Protocol, operation: Boundary) -> Iterable[Finding]:
    """The check after an operation that left tumour stays open until glucagon is measured."""
    before = [s for s in telling_samples(chart, protocol) if s.result.effective <= operation.moment]
    residual = [s for s in chart.states if s.effective > operation.entry.effective and s.state.startswith("residual")]
    if not before or not before[-1].above or not (residual or operation.entry.completeness == "R2"):
        return
    last = before[-1]
    shown = evidence(last.result, operation.entry, *residual[:1])
    yield Finding(
        rule="R33",
        rule_version="1",
        axis="marker",
        severity="low",
        subject="glucagon",
        title=say("Glucagon not measured since an operation that left tumour"),
        question=_REMISSION_QUESTION,
        why=say(
            "Glucagon {said} on {date}{limit_in_words}, resection on {date2}, residual disease "
            "known; no glucagon since.",
            said=_said(last),
            date=day(last.result),
            limit_in_words=_limit_in_words(last),
            date2=day(operation.entry),
        ),
        first_evidence_at=operation.entry.effective,
        evidence=shown,
        compared_with=_limit_of(last),
        not_recorded=(say("glucagon after the operation"),),
    )


def _recurrence(raised: list[Sample], protocol: Protocol) -> tuple[Sample, str] | None:
    """The sample that raises recurrence without a confirmed rise, and the sentence about it."""
    return _single(raised, protocol) or _in_words(raised, protocol)


def _single(raised: list[Sample], protocol: Protocol) -> tuple[Sample, str] | None:
    """The first result of at least twice the limit and the sentence about it, with the draw that confirms it."""
    factor = protocol["recurrence_factor"]
    high = [s for s in raised if s.least is not None and s.upper is not None and reaches(s.least, factor * s.upper)]
    if not high:
        return None
    first = high[0]
    second = next((s for s in high[1:] if days_between(first.result, s.result) >= 1), None)
    times = number((first.least or 0.0) / (first.upper or 1.0))
    confirmed = (
        say("confirmed by {said} on {date}", said=_said(second), date=day(second.result))
        if second is not None
        else say("not yet confirmed by a second sample (within 14 days)")
    )
    latest = (
        ""
        if raised[-1] in (first, second)
        else say("; latest {said} on {date}", said=_said(raised[-1]), date=day(raised[-1].result))
    )
    return first, (
        say(
            "Glucagon {said} on {date}{limit_in_words}, {times} times the limit in a patient without "
            "evidence of disease; {confirmed}{latest}.",
            said=_said(first),
            date=day(first.result),
            limit_in_words=_limit_in_words(first),
            times=times,
            confirmed=confirmed,
            latest=latest,
        )
    )


def _in_words(raised: list[Sample], protocol: Protocol) -> tuple[Sample, str] | None:
    """The same where the laboratory gave words: called critically high once, or high twice a confirmation apart."""
    worded = [s for s in raised if s.result.value is None or s.upper is None]
    critical = next((s for s in worded if CRITICAL_HIGH & set(words_of(s.result))), None)
    if critical is not None:
        return critical, say("Glucagon called critically high on {date}, no number given.", date=day(critical.result))
    if not worded or days_between(raised[0].result, raised[-1].result) < protocol["confirm_earliest"]:
        return None
    return raised[0], (
        say(
            "Glucagon {said} on {date} and again {said2} on {date2}; how high is not known.",
            said=_said(raised[0]),
            date=day(raised[0].result),
            said2=_said(raised[-1]),
            date2=day(raised[-1].result),
        )
    )


def _said(sample: Sample) -> str:
    result = sample.result
    if result.value is not None:
        return quantity(result.value, result.unit, result.comparator)
    return f'"{result.text or result.interpretation}"'


def _limit_in_words(sample: Sample) -> str:
    return (
        ""
        if sample.upper is None
        else say(" (upper limit {quantity})", quantity=quantity(sample.upper, sample.result.unit))
    )


def _limit_of(sample: Sample) -> ComparedWith | None:
    if sample.upper is None:
        return None
    note = say("of the result of {date}", date=date_of(sample.result.effective))
    return ComparedWith(kind="upper-limit", value=sample.upper, unit=sample.result.unit, note=note)
