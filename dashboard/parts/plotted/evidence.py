"""What the chart of a flag shows: for each value the flag rests on the channel it belongs to, the value ringed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from clinical.analytes import CATALOGUE
from clinical.change import MARKERS, marker_course
from clinical.chart import Chart
from clinical.protocol import Protocol
from clinical.wording import listed
from dashboard.figures.series import (
    AnalytePanel,
    AnyPanel,
    LesionPanel,
    MarkerPanel,
    Points,
    Shown,
    SkinPanel,
    Span,
    floats,
)
from dashboard.language import _, counted, tell
from dashboard.parts.coded import coded, threshold_name
from dashboard.parts.plotted.channels import lesion_panel, skin_panel
from dashboard.parts.plotted.labels import plain
from dashboard.parts.plotted.marker import marker_panel
from dashboard.parts.plotted.others import analyte_panel
from dashboard.parts.quantities import quantity
from dashboard.parts.times import Clock, wall_ms
from data.trends import Trends

BEFORE = timedelta(days=270)
KIND_OF_PANEL = {"skin": "skin", "lesion": "imaging", "response": "imaging"}

Flag = Mapping[str, Any]


def shown_evidence(flag: Flag, trends: Trends, protocol: Protocol, clock: Clock) -> list[Shown]:
    """A panel for each channel of the flag's evidence, in the order of the evidence; empty when none can be drawn."""
    return list(_panels(flag, trends, protocol, clock))


def summary(shown: Sequence[Shown]) -> str:
    """One sentence that says which channels the chart shows and which values are ringed."""
    names = tell(listed(_name(s.panel) for s in shown))
    ringed = sum(len(s.rings) for s in shown)
    if not ringed:
        return f"{names}."
    return counted(
        "{names}; the value this flag rests on is ringed.",
        "{names}; the {n} values used are ringed.",
        ringed,
        names=names,
    )


def shown_from(flag: Flag, clock: Clock) -> float:
    """Where the chart begins: some time before the earliest value used or compared with, in ms."""
    moments = [_moment(e["effective"]) for e in flag["finding"]["evidence"]]
    compared = flag["finding"]["compared_with"]
    if compared is not None and compared["effective"] is not None:
        moments.append(_moment(compared["effective"]))
    moments.append(_moment(flag["first_evidence_at"]))
    return clock.at(min(moments) - BEFORE)


def _panels(flag: Flag, trends: Trends, protocol: Protocol, clock: Clock) -> Iterator[Shown]:
    chart = trends.chart
    by_analyte = [e["analyte"] for e in flag["finding"]["evidence"] if e["analyte"] is not None]
    for analyte in dict.fromkeys(a for a in by_analyte if chart.of(a)):
        rings = _rings([e for e in flag["finding"]["evidence"] if e["analyte"] == analyte], clock)
        if analyte in MARKERS:
            yield Shown(panel=marker_panel(marker_course(chart, protocol, analyte), clock), rings=rings)
        else:
            yield Shown(panel=_analyte(chart, analyte, flag, clock), rings=rings)
    kinds = {KIND_OF_PANEL.get(e["kind"]) for e in flag["finding"]["evidence"]}
    if "imaging" in kinds:
        yield Shown(panel=lesion_panel(trends.scans, chart.lesions, chart.responses, clock))
    if "skin" in kinds:
        yield Shown(panel=skin_panel(chart.skin, clock))


def _name(panel: AnyPanel) -> str:
    if isinstance(panel, MarkerPanel | AnalytePanel):
        return panel.name
    return {LesionPanel: _("Imaging"), SkinPanel: _("Skin")}.get(type(panel), _("Glucose"))


def _rings(evidence: Sequence[Mapping[str, Any]], clock: Clock) -> Points:
    numbers = [e for e in evidence if e["value"] is not None]
    return Points(
        at=floats([wall_ms(_moment(e["effective"]), e["precision"], clock.zone) for e in numbers]),
        value=floats([e["value"] for e in numbers]),
        label=tuple("" for _ in numbers),
    )


def _analyte(chart: Chart, analyte: str, flag: Flag, clock: Clock) -> AnalytePanel:
    known = CATALOGUE.get(analyte)
    levels = _levels(flag, known.canonical_unit if known else None, clock)
    return replace(analyte_panel(chart.of(analyte), analyte, clock), levels=tuple(levels))


def _levels(flag: Flag, unit: str | None, clock: Clock) -> Iterator[Span]:
    """The thresholds and the compared value that are in the unit of the panel; others have no place on its axis."""
    start, end = shown_from(flag, clock), clock.at(clock.now)
    for threshold in flag["finding"]["thresholds"]:
        if threshold["unit"] == unit and isinstance(threshold["value"], int | float):
            words = plain(f"{threshold_name(threshold['name'])} {quantity(threshold['value'], unit)}")
            yield Span(start=start, end=end, high=float(threshold["value"]), label=words)
    compared = flag["finding"]["compared_with"]
    if compared is not None and compared["value"] is not None and compared["unit"] == unit:
        words = plain(f"{coded(compared['kind'])} {quantity(compared['value'], unit)}")
        yield Span(start=start, end=end, high=compared["value"], label=words)


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
