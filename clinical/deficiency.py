"""Vitamins and minerals that are low, held against clinical reference section 7 (rule R20).

Each nutrient is judged by its latest result. Thresholds are those of the protocol; copper, folate, vitamin K1 and
PIVKA-II, for which section 7 has none, are held against the limit of their own laboratory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from clinical.assay import above_limit, below_limit, latest_told, measured
from clinical.chart import Chart, Entry, Result
from clinical.finding import Suppressed
from clinical.inflammation import inflammation, inflammation_in_words
from clinical.numbers import exceeds, reaches
from clinical.nutrition import zinc_threshold
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.therapy import ANTICOAGULANTS, running
from clinical.units import convert
from clinical.wording import day, number, quantity, said

FAT_SOLUBLE = ("vitamin-a", "vitamin-d", "vitamin-e", "vitamin-k1", "inr", "pivka-ii")
NAMES = {
    "vitamin-a": say("vitamin A"),
    "vitamin-d": say("vitamin D"),
    "vitamin-e": say("vitamin E"),
    "vitamin-k1": say("vitamin K1"),
    "inr": "INR",
    "pivka-ii": "PIVKA-II",
    "b12": say("vitamin B12"),
    "active-b12": say("active vitamin B12"),
    "mma": say("methylmalonic acid"),
    "folate": say("folate"),
    "zinc": say("zinc"),
    "copper": say("copper"),
    "efa-ratio": say("triene:tetraene ratio"),
}
_FALLS_WITH_INFLAMMATION = frozenset({"zinc", "vitamin-a"})
_REPLACED_BY = {
    "inr": "vitamin-k",
    "pivka-ii": "vitamin-k",
    "vitamin-k1": "vitamin-k",
    "active-b12": "b12",
    "mma": "b12",
    "efa-ratio": "essential-fatty-acids",
}
_GIVEN = {"vitamin-k": say("vitamin K"), "essential-fatty-acids": say("essential fatty acids")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """How a result lies beyond its limit: by which limit, and by the protocol threshold it comes from, where it does.

    `limit` is None where only the laboratory's words tell; `above` for what deficiency raises.
    """

    limit: float | None
    unit: str | None
    above: bool = False
    severe: bool = False
    threshold: str | None = None
    tags: tuple[str, ...] = ()
    not_recorded: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`below 12 ng/mL`."""
        if self.limit is None:
            if self.above:
                return say("called above its range by the laboratory")
            return say("called below its range by the laboratory")
        limit = quantity(self.limit, self.unit)
        return say("above {limit}", limit=limit) if self.above else say("below {limit}", limit=limit)


@dataclass(frozen=True, slots=True)
class Deficiency:
    """A nutrient whose latest result is beyond its limit, tags for the reviewer, and the entries the tags rest on."""

    result: Result
    beyond: Beyond
    tags: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Deficiencies:
    """Every deficiency, and what was not judged and why."""

    found: tuple[Deficiency, ...]
    not_judged: tuple[Suppressed, ...]


_Judge = Callable[[Chart, Result, Protocol], Beyond | Suppressed | None]


def deficiencies(chart: Chart, protocol: Protocol) -> Deficiencies:
    """Every nutrient of section 7 that is beyond its limit by its latest result."""
    return chart.derived(("deficiencies", protocol.version), lambda: _deficiencies(chart, protocol))


def tocopherol_per_cholesterol(chart: Chart, vitamin_e: Result) -> float | None:
    """Alpha-tocopherol in µmol per mmol of cholesterol of the same day, where its lipids are outside their range.

    14 µmol/L with 3.5 mmol/L is 4.0. None where the lipids are in range, or were not measured with their range.
    """
    same_day = {
        r.analyte: r
        for r in measured(chart, "cholesterol", "triglycerides")
        if r.effective.date() == vitamin_e.effective.date() and r.number
    }
    cholesterol = same_day.get("cholesterol")
    outside = any(above_limit(r, r.ref_high) or below_limit(r, r.ref_low) for r in same_day.values())
    if cholesterol is None or not cholesterol.number or not outside or vitamin_e.number is None:
        return None
    millimol = convert("cholesterol", Decimal(repr(cholesterol.number)), "mg/dL", "mmol/L")
    return _molar(vitamin_e.number) / millimol


