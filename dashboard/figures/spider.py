"""The spider of a cohort: sums of target lesions and glucagon of each patient as percent of its own baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.figures.drawing import Spec
from dashboard.figures.ink import BLUE, GREEN, GREY, TEMPLATE, VERMILLION
from dashboard.language import _, separators

PARTIAL_RESPONSE = 70.0
PROGRESSION = 120.0
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiderLine:
    """One patient: `months` since the baseline, which is the first point, and `percent` of it; `labels` for each."""

    name: str
    months: tuple[float, ...]
    percent: tuple[float, ...]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.months) == len(self.percent) == len(self.labels):
            raise ValueError("a line has one month, one percentage and one label for each point")


def spider(sums: Sequence[SpiderLine], glucagon: Sequence[SpiderLine]) -> Spec:
    """Two panels over the months since each patient's baseline. The colour of a line says where it ends: fallen, near
    its baseline, or risen. Names stand at the end of lines that left the middle; pointing tells the rest."""
    layout: dict[str, Any] = {
        "template": TEMPLATE,
        "height": 720,
        "margin": {"l": 64, "r": 24, "t": 34, "b": 48},
        "hovermode": "closest",
        "separators": separators(),
        "xaxis": {"domain": [0, 1], "anchor": "y", "matches": "x2", "rangemode": "tozero", "showticklabels": False},
        "xaxis2": {
            "domain": [0, 1],
            "anchor": "y2",
            "rangemode": "tozero",
            "title": {"text": _("months since baseline")},
        },
        "yaxis": {"domain": [0.56, 1], "anchor": "x", "ticksuffix": " %", "rangemode": "tozero"},
        "yaxis2": {"domain": [0, 0.46], "anchor": "x2", "ticksuffix": " %", "type": "log", "dtick": "D2"},
        "shapes": [
            _level(PARTIAL_RESPONSE, "y"),
            _level(PROGRESSION, "y"),
            _level(100.0, "y"),
            _level(100.0, "y2"),
        ],
        "annotations": [
            _title(f"<b>{_('Sum of target lesions')}</b>, {_('% of baseline; dashed: -30 % and +20 %')}", 1.0),
            _title(f"<b>{_('Glucagon')}</b>, {_('% of baseline, logarithmic')}", 0.46),
        ],
    }
    traces = [_trace(line, "x", "y", number, names=(GREEN, VERMILLION)) for number, line in enumerate(sums)]
    traces += [_trace(line, "x2", "y2", number, names=(VERMILLION,)) for number, line in enumerate(glucagon)]
    return {"data": traces, "layout": layout}


def ending_colour(percent: float) -> str:
    """Green from -30 % on, vermillion from +20 % on, blue between."""
    return GREEN if percent <= PARTIAL_RESPONSE else VERMILLION if percent >= PROGRESSION else BLUE


def _trace(line: SpiderLine, x: str, y: str, number: int, *, names: tuple[str, ...]) -> dict[str, Any]:
    colour = ending_colour(line.percent[-1])
    named = [""] * (len(line.percent) - 1) + [line.name if colour in names else ""]
    return {
        "type": "scatter",
        "mode": "lines+markers+text",
        "name": line.name,
        "x": line.months,
        "y": line.percent,
        "text": named,
        "textposition": "top center",
        "textfont": {"size": 10},
        "hovertext": line.labels,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "line": {"color": colour, "width": 1.4},
        "marker": {"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 6, "color": colour},
        "showlegend": False,
        "xaxis": x,
        "yaxis": y,
    }


def _level(percent: float, axis: str) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": axis,
        "y0": percent,
        "y1": percent,
        "line": {"color": GREY, "width": 1, "dash": "solid" if percent == 100.0 else "dash"},
        "layer": "below",
    }


def _title(text: str, top: float) -> dict[str, Any]:
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 6,
        "text": text,
        "showarrow": False,
        "font": {"size": 12.5},
    }
