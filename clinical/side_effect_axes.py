"""Where the channels glucose, absorption and biliary stand: what an analogue does beside the tumour, in the words of
`clinical.channel`. As in `clinical.axes`, what no rule calls worse is stable only where it was looked at twice, lately.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clinical.absorption import AbsorptionSign, absorption_signs
from clinical.analytes import CATALOGUE
from clinical.assay import below_limit, latest_told, measured
from clinical.biliary import gallbladder_removed
from clinical.channel import ChannelName, ChannelState, ChannelWord
from clinical.chart import BiliaryUltrasound, Chart, Entry
from clinical.cholestasis import cholestasis
from clinical.deficiency import NUTRIENTS
from clinical.finding import Finding
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import found_by
from clinical.sensor_window import days_of, enough, window_now
from clinical.stones import tells_of_stones
from clinical.wording import day, days_between, listed, number, said

_ABSORPTION = (*NUTRIENTS, "elastase", "faecal-fat")


def glucose_state(chart: Chart, protocol: Protocol, now: datetime) -> ChannelState:
    """Where glucose stands: too high or too low is worse, HbA1c well below that of 3 to 6 months ago is better."""
    found = [*found_by("R21", chart, protocol, now), *found_by("R22", chart, protocol, now)]
    if found:
        return _of_findings("glucose", "worse", found)
    results = measured(chart, "hba1c", "glucose-fasting", "glucose")
    window = window_now(chart, protocol, now)
    if window is not None and enough(window, protocol):
        shown = f"sensor above 250 mg/dL {100 * window.high:.1f} %, below 54 mg/dL {100 * window.low:.1f} %"
        return ChannelState("glucose", "stable", f"{shown} of {days_of(window.days)} days", window.days[-1].effective)
    if not results:
        return ChannelState("glucose", "unknown", "glucose never measured", None)
    last = results[-1]
    told = f"{CATALOGUE[last.analyte].name} {said(last)} on {day(last)}"
    doubt = _doubt(last, [r for r in results if r.analyte == last.analyte], now, protocol["channel_glucose_age"])
    if doubt:
        return ChannelState("glucose", "unknown", f"{told}, {doubt}", None)
    return ChannelState("glucose", "better" if _hba1c_fell(chart, protocol) else "stable", told, last.effective)


def absorption_state(chart: Chart, protocol: Protocol, now: datetime) -> ChannelState:
    """Where absorption and nutrition stand. A single sign or a single low nutrient is not confirmed by another."""
    malabsorption = found_by("R19", chart, protocol, now)
    low = found_by("R20", chart, protocol, now)
    severe = [f for f in low if f.severity == "high"]
    for confirmed in (malabsorption, severe):
        if confirmed:
            return _of_findings("absorption", "worse", confirmed)
    for alone in (low, found_by("R36", chart, protocol, now)):
        if alone:
            return _of_findings("absorption", "worse, unconfirmed", alone)
    signs = absorption_signs(chart, protocol, now)
    if signs:
        words = "; ".join(sign.words for sign in signs) + _repeat(chart, signs, protocol)
        since = min(entry.effective for sign in signs for entry in sign.entries)
        return ChannelState("absorption", "worse, unconfirmed", words, since)
    latest = [r for r in (latest_told(chart, analyte) for analyte in _ABSORPTION) if r is not None]
    if not latest:
        return ChannelState("absorption", "unknown", "no vitamin, mineral or stool test recorded", None)
    last = max(latest, key=lambda r: (r.effective, r.record))
    that_day = [r for r in latest if r.effective.date() == last.effective.date()]
    told = f"{listed(f'{CATALOGUE[r.analyte].name} {said(r)}' for r in that_day)} on {day(last)}"
    doubt = _doubt(last, chart.of(*_ABSORPTION), now, protocol["channel_absorption_age"])
    if doubt:
        return ChannelState("absorption", "unknown", f"{told}, {doubt}", None)
    return ChannelState("absorption", "stable", told, last.effective)


def biliary_state(chart: Chart, protocol: Protocol, now: datetime) -> ChannelState:
    """Where gallbladder and bile ducts stand; stones that stay as they were are stable, stones that went are better."""
    new = [f for f in found_by("R15", chart, protocol, now) if f.severity == "medium"]
    for findings in (found_by("R16", chart, protocol, now), new, found_by("R17", chart, protocol, now)):
        if findings:
            return _of_findings("biliary", "worse", findings)
    enzymes = cholestasis(chart, protocol)
    if enzymes is not None:
        first = enzymes.run[0].results[0].effective
        return ChannelState("biliary", "worse, unconfirmed", enzymes.run[-1].words, first)
    looks = [u for u in chart.biliary if tells_of_stones(u)]
    if not looks:
        missing = "gallbladder removed" if gallbladder_removed(chart) else "no ultrasound of the gallbladder recorded"
        return ChannelState("biliary", "unknown", missing, None)
    last = looks[-1]
    told = f"{_look(last)} on {day(last)}"
    doubt = _doubt(last, looks, now, protocol["channel_biliary_age"])
    if doubt:
        return ChannelState("biliary", "unknown", f"{told}, {doubt}", None)
    gone = not _shows(last) and _shows(looks[-2])
    return ChannelState("biliary", "better" if gone else "stable", told, last.effective)


def _repeat(chart: Chart, signs: Sequence[AbsorptionSign], protocol: Protocol) -> str:
    """A low elastase that nothing else supports is repeated, unless it is very low."""
    elastase = latest_told(chart, "elastase")
    if [sign.name for sign in signs] != ["elastase"] or elastase is None:
        return ""
    return "" if below_limit(elastase, protocol["elastase_no_repeat"]) else ", alone: repeat it?"


def _of_findings(channel: ChannelName, word: ChannelWord, findings: Sequence[Finding]) -> ChannelState:
    since = min(finding.first_evidence_at for finding in findings)
    return ChannelState(channel, word, "; ".join(f.why.removesuffix(".") for f in findings), since)


def _doubt(last: Entry, looks: Sequence[Entry], now: datetime, age: float) -> str | None:
    """Why the last look says nothing of the present: too old, or the only one."""
    if (now.date() - last.effective.date()).days > age:
        return "nothing newer"
    if not any(days_between(look, last) > 0 for look in looks):
        return "nothing to compare it with"
    return None


def _hba1c_fell(chart: Chart, protocol: Protocol) -> bool:
    results = [r for r in measured(chart, "hba1c") if r.number is not None]
    if not results:
        return False
    last = results[-1]
    earliest, latest = protocol["hba1c_rise_earliest"], protocol["hba1c_rise_latest"]
    before = [r.number or 0.0 for r in results[:-1] if earliest <= days_between(r, last) <= latest]
    return bool(before) and reaches(max(before) - (last.number or 0.0), protocol["hba1c_rise"])


def _shows(look: BiliaryUltrasound) -> bool:
    return look.stones in ("single", "multiple") or look.sludge is True or look.cbd_stone is True


def _look(look: BiliaryUltrasound) -> str:
    found = [
        *(["a stone"] if look.stones == "single" else ["stones"] if look.stones == "multiple" else []),
        *(["sludge"] if look.sludge else []),
        *(["a stone in the bile duct"] if look.cbd_stone else []),
    ]
    size = f", up to {number(look.max_mm)} mm" if found and look.max_mm is not None else ""
    return f"{listed(found)}{size}" if found else "no stones seen"
