"""Glucagon that falls while the disease or the skin gets worse (R04): the assay, not the tumour, may have changed.

Very high glucagon can read falsely low in an immunometric assay (hook effect), and antibodies disturb it either way
(clinical reference 1.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from clinical.change import Sample, telling_samples
from clinical.chart import Chart
from clinical.epochs import last_boundary
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import found_by, rule
from clinical.saying import bare, chained, say
from clinical.validity import not_recorded
from clinical.wording import day, percent, quantity

_DILUTE_QUESTION = say("Hook effect or change of assay: dilute and run again?")


@rule(
    "R04",
    version="1",
    axis="marker",
    severities=("medium",),
    trigger="Progression by imaging (R06) or a skin recurrence with stable disease (R11), while within 120 days of it "
    "glucagon has fallen by half or from above its limit to within it, in one assay, within a year and not by surgery",
    question=_DILUTE_QUESTION,
    thresholds=("hook_fall", "hook_window", "concordance_window"),
)
def falls_while_worse(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The latest valid glucagon has fallen although the disease or the skin is worse."""
    worse = [*found_by("R06", chart, protocol, now), *found_by("R11", chart, protocol, now)]
    telling = telling_samples(chart, protocol)
    if not worse or not telling:
        return
    last = telling[-1]
    beside = [f for f in worse if _near(f, last, protocol)]
    before = _fallen_from(telling, chart, protocol)
    if not beside or before is None:
        return
    fall = ""
    if before.least and last.result.value is not None:
        fall = chained("", (" (", percent(last.result.value / before.least - 1), ")"))
    yield Finding(
        rule="R04",
        rule_version="1",
        axis="marker",
        severity="medium",
        subject="glucagon",
        title=say("Glucagon falls while the disease or the skin is worse"),
        question=_DILUTE_QUESTION,
        why=say(
            "Glucagon {said} on {date} after {said2} on {date2}{fall}, yet: {which}.",
            said=_said(last),
            date=day(last.result),
            said2=_said(before),
            date2=day(before.result),
            fall=fall,
            which=chained("; ", (bare(f.why) for f in beside)),
        ),
        first_evidence_at=last.result.effective,
        evidence=tuple(
            {
                e.record: e for e in (*evidence(before.result, last.result), *(e for f in beside for e in f.evidence))
            }.values()
        ),
        compared_with=ComparedWith(
            kind="previous",
            value=before.result.value,
            unit=before.result.unit,
            effective=before.result.effective,
            note=say("highest of the same assay within the year before, since the last operation"),
        ),
        thresholds=used(protocol, "hook_fall", "hook_window", "concordance_window"),
        not_recorded=not_recorded(last.result, chart),
    )


def _near(finding: Finding, sample: Sample, protocol: Protocol) -> bool:
    """Whether a sample lies within the window around the latest of what a finding rests on."""
    apart = abs(max(e.effective for e in finding.evidence) - sample.result.effective)
    return apart <= timedelta(days=protocol["concordance_window"])


def _fallen_from(telling: Sequence[Sample], chart: Chart, protocol: Protocol) -> Sample | None:
    """The sample the last one has fallen from: the highest that may be compared with it, when the fall counts."""
    last = telling[-1]
    operation = last_boundary(chart, "surgery", before=last.result.effective)
    since = last.result.effective - timedelta(days=protocol["hook_window"])
    comparable = [
        s
        for s in telling[:-1]
        if s.assay is last.assay
        and s.result.effective >= since
        and (operation is None or s.result.effective > operation.moment)
    ]
    if not comparable:
        return None
    highest = max(comparable, key=lambda s: (s.least or 0.0, bool(s.above), s.result.effective))
    return highest if _fell(highest, last, protocol) else None


def _fell(before: Sample, last: Sample, protocol: Protocol) -> bool:
    if before.above and last.above is False:
        return True
    # `>x` may be any height: no fall can be told to it.
    if before.least is None or last.result.value is None or last.result.comparator in (">", ">="):
        return False
    return reaches(before.least * (1 - protocol["hook_fall"]), last.result.value)


def _said(sample: Sample) -> str:
    result = sample.result
    if result.value is None:
        return f'"{result.text or result.interpretation}"'
    limit = (
        "" if sample.upper is None else say(" (upper limit {quantity})", quantity=quantity(sample.upper, result.unit))
    )
    return (
        quantity(result.value, result.unit, result.comparator) + limit
        if limit
        else quantity(result.value, result.unit, result.comparator)
    )
