"""Signs of malabsorption that are current (clinical reference 7 and rule R19).

More stools or oily ones on two days, faecal elastase, faecal fat, weight, the fat-soluble vitamins. None of them alone
makes the finding: a normal elastase does not close it and a low one does not prove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal

from clinical.assay import above_limit, below_limit, latest_told, measured
from clinical.chart import Chart, Entry, Result, Symptom
from clinical.deficiency import FAT_SOLUBLE, NAMES, deficiencies
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.saying import Figure, chained, say
from clinical.therapy import analogue_steps
from clinical.weight import weight_change
from clinical.wording import day, listed, number, percent, said

_OILY = frozenset({"steatorrhoea", "oily-stool"})
_USUAL_OF = 3
SignName = Literal["stools", "elastase", "weight", "vitamins", "fat"]


@dataclass(frozen=True, slots=True)
class AbsorptionSign:
    """One sign: in words with its numbers, its entries, its thresholds, and when it stops being current."""

    name: SignName
    words: str
    entries: tuple[Entry, ...]
    thresholds: tuple[str, ...]
    lapses: datetime


def absorption_signs(chart: Chart, protocol: Protocol, now: datetime) -> tuple[AbsorptionSign, ...]:
    """Every sign of malabsorption that is current at `now`."""
    found = chart.derived(("absorption-signs", protocol.version), lambda: tuple(_signs(chart, protocol)))
    return tuple(sign for sign in found if now < sign.lapses)


def fat_absorption(eaten_g: float, excreted_g: float) -> float:
    """Coefficient of fat absorption as a fraction, both in g a day: 100 eaten and 9 excreted is 0.91.

    Raises ValueError when nothing was eaten.
    """
    if eaten_g <= 0:
        raise ValueError("fat absorption needs fat eaten")
    return (eaten_g - excreted_g) / eaten_g


def watery(chart: Chart, sample: Result) -> bool:
    """Whether a stool sample is recorded as watery, which makes faecal elastase falsely low."""
    words = f"{sample.text or ''} {sample.interpretation or ''}".lower()
    return (
        "watery-stool" in sample.disqualifiers
        or "watery" in words
        or any(
            s.name == "watery-stool" and s.present and s.effective.date() == sample.effective.date()
            for s in chart.symptoms
        )
    )


def _signs(chart: Chart, protocol: Protocol) -> Iterable[AbsorptionSign]:
    yield from _stools(chart, protocol)
    yield from _elastase(chart, protocol)
    yield from _weight(chart, protocol)
    yield from _vitamins(chart, protocol)
    yield from _fat(chart, protocol)


def usual_stools(chart: Chart) -> float | None:
    """The patient's usual stools a day: the median of those before the first analogue, else of the first three."""
    counts = [r for r in measured(chart, "stools-per-day") if r.number is not None]
    steps = analogue_steps(chart)
    before = [r.number for r in counts if steps and r.effective < steps[0].entry.effective and r.number is not None]
    usual = before or [r.number for r in counts[:_USUAL_OF] if r.number is not None]
    return median(usual) if usual else None


def _stools(chart: Chart, protocol: Protocol) -> Iterable[AbsorptionSign]:
    """Days with more stools or with oily ones; each kind counts while its latest record still says so."""
    days: dict[date, Entry] = {}
    counts = [r for r in measured(chart, "stools-per-day") if r.number is not None]
    usual = usual_stools(chart)
    if usual is not None:
        limit = usual + protocol["stools_more"]
        many = [r for r in counts if reaches(r.number or 0.0, limit)]
        if many and many[-1] is counts[-1]:
            days.update({r.effective.date(): r for r in many})
    oily = [s for s in chart.symptoms if s.name in _OILY]
    if oily and any(s.present for s in oily if s.effective.date() == oily[-1].effective.date()):
        days.update({s.effective.date(): s for s in oily if s.present})
    needed = int(protocol["oily_visits"])
    if len(days) < needed:
        return
    latest = [days[at] for at in sorted(days)][-needed:]
    words = listed(_stool_in_words(entry, usual) for entry in latest)
    thresholds = ("stools_more", "oily_visits", "absorption_window")
    yield AbsorptionSign("stools", words, tuple(latest), thresholds, _lapse(latest[0], protocol["absorption_window"]))


def _stool_in_words(entry: Entry, usual: float | None) -> str:
    if isinstance(entry, Symptom):
        return say("{sign} on {date}", sign=say(entry.name.replace("-", " ")), date=day(entry))
    value = entry.number if isinstance(entry, Result) else None
    return say(
        "{number} stools a day on {date} (usually {usual})",
        number=number(value or 0.0),
        date=day(entry),
        usual=number(usual or 0.0),
    )


def _elastase(chart: Chart, protocol: Protocol) -> Iterable[AbsorptionSign]:
    result = latest_told(chart, "elastase")
    if result is None or watery(chart, result) or not below_limit(result, protocol["elastase_low"]):
        return
    severe = result.value is not None and bool(below_limit(result, protocol["elastase_severe"]))
    found = (
        say("severely low faecal elastase {value} on {date}", value=said(result), date=day(result))
        if severe
        else say("low faecal elastase {value} on {date}", value=said(result), date=day(result))
    )
    thresholds = ("elastase_low", "elastase_severe", "absorption_result_window")
    yield AbsorptionSign("elastase", found, (result,), thresholds, _lapse(result, protocol["absorption_result_window"]))


def _weight(chart: Chart, protocol: Protocol) -> Iterable[AbsorptionSign]:
    change = weight_change(chart, protocol)
    if change is None or not reaches(change.lost, protocol["weight_loss_low"]):
        return
    thresholds = ("weight_loss_low", "weight_baseline", "absorption_window")
    lapses = _lapse(change.latest, protocol["absorption_window"])
    yield AbsorptionSign("weight", change.words, (change.baseline, change.latest), thresholds, lapses)


def _vitamins(chart: Chart, protocol: Protocol) -> Iterable[AbsorptionSign]:
    low = [d for d in deficiencies(chart, protocol).found if d.result.analyte in FAT_SOLUBLE]
    if not low:
        return
    words = chained(
        ", ",
        (
            say("{name} {value} on {date}", name=NAMES[d.result.analyte], value=said(d.result), date=day(d.result))
            for d in low
        ),
    )
    inflamed = any(d.entries for d in low)
    lapses = max(_lapse(d.result, protocol["absorption_result_window"]) for d in low)
    thresholds = dict.fromkeys([*(d.beyond.threshold for d in low if d.beyond.threshold), "absorption_result_window"])
    yield AbsorptionSign(
        "vitamins",
        say("low {which}, with inflammation at the time", which=words) if inflamed else say("low {which}", which=words),
        tuple(d.result for d in low),
        tuple(thresholds),
        lapses,
    )


def _fat(chart: Chart, protocol: Protocol) -> Iterable[AbsorptionSign]:
    result = latest_told(chart, "faecal-fat")
    if result is None or not above_limit(result, protocol["faecal_fat_high"]):
        return
    words = say("faecal fat {value} on {date}", value=said(result), date=day(result))
    if result.value is not None:
        share = Figure(percent(fat_absorption(100, result.value)).lstrip("+"))
        words = say("{fat}, {share} absorbed if 100 g a day were eaten", fat=words, share=share)
    thresholds = ("faecal_fat_high", "absorption_result_window")
    yield AbsorptionSign("fat", words, (result,), thresholds, _lapse(result, protocol["absorption_result_window"]))


def _lapse(entry: Entry, days: float) -> datetime:
    return entry.effective + timedelta(days=days)