def _deficiencies(chart: Chart, protocol: Protocol) -> Deficiencies:
    found: list[Deficiency] = []
    not_judged: list[Suppressed] = []
    there = chart.by_analyte()
    for analyte in [name for name in NUTRIENTS if name in there]:
        judge, result = NUTRIENTS[analyte], latest_told(chart, analyte)
        judged = None if result is None else judge(chart, result, protocol)
        if isinstance(judged, Suppressed):
            not_judged.append(judged)
        elif judged is not None and result is not None:
            found.append(_tagged(chart, result, judged, protocol))
    return Deficiencies(tuple(found), tuple(not_judged))


def _tagged(chart: Chart, result: Result, beyond: Beyond, protocol: Protocol) -> Deficiency:
    tags = beyond.tags
    shown: tuple[Result, ...] = ()
    if result.analyte in _FALLS_WITH_INFLAMMATION:
        shown = inflammation(chart, result, protocol)
        if shown:
            tags += (say("inflammation lowers it by itself: {results}", results=inflammation_in_words(shown)),)
    drug = _REPLACED_BY.get(result.analyte, result.analyte)
    replaced = [t for t in chart.therapy if t.drug == drug and t.kind != "stop"]
    if replaced:
        tags += (
            say("{drug} given, last recorded on {date}", drug=_GIVEN.get(drug) or NAMES[drug], date=day(replaced[-1])),
        )
    return Deficiency(result, beyond, tags, shown)


def _by(
    protocol: Protocol,
    threshold: str,
    result: Result,
    *,
    above: bool = False,
    severe: bool = False,
    tags: tuple[str, ...] = (),
    not_recorded: tuple[str, ...] = (),
) -> Beyond:
    """Beyond a threshold of the protocol."""
    named = protocol.threshold(threshold)
    return Beyond(
        limit=None if result.value is None else named.value,
        unit=named.unit,
        above=above,
        severe=severe,
        threshold=threshold,
        tags=tags,
        not_recorded=not_recorded,
    )


def _below(low: str, severe: str | None = None) -> _Judge:
    """A judge by thresholds of the protocol in the canonical unit of the analyte."""

    def judge(_chart: Chart, result: Result, protocol: Protocol) -> Beyond | None:
        if not below_limit(result, protocol[low]):
            return None
        if severe is not None and result.value is not None and below_limit(result, protocol[severe]):
            return _by(protocol, severe, result, severe=True)
        return _by(protocol, low, result)

    return judge


def _above(high: str) -> _Judge:
    """The same for what deficiency raises; the laboratory's words alone do not tell, as its limit may be another."""

    def judge(_chart: Chart, result: Result, protocol: Protocol) -> Beyond | None:
        high_number = result.value is not None and above_limit(result, protocol[high])
        return _by(protocol, high, result, above=True) if high_number else None

    return judge


def _below_own_limit(_chart: Chart, result: Result, _protocol: Protocol) -> Beyond | None:
    return _own(result, result.ref_low) if below_limit(result, result.ref_low) else None


def _own(result: Result, limit: float | None, *, above: bool = False) -> Beyond:
    """Beyond a limit that is no single threshold of the protocol."""
    shown = None if result.value is None else limit
    return Beyond(limit=shown, unit=result.unit, above=above)


def _zinc(chart: Chart, result: Result, protocol: Protocol) -> Beyond | None:
    threshold = zinc_threshold(chart, result)
    if not below_limit(result, protocol[threshold]):
        return None
    return _by(protocol, threshold, result, not_recorded=(say("fasting state"),) if result.fasting is None else ())


