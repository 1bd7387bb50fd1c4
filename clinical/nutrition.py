"""Nutrients that can make the skin worse by themselves, looked up beside worse skin (clinical reference 7, R11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clinical.assay import above_limit, below_limit, words_of
from clinical.chart import Chart, Entry, Result
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.wording import day, days_between, said

_NOON = 12


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One line of inquiry: what is missing, what speaks against, what was found, and the entries it rests on."""

    missing: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()


def zinc_threshold(chart: Chart, result: Result) -> str:
    """The entry of the protocol below which a zinc (µg/dL) is low: by sex, fasting state and hour. What is not recorded
    counts as the stricter side: men's limit, fasting, morning."""
    sex = "women" if chart.sex == "female" else "men"
    if result.precision in ("minute", "second") and result.effective.hour >= _NOON:
        return f"zinc_low_{sex}_afternoon"
    return f"zinc_low_{sex}_not_fasting" if result.fasting is False else f"zinc_low_{sex}"


def nutrients_beside(chart: Chart, moment: Entry, protocol: Protocol) -> Inquiry:
    """Zinc, albumin, and amino or essential fatty acids around `moment`: missing, low, or recorded and not low."""
    zinc = _latest(chart, "zinc", moment, protocol)
    albumin = _latest(chart, "albumin", moment, protocol)
    amino = _latest(chart, "amino-acids", moment, protocol)
    fatty = _latest(chart, "efa-ratio", moment, protocol)
    missing = [name for name, result in ((say("zinc"), zinc), (say("albumin"), albumin)) if result is None]
    if amino is None and fatty is None:
        missing.append(say("amino acids or essential fatty acids"))
    looked_at: list[tuple[str, Result, Callable[[Result], bool | None]]] = []
    if zinc is not None:
        looked_at.append((say("zinc"), zinc, lambda r: below_limit(r, protocol[zinc_threshold(chart, r)])))
    if albumin is not None:
        looked_at.append((say("albumin"), albumin, lambda r: below_limit(r, protocol["albumin_low"])))
    if amino is not None:
        looked_at.append((say("amino acids"), amino, lambda r: below_limit(r, r.ref_low)))
    if fatty is not None:
        looked_at.append((say("triene:tetraene ratio"), fatty, lambda r: above_limit(r, protocol["efa_ratio_high"])))
    against: list[str] = []
    found: list[str] = []
    for name, result, is_low in looked_at:
        low = is_low(result)
        told = say("{name} {value} on {date}", name=name, value=said(result), date=day(result))
        if low is None:
            missing.append(say("a limit for {told}", told=told))
        else:
            (against if low else found).append(
                say("{nutrient} (abnormal)", nutrient=told) if low else say("{nutrient} (not low)", nutrient=told)
            )
    return Inquiry(tuple(missing), tuple(against), tuple(found), tuple(result for _, result, _ in looked_at))


def _latest(chart: Chart, analyte: str, moment: Entry, protocol: Protocol) -> Result | None:
    window = protocol["skin_nutrient_window"]
    told = (r for r in reversed(chart.of(analyte)) if r.value is not None or words_of(r))
    return next((r for r in told if days_between(r, moment) <= window), None)
