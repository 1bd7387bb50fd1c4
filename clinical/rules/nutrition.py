"""Rules of nutrition: vitamins and minerals that are low (R20), vitamin B12 on its way down (R36)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from clinical.b12 import b12_trend
from clinical.chart import Chart
from clinical.deficiency import NAMES, Deficiency, deficiencies
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Suppressed
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.therapy import regimen_at
from clinical.wording import date_of, day, percent, said

_DEFICIENT = say("Cause? Treatment? When to recheck? Malabsorption?")
_TREND = say("Trend towards deficiency: recheck when?")


@rule(
    "R20",
    version="1",
    axis="toxicity",
    severities=("high", "low"),
    trigger="A vitamin, mineral or essential fatty acid beyond its limit by its latest result; high in the severe tier "
    "(25-OH vitamin D below 12 ng/mL, retinol below 10 µg/dL, INR above 2.5). An INR or PIVKA-II under an "
    "anticoagulant or with a failing liver is not judged",
    question=_DEFICIENT,
    thresholds=(
        *("vitamin_d_low", "vitamin_d_severe", "vitamin_a_low", "vitamin_a_severe", "vitamin_e_low"),
        *("vitamin_e_ratio_low", "inr_high", "inr_severe", "anticoagulant_washout", "b12_low", "active_b12_low"),
        *("mma_high", "mma_least_egfr", "zinc_low_women", "zinc_low_women_not_fasting", "zinc_low_women_afternoon"),
        *("zinc_low_men", "zinc_low_men_not_fasting", "zinc_low_men_afternoon", "efa_ratio_high"),
        *("inflammation_crp", "inflammation_window"),
    ),
)
def deficiency(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """A vitamin or mineral is low; one finding for each."""
    for low in deficiencies(chart, protocol).found:
        name = NAMES[low.result.analyte]
        told = [low.beyond.words, *low.tags]
        yield Finding(
            rule="R20",
            rule_version="1",
            axis="toxicity",
            severity="high" if low.beyond.severe else "low",
            subject=low.result.analyte,
            title=_title(low),
            question=_DEFICIENT,
            why=say(
                "{name} {value} on {date}, {which}.",
                name=capital(name),
                value=said(low.result),
                date=day(low.result),
                which=chained("; ", told),
            ),
            first_evidence_at=low.result.effective,
            evidence=evidence(low.result, *low.entries),
            compared_with=_limit(low),
            thresholds=used(protocol, *([low.beyond.threshold] if low.beyond.threshold else [])),
            not_recorded=low.beyond.not_recorded,
        )


@rule(
    "R36",
    version="1",
    axis="toxicity",
    severities=("low",),
    trigger="On an analogue, vitamin B12 has fallen from its baseline by its reference change value or more and is not "
    "yet low; not where vitamin B12 has been given since",
    question=_TREND,
    thresholds=("b12_low", "b12_cv_within", "b12_cv_analytical", "b12_baseline_latest"),
    next_due=lambda chart, _protocol, now: _lapse_of_analogue(chart, now),
)
def b12_falling(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Vitamin B12 falls on an analogue before it is low."""
    trend = b12_trend(chart, protocol, now)
    regimen = regimen_at(chart, now)
    if trend is None or regimen is None or trend.replaced is not None:
        return
    yield Finding(
        rule="R36",
        rule_version="1",
        axis="toxicity",
        severity="low",
        subject="b12",
        title=say("Vitamin B12 falling on an analogue"),
        question=_TREND,
        why=say(
            "Vitamin B12 {value} on {date}, {change} from {before} on {before_date} (chance alone: "
            "{chance}), on {drug} since {since}.",
            value=said(trend.latest),
            date=day(trend.latest),
            change=percent(trend.change),
            before=said(trend.baseline),
            before_date=day(trend.baseline),
            chance=percent(trend.rcv),
            drug=regimen.drug,
            since=date_of(regimen.started),
        ),
        first_evidence_at=trend.latest.effective,
        evidence=evidence(trend.baseline, trend.latest),
        compared_with=ComparedWith(
            kind="baseline", value=trend.baseline.value, unit=trend.baseline.unit, effective=trend.baseline.effective
        ),
        thresholds=used(protocol, "b12_low", "b12_cv_within", "b12_cv_analytical"),
    )


def suppressed_nutrition(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Suppressed, ...]:
    """What was not judged, and why: clotting under an anticoagulant, methylmalonic acid in renal failure, a falling
    vitamin B12 that is being replaced."""
    found = deficiencies(chart, protocol).not_judged
    trend = b12_trend(chart, protocol, now)
    if trend is not None and trend.replaced is not None:
        what = say("R36, vitamin B12 {percent} on {date}", percent=percent(trend.change), date=day(trend.latest))
        found += (Suppressed(what=what, why=say("vitamin B12 given on {date}", date=day(trend.replaced))),)
    return found


def _title(low: Deficiency) -> str:
    analyte, name = low.result.analyte, NAMES[low.result.analyte]
    if analyte in ("inr", "pivka-ii"):
        return say("Vitamin K low by {name}", name=name)
    if analyte == "mma":
        return say("Vitamin B12 low by methylmalonic acid")
    if analyte == "efa-ratio":
        return say("Essential fatty acids low")
    return (
        say("{name} severely low", name=capital(name)) if low.beyond.severe else say("{name} low", name=capital(name))
    )


def _limit(low: Deficiency) -> ComparedWith | None:
    if low.beyond.limit is None:
        return None
    kind: Literal["upper-limit", "lower-limit"] = "upper-limit" if low.beyond.above else "lower-limit"
    return ComparedWith(kind=kind, value=low.beyond.limit, unit=low.beyond.unit)


def _lapse_of_analogue(chart: Chart, now: datetime) -> datetime | None:
    regimen = regimen_at(chart, now)
    return None if regimen is None else regimen.lapses