def _vitamin_e(chart: Chart, result: Result, protocol: Protocol) -> Beyond | None:
    if result.value is None:
        return _by(protocol, "vitamin_e_low", result) if below_limit(result, None) else None
    ratio = tocopherol_per_cholesterol(chart, result)
    if ratio is not None:
        low = exceeds(protocol["vitamin_e_ratio_low"], ratio)
        tag = say("{number} µmol per mmol of cholesterol, as blood lipids are abnormal", number=number(ratio))
        return _by(protocol, "vitamin_e_ratio_low", result, tags=(tag,)) if low else None
    molar, limit = _molar(result.value), protocol["vitamin_e_low"]
    censored_low = result.comparator in ("<", "<=") and reaches(limit, molar)
    plainly_low = result.comparator is None and exceeds(limit, molar)
    if not (censored_low or plainly_low):
        return None
    return _by(protocol, "vitamin_e_low", result, tags=(say("{number} µmol/L", number=number(molar)),))


def _molar(vitamin_e: float) -> float:
    return convert("vitamin-e", Decimal(repr(vitamin_e)), "mg/L", "umol/L")


def _inr(chart: Chart, result: Result, protocol: Protocol) -> Beyond | Suppressed | None:
    if result.value is None or not above_limit(result, protocol["inr_high"]):
        return None
    severe = bool(above_limit(result, protocol["inr_severe"]))
    beyond = _by(protocol, "inr_severe" if severe else "inr_high", result, above=True, severe=severe)
    return _unless_explained(chart, result, beyond, protocol)


def _pivka(chart: Chart, result: Result, protocol: Protocol) -> Beyond | Suppressed | None:
    if not above_limit(result, result.ref_high):
        return None
    return _unless_explained(chart, result, _own(result, result.ref_high, above=True), protocol)


def _unless_explained(chart: Chart, result: Result, beyond: Beyond, protocol: Protocol) -> Beyond | Suppressed:
    """Clotting speaks of vitamin K unless an anticoagulant or a failing liver slows it."""
    washout = timedelta(days=protocol["anticoagulant_washout"])
    given = (
        *running(chart, ANTICOAGULANTS, result.effective),
        *running(chart, ANTICOAGULANTS, result.effective - washout),
    )
    window = timedelta(days=protocol["valid_condition_window"])
    failing = [
        f
        for f in chart.findings
        if f.code == "decompensated-cirrhosis" and abs(f.effective - result.effective) <= window
    ]
    if not (given or failing):
        return beyond
    why = (
        say("on an anticoagulant ({drug})", drug=given[0].drug)
        if given
        else say("decompensated cirrhosis on {date}", date=day(failing[0]))
    )
    what = say(
        "vitamin K by {name} {value} of {date}", name=NAMES[result.analyte], value=said(result), date=day(result)
    )
    return Suppressed(what=what, why=why)


def _mma(chart: Chart, result: Result, protocol: Protocol) -> Beyond | Suppressed | None:
    if result.value is None or not above_limit(result, protocol["mma_high"]):
        return None
    by_then = (r for r in reversed(measured(chart, "egfr")) if r.effective.date() <= result.effective.date())
    egfr = next(by_then, None)
    if egfr is not None and below_limit(egfr, protocol["mma_least_egfr"]):
        what = say("{name} {value} of {date}", name=NAMES["mma"], value=said(result), date=day(result))
        return Suppressed(what=what, why=say("eGFR {value} on {date}", value=said(egfr), date=day(egfr)))
    return _by(protocol, "mma_high", result, above=True, not_recorded=(say("eGFR"),) if egfr is None else ())


NUTRIENTS: Mapping[str, _Judge] = {
    "vitamin-a": _below("vitamin_a_low", "vitamin_a_severe"),
    "vitamin-d": _below("vitamin_d_low", "vitamin_d_severe"),
    "vitamin-e": _vitamin_e,
    "vitamin-k1": _below_own_limit,
    "inr": _inr,
    "pivka-ii": _pivka,
    "b12": _below("b12_low"),
    "active-b12": _below("active_b12_low"),
    "mma": _mma,
    "folate": _below_own_limit,
    "zinc": _zinc,
    "copper": _below_own_limit,
    "efa-ratio": _above("efa_ratio_high"),
}
