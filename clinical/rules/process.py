"""Rules of the process axis: a series that changed its laboratory, method or unit, and values that cannot be (R31)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.analytes import CATALOGUE
from clinical.change import MARKERS, Sample, marker_course
from clinical.chart import Chart, Result
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Suppressed
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import chained, say
from clinical.validity import plausible
from clinical.wording import day, listed, quantity

_EPOCH_QUESTION = say("Accept the new epoch? Is there a paired sample?")
_VALUE_QUESTION = say("Is the value or its unit wrong: correct it or confirm it?")


@rule(
    "R31",
    version="1",
    axis="process",
    severities=("medium",),
    trigger="The laboratory, method or unit of a marker changed, until the new one has two results; or the latest "
    "value of a quantity lies outside what is plausible",
    question=chained(" ", (_EPOCH_QUESTION, _VALUE_QUESTION)),
    thresholds=("new_assay_settled",),
)
def series_broken(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """What blocks a comparison, or a value that nobody can have."""
    for analyte in MARKERS:
        if chart.of(analyte):
            yield from _changed_assay(chart, protocol, analyte)
    yield from _implausible(chart)


def _changed_assay(chart: Chart, protocol: Protocol, analyte: str) -> Iterable[Finding]:
    samples = [s for s in marker_course(chart, protocol, analyte).samples if s.result.value is not None]
    if not samples:
        return
    current = [s for s in samples if s.assay is samples[-1].assay]
    before = [
        s for s in samples if s.assay is not samples[-1].assay and s.result.effective < current[0].result.effective
    ]
    if not before or len(current) >= protocol["new_assay_settled"]:
        return
    first, last = current[0], before[-1]
    name = CATALOGUE[analyte].name
    shown = evidence(last.result, first.result)
    yield Finding(
        rule="R31",
        rule_version="1",
        axis="process",
        severity="medium",
        subject=f"{analyte}:assay",
        title=say("{name}: another {which}", name=name, which=listed(_differences(last, first))),
        question=_EPOCH_QUESTION,
        why=say(
            "{name} of {date} ({described}) does not continue the series of {date2} ({described2}).",
            name=name,
            date=day(first.result),
            described=_described(first),
            date2=day(last.result),
            described2=_described(last),
        ),
        first_evidence_at=first.result.effective,
        evidence=shown,
        compared_with=ComparedWith(
            kind="previous", value=last.result.value, unit=last.result.unit, effective=last.result.effective
        ),
        thresholds=used(protocol, "new_assay_settled"),
        suppressed=(
            Suppressed(
                what=say("R01, R02 across the change"),
                why=say(
                    "results of different assays are not compared; what needs only the result's own range is judged"
                ),
            ),
        ),
    )


def _differences(before: Sample, after: Sample) -> list[str]:
    named: list[str] = [
        name
        for name, one, other in (
            (say("laboratory"), before.assay.lab, after.assay.lab),
            (say("method"), before.assay.method, after.assay.method),
            (say("unit"), before.result.unit, after.result.unit),
        )
        if one is not None and other is not None and one != other
    ]
    return named or [say("upper limit, method not recorded")]


def _described(sample: Sample) -> str:
    value = quantity(sample.result.value, sample.result.unit, sample.result.comparator)
    limit = (
        ""
        if sample.result.ref_high is None
        else say(", upper limit {quantity}", quantity=quantity(sample.result.ref_high, sample.result.unit))
    )
    return chained("", (value, limit, ", ", sample.assay.named()))


def _implausible(chart: Chart) -> Iterable[Finding]:
    latest: dict[str, Result] = {}
    for result in chart.results:
        if result.value is not None:
            latest[result.analyte] = result
    for analyte, result in latest.items():
        if plausible(result):
            continue
        known = CATALOGUE[analyte]
        value = quantity(result.value, result.unit, result.comparator)
        yield Finding(
            rule="R31",
            rule_version="1",
            axis="process",
            severity="medium",
            subject=f"{analyte}:implausible",
            title=say("{name}: implausible value", name=known.name),
            question=_VALUE_QUESTION,
            why=say(
                "{name} {value} on {date} lies outside {quantity} to {quantity2}.",
                name=known.name,
                value=value,
                date=day(result),
                quantity=quantity(known.plausible_low, None),
                quantity2=quantity(known.plausible_high, known.canonical_unit),
            ),
            first_evidence_at=result.effective,
            evidence=evidence(result),
            suppressed=(
                Suppressed(
                    what=say("judging {name} of {date}", name=known.name, date=day(result)),
                    why=say("implausible value"),
                ),
            )
            if analyte in MARKERS
            else (),
        )
