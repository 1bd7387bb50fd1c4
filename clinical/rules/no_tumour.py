"""Raised glucagon or necrolytic migratory erythema where no tumour is found (R40): there is nothing that could recur.

The work-up itself has a place here: glucagon above its limit together with the rash, in a patient of whom no tumour and
no disease state is recorded yet, asks to be localised.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.change import Sample, marker_course
from clinical.chart import Chart, SkinAssessment
from clinical.confounders import of_glucagon
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.skin import is_active
from clinical.validity import not_recorded
from clinical.wording import day, listed, number, quantity

_CAUSE = say("Cause (liver, kidney, drugs, malabsorption, glucagon receptor)? Repeat fasting?")
_LOCALISE = say("Localise a tumour? {cause}", cause=_CAUSE)
_UNTOUCHED = frozenset({"absent", "not-evaluable"})


@rule(
    "R40",
    version="1",
    axis="marker",
    severities=("info",),
    trigger="Stated that a complete work-up found no tumour, and glucagon above its limit or the rash active; or, with "
    "no tumour and no state recorded yet, both together",
    question=_CAUSE,
    thresholds=("borderline_factor", "skin_iga_least", "confounding_egfr"),
)
def without_tumour(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Hyperglucagonaemia or the rash without a tumour; never worded as recurrence."""
    searched = chart.state() == "no-tumour-found"
    if not searched and (chart.state() != "unknown" or _tumour_recorded(chart)):
        return
    sample = _raised(chart, protocol)
    rash = _rash(chart, protocol)
    if (sample is None and rash is None) or (not searched and (sample is None or rash is None)):
        return
    shown = evidence(*([] if sample is None else [sample.result]), *([] if rash is None else [rash]))
    found = [_glucagon_in_words(sample, protocol)] if sample else []
    found += [say("rash active on {date}", date=day(rash))] if rash else []
    confounders = () if sample is None else _confounders(chart, sample, protocol)
    beside = say("; recorded beside it: {which}", which=listed(confounders)) if confounders else ""
    ending = say("no tumour found on complete work-up") if searched else say("no tumour recorded so far")
    yield Finding(
        rule="R40",
        rule_version="1",
        axis="marker",
        severity="info",
        subject="no-tumour",
        title=_title(sample, protocol, searched=searched),
        question=_CAUSE if searched else _LOCALISE,
        why=chained("", (capital(listed(found)), "; ", ending, beside, ".")),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        compared_with=None
        if sample is None or sample.upper is None
        else ComparedWith(kind="upper-limit", value=sample.upper, unit=sample.result.unit),
        thresholds=used(protocol, "borderline_factor"),
        not_recorded=() if sample is None else not_recorded(sample.result, chart),
    )


def _raised(chart: Chart, protocol: Protocol) -> Sample | None:
    """The latest sample that tells, where it lies above its limit. What disqualifies it is named, it is not hidden."""
    last = next((s for s in reversed(marker_course(chart, protocol).samples) if s.above is not None), None)
    return last if last is not None and last.above else None


def _rash(chart: Chart, protocol: Protocol) -> SkinAssessment | None:
    last = next((a for a in reversed(chart.skin) if is_active(a, protocol) is not None), None)
    return last if last is not None and is_active(last, protocol) else None


def _tumour_recorded(chart: Chart) -> bool:
    seen = any(r.state not in _UNTOUCHED for r in chart.lesions)
    read = any(r.response in ("CR", "PR", "SD", "PD") for r in chart.responses)
    treated = any(t.procedure in ("resection", "prrt", "embolisation", "ablation") for t in chart.therapy)
    stated = any(s.state not in ("unknown", "no-tumour-found") for s in chart.states)
    return seen or read or treated or stated


def _borderline(sample: Sample, protocol: Protocol) -> bool:
    if sample.result.number is None or sample.upper is None:
        return False
    return not reaches(sample.result.number, protocol["borderline_factor"] * sample.upper)


def _title(sample: Sample | None, protocol: Protocol, *, searched: bool) -> str:
    ending = say("no tumour found") if searched else say("no tumour recorded")
    if sample is None:
        return say("Active rash, {ending}", ending=ending)
    if _borderline(sample, protocol):
        return say("Glucagon borderline above its limit, {ending}", ending=ending)
    return say("Hyperglucagonaemia, {ending}", ending=ending)


def _glucagon_in_words(sample: Sample, protocol: Protocol) -> str:
    result = sample.result
    if result.value is None:
        return say('glucagon "{what}" on {date}', what=result.text or result.interpretation, date=day(result))
    limit: str = ""
    if sample.upper is not None:
        limit = say(" (upper limit {quantity}", quantity=quantity(sample.upper, result.unit))
        times = number(result.value / sample.upper) if sample.upper else ""
        limit += say(", {times} times it", times=times) if times else ""
        limit += say(", borderline") if times and _borderline(sample, protocol) else ""
        limit += ")"
    return say(
        "glucagon {quantity} on {date}{limit}",
        quantity=quantity(result.value, result.unit, result.comparator),
        date=day(result),
        limit=limit,
    )


def _confounders(chart: Chart, sample: Sample, protocol: Protocol) -> tuple[str, ...]:
    return (*sample.invalid_because, *of_glucagon(chart, sample.result.effective, protocol))
