"""The swimmer plot of a cohort: one lane a patient, treatment as bars, what happened as marks on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.figures.drawing import Spec
from dashboard.figures.ink import BLUE, GREEN, GREY, ORANGE, PURPLE, TEMPLATE, TEXT, VERMILLION, faint
from dashboard.language import _, message, separators

EventKind = Literal["response", "progression", "procedure", "death"]
LaneKind = Literal["analogue", "other"]
LANE = 26
"""Pixels a patient."""
EVENTS: dict[EventKind, tuple[str, str, str]] = {
    "response": ("triangle-up", GREEN, message("response read (CR, PR)")),
    "progression": ("x", VERMILLION, message("progression read")),
    "procedure": ("diamond", PURPLE, message("procedure")),
    "death": ("square", TEXT, message("death")),
}
BARS: dict[LaneKind, tuple[str, float, str]] = {
    "analogue": (BLUE, 0.18, message("somatostatin analogue")),
    "other": (ORANGE, -0.18, message("other treatment")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimBar:
    """A treatment from `start` to `end`, years since the patient's first one; `ongoing`: it was not ended."""

    kind: LaneKind
    start: float
    end: float
    ongoing: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimEvent:
    """Something that happened `at` years after the patient's first treatment."""

    kind: EventKind
    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimLane:
    """One patient."""

    name: str
    bars: tuple[SwimBar, ...]
    events: tuple[SwimEvent, ...]


def swimmer(lanes: Sequence[SwimLane]) -> Spec:
    """The figure, first patient on top. Analogue bars lie above the middle of a lane and others below it, so that the
    place says as much as the colour; a bar that goes on ends in an arrow."""
    height = max(len(lanes), 3) * LANE + 110
    traces: list[dict[str, Any]] = [_bars(lanes, kind) for kind in BARS]
    traces.append(_ongoing(lanes))
    traces += [_events(lanes, kind) for kind in EVENTS]
    layout: dict[str, Any] = {
        "template": TEMPLATE,
        "height": height,
        "barmode": "overlay",
        "hovermode": "closest",
        "separators": separators(),
        "margin": {"l": 170, "r": 24, "t": 44, "b": 46},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "yref": "paper", "font": {"size": 12}},
        "xaxis": {"title": {"text": _("years since the first treatment recorded")}, "zeroline": True},
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(lanes))),
            "ticktext": [lane.name for lane in lanes],
            "range": [len(lanes) - 0.4, -0.6],
            "showgrid": False,
        },
    }
    return {"data": traces, "layout": layout}


def _bars(lanes: Sequence[SwimLane], kind: LaneKind) -> dict[str, Any]:
    colour, above, words = BARS[kind]
    drawn = [(number, bar) for number, lane in enumerate(lanes) for bar in lane.bars if bar.kind == kind]
    return {
        "type": "bar",
        "orientation": "h",
        "name": _(words),
        "y": [number - above for number, _ in drawn],
        "base": [bar.start for _, bar in drawn],
        "x": [bar.end - bar.start for _, bar in drawn],
        "width": 0.34,
        "hovertext": [bar.label for _, bar in drawn],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"color": faint(colour, 0.45), "line": {"color": colour, "width": 1}},
    }


def _ongoing(lanes: Sequence[SwimLane]) -> dict[str, Any]:
    drawn = [(number, bar) for number, lane in enumerate(lanes) for bar in lane.bars if bar.ongoing]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _("goes on"),
        "x": [bar.end for _, bar in drawn],
        "y": [number - BARS[bar.kind][1] for number, bar in drawn],
        "hoverinfo": "skip",
        "cliponaxis": False,
        "marker": {"symbol": "triangle-right", "size": 10, "color": GREY},
    }


def _events(lanes: Sequence[SwimLane], kind: EventKind) -> dict[str, Any]:
    symbol, colour, words = EVENTS[kind]
    drawn = [(number, event) for number, lane in enumerate(lanes) for event in lane.events if event.kind == kind]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _(words),
        "x": [event.at for _, event in drawn],
        "y": [number for number, _ in drawn],
        "hovertext": [event.label for _, event in drawn],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        "marker": {"symbol": symbol, "size": 10, "color": colour, "line": {"width": 1, "color": "#FFFFFF"}},
    }
