"""Heart rate and QTc as the rules read them: slow, fast, long (clinical reference rules R23 and R35)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from clinical.assay import above_limit, below_limit, latest_told, words_of
from clinical.awaited import says_nothing
from clinical.chart import Chart, Entry, Result, Symptom
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.therapy import analogue_steps
from clinical.validity import plausible
from clinical.wording import days_between, listed

_SYMPTOMS = ("dyspnoea", "chest-pain", "palpitations")


@dataclass(frozen=True, slots=True)
class LongQtc:
    """The latest QTc where it is long. `rise` is by how many ms it exceeds the baseline, None where that cannot be
    said; `other_device` names the devices where they differ, so that the rise is not judged."""

    latest: Result
    baseline: Result | None
    rise: float | None
    other_device: str | None
    urgent: bool


def slow_pulse(chart: Chart, protocol: Protocol) -> tuple[Result | Symptom, ...]:
    """The latest two heart rates below the limit, or the latest below the higher one with a symptom near it."""
    readings = _readings(chart)
    if not readings or not below_limit(readings[-1], protocol["bradycardia_with_symptoms"]):
        return ()
    latest = readings[-1]
    twice = _twice(readings, lambda r: below_limit(r, protocol["bradycardia"]) is True, protocol)
    if twice:
        return twice
    symptom = _near(chart, latest, _SYMPTOMS, protocol)
    return () if symptom is None else (symptom, latest)


def fast_pulse(chart: Chart, protocol: Protocol) -> tuple[Result, ...]:
    """The latest two heart rates at or above the limit, or the latest where somebody noted it as fast in words."""
    readings = _readings(chart)
    if not readings or not _fast(readings[-1], protocol):
        return ()
    latest = readings[-1]
    if latest.value is None:
        return (latest,)
    return _twice(readings, lambda r: _fast(r, protocol), protocol)


def beside_fast_pulse(chart: Chart, latest: Result, protocol: Protocol) -> tuple[tuple[Entry, str], ...]:
    """What else may make the pulse fast: fever, anaemia, an overactive thyroid; with the entries that say so."""
    found: list[tuple[Entry, str]] = []
    fever = _near(chart, latest, ("fever",), protocol)
    if fever is not None:
        found.append((fever, say("fever")))
    for analyte, words in (("haemoglobin", say("anaemia")), ("tsh", say("low TSH")), ("free-t4", say("high free T4"))):
        result = latest_told(chart, analyte)
        if result is None or abs(days_between(result, latest)) > protocol["heart_blood_window"]:
            continue
        high = analyte == "free-t4"
        if above_limit(result, result.ref_high) if high else below_limit(result, result.ref_low):
            found.append((result, words))
    return tuple(found)


def long_qtc(chart: Chart, protocol: Protocol) -> LongQtc | None:
    """The latest QTc where it is long by itself or over its baseline, else None.

    The baseline is the last one before the first analogue, else the first one. A rise between devices is not judged.
    """
    known = [r for r in chart.of("qtc") if not says_nothing(r) and plausible(r)]
    if not known or known[-1].value is None:
        return None
    latest = known[-1]
    baseline = _baseline(chart, known)
    rise, other_device = None, None
    if baseline is not None and baseline.number is not None and latest.number is not None:
        if baseline.method and latest.method and baseline.method != latest.method:
            other_device = listed((baseline.method, latest.method))
        else:
            rise = latest.number - baseline.number
    risen = rise is not None and reaches(rise, protocol["qtc_rise"])
    if not (_at_least(latest, protocol["qtc_long"]) or risen):
        return None
    return LongQtc(latest, baseline, rise, other_device, urgent=_at_least(latest, protocol["qtc_urgent"]))


def _readings(chart: Chart) -> list[Result]:
    return [r for r in chart.of("heart-rate") if not says_nothing(r) and plausible(r)]


def _twice(readings: list[Result], is_so: Callable[[Result], bool], protocol: Protocol) -> tuple[Result, ...]:
    """The latest reading and one of the unbroken run before it that lies far enough from it to confirm it."""
    apart = timedelta(days=protocol["heart_rate_apart"])
    for before in takewhile(is_so, reversed(readings)):
        if readings[-1].effective - before.effective >= apart:
            return (before, readings[-1])
    return ()


def _fast(result: Result, protocol: Protocol) -> bool:
    if result.value is None:
        return above_limit(result, None) is True or "tachycardia" in words_of(result)
    return _at_least(result, protocol["tachycardia"])


def _at_least(result: Result, limit: float) -> bool:
    """Whether a number reaches a limit; `<x` never does."""
    return result.value is not None and result.comparator not in ("<", "<=") and reaches(result.value, limit)


def _near(chart: Chart, entry: Entry, names: tuple[str, ...], protocol: Protocol) -> Symptom | None:
    window = protocol["heart_signs_together"]
    present = (s for s in reversed(chart.symptoms) if s.present and s.name in names)
    return next((s for s in present if abs(days_between(s, entry)) <= window), None)


def _baseline(chart: Chart, known: list[Result]) -> Result | None:
    steps = analogue_steps(chart)
    before = [r for r in known if steps and r.effective.date() <= steps[0].entry.effective.date()]
    baseline = before[-1] if before else known[0]
    return None if baseline is known[-1] else baseline
