"""Whether a marker sample may be judged (clinical reference 4.4): only what is recorded against it disqualifies it.

What is not recorded does not; it is listed, so that a finding can say what nobody wrote down.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from clinical.analytes import CATALOGUE
from clinical.chart import Chart, CodedFinding, Result, Therapy
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.wording import day, quantity

_DISQUALIFIERS = {
    "haemolysed": say("haemolysed sample"),
    "wrong-tube": say("wrong tube"),
    "acute-illness": say("acute illness at the draw"),
    "rescue-glucagon": say("rescue glucagon before the draw"),
    "decompensated-cirrhosis": say("decompensated cirrhosis"),
}
_AT_THE_DRAW = timedelta(hours=2)
_BELOW = ("<", "<=")
_RANGES = {code: (analyte.plausible_low, analyte.plausible_high) for code, analyte in CATALOGUE.items()}
_ANY = (-inf, inf)
_SAME_DAY_PRECISION = frozenset({"day", "month", "year"})


def disqualified(sample: Result, chart: Chart, protocol: Protocol) -> tuple[str, ...]:
    """Why a marker sample is not judged, in words with the numbers; empty when nothing recorded speaks against it."""
    reasons: list[str] = [_DISQUALIFIERS.get(d, say(d)) for d in sample.disqualifiers] if sample.disqualifiers else []
    if sample.fasting is False:
        reasons.append(say("not fasting"))
    if not plausible(sample):
        reasons.append(say("implausible value {quantity}", quantity=quantity(sample.value, sample.unit)))
    if sample.analyte == "glucagon":
        beside = _beside(chart)
        if beside.glucose:
            reasons += _low_glucose(sample, beside.glucose, protocol)
        if beside.egfr:
            reasons += _low_egfr(sample, beside.egfr, protocol)
        if beside.crp:
            reasons += _inflammation(sample, chart, protocol)
        if beside.cirrhosis:
            reasons += _cirrhosis(sample, beside.cirrhosis, protocol)
        if beside.rescue:
            reasons += _rescue(sample, beside.rescue, protocol)
    return tuple(reasons)


class _Beside(NamedTuple):
    """What a chart holds that may speak against a glucagon; glucose by the ordinal of its day."""

    glucose: dict[int, list[Result]]
    egfr: tuple[Result, ...]
    crp: tuple[Result, ...]
    cirrhosis: tuple[CodedFinding, ...]
    rescue: tuple[Therapy, ...]


def _beside(chart: Chart) -> _Beside:
    return chart.derived("beside-glucagon", lambda: _gathered(chart))


def _gathered(chart: Chart) -> _Beside:
    glucose: dict[int, list[Result]] = {}
    for result in chart.of("glucose", "glucose-fasting"):
        glucose.setdefault(result.effective.toordinal(), []).append(result)
    return _Beside(
        glucose=glucose,
        egfr=chart.of("egfr"),
        crp=chart.of("crp"),
        cirrhosis=tuple([f for f in chart.findings if f.code == "decompensated-cirrhosis"]),
        rescue=tuple([t for t in chart.therapy if t.drug == "glucagon"]),
    )


def acute_illness(sample: Result, chart: Chart, protocol: Protocol) -> tuple[str, ...]:
    """What says that a sample was drawn in acute illness, in words with the numbers; empty where nothing does."""
    recorded = [_DISQUALIFIERS[d] for d in sample.disqualifiers if d == "acute-illness"]
    return (*recorded, *_inflammation(sample, chart, protocol))


def plausible(sample: Result) -> bool:
    """Whether a number lies within the plausible range of its analyte; a value that is no plain number does."""
    value = sample.value
    if value is None:
        return True
    low, high = _RANGES.get(sample.analyte, _ANY)
    return low <= value <= high if sample.comparator not in _BELOW else value >= 0


def plausible_numbers(analyte: str, results: Sequence[Result]) -> tuple[Result, ...]:
    """The results of one analyte with a number within its plausible range, in their order."""
    low, high = _RANGES.get(analyte, _ANY)
    return tuple(
        [
            r
            for r in results
            if r.value is not None and (low <= r.value <= high if r.comparator not in _BELOW else r.value >= 0)
        ]
    )


def not_recorded(sample: Result, chart: Chart) -> tuple[str, ...]:
    """What would have been good to know of a marker sample and nobody recorded."""
    missing = [
        name
        for name, value in (
            (say("fasting state"), sample.fasting),
            (say("laboratory"), sample.lab),
            (say("method"), sample.method),
        )
        if value is None
    ]
    if sample.ref_high is None:
        missing.append(say("upper limit"))
    if sample.analyte == "glucagon":
        if not _glucose_at(sample, _beside(chart).glucose):
            missing.append(say("glucose at the draw"))
        if _last_by(chart.of("egfr"), sample.effective) is None:
            missing.append(say("eGFR"))
    return tuple(missing)


def _low_glucose(sample: Result, by_day: dict[int, list[Result]], protocol: Protocol) -> list[str]:
    limit = protocol["valid_least_glucose"]
    return [
        say("glucose {quantity} at the draw", quantity=quantity(g.value, g.unit))
        for g in _glucose_at(sample, by_day)
        if g.value is not None and g.value < limit and g.comparator in (None, "<", "<=")
    ]


def _glucose_at(sample: Result, by_day: dict[int, list[Result]]) -> list[Result]:
    day_of = sample.effective.toordinal()
    # Around midnight the neighbouring day may hold the same draw.
    near = [r for day in (day_of - 1, day_of, day_of + 1) for r in by_day.get(day, ())]
    return [r for r in near if _drawn_together(r, sample)]


def _drawn_together(one: Result, other: Result) -> bool:
    if one.precision in _SAME_DAY_PRECISION or other.precision in _SAME_DAY_PRECISION:
        return one.effective.date() == other.effective.date()
    return abs(one.effective - other.effective) <= _AT_THE_DRAW


def _low_egfr(sample: Result, results: Sequence[Result], protocol: Protocol) -> list[str]:
    egfr = _last_by(results, sample.effective)
    if egfr is None or egfr.value is None or egfr.comparator in (">", ">="):
        return []
    window = timedelta(days=protocol["valid_condition_window"])
    if sample.effective - egfr.effective > window or egfr.value >= protocol["valid_least_egfr"]:
        return []
    return [say("eGFR {quantity} on {date}", quantity=quantity(egfr.value, egfr.unit), date=day(egfr))]


def _inflammation(sample: Result, chart: Chart, protocol: Protocol) -> list[str]:
    results = chart.of("crp")
    crp = _nearest(results, sample.effective) if results else None
    if crp is None or crp.value is None or crp.comparator in ("<", "<=") or crp.value < protocol["valid_most_crp"]:
        return []
    if abs(crp.effective - sample.effective) > timedelta(days=protocol["valid_crp_window"]):
        return []
    return [
        say(
            "acute illness (CRP {quantity} on {date})",
            quantity=quantity(crp.value, crp.unit, crp.comparator),
            date=day(crp),
        )
    ]


def _last_by(results: Sequence[Result], moment: datetime) -> Result | None:
    """The last result up to the day of `moment`."""
    day_of = moment.toordinal()
    for result in reversed(results):
        if result.effective.toordinal() <= day_of:
            return result
    return None


def _nearest(results: Sequence[Result], moment: datetime) -> Result:
    at = bisect_left(results, moment, key=lambda r: r.effective)
    around = results[max(0, at - 1) : at + 1]
    return min(around, key=lambda r: abs(r.effective - moment))


def _cirrhosis(sample: Result, recorded: Sequence[CodedFinding], protocol: Protocol) -> list[str]:
    window = timedelta(days=protocol["valid_condition_window"])
    return [
        say("decompensated cirrhosis on {date}", date=day(f))
        for f in recorded
        if abs(f.effective - sample.effective) <= window
    ]


def _rescue(sample: Result, given: Sequence[Therapy], protocol: Protocol) -> list[str]:
    window = timedelta(hours=protocol["valid_rescue_glucagon"])
    return [
        say("rescue glucagon on {date}", date=day(t))
        for t in given
        if timedelta(0) <= sample.effective - t.effective < window
    ]
