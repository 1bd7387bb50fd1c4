"""The waterfall of a cohort: the best change of the sum of target lesions, one bar a patient, deepest fall last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.figures.drawing import Spec
from dashboard.figures.ink import BLUE, GREEN, GREY, TEMPLATE, VERMILLION
from dashboard.language import _, marked, separators

PARTIAL_RESPONSE = -30.0
PROGRESSION = 20.0
"""Percent of the baseline sum at which RECIST 1.1 speaks of partial response and of progression; the latter counts from
the nadir, so the line is a landmark, no verdict."""
CUT = 100.0
"""Where a bar is cut off: a sum that doubled tells no more by towering over the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallBar:
    """One patient: `percent` is the best change of the sum against its baseline, `label` what pointing at it says."""

    name: str
    percent: float
    label: str


def waterfall(bars: Sequence[WaterfallBar]) -> Spec:
    """The figure, largest growth first. Above and below zero differ by side as well as by colour; a bar cut off at
    100 % says its number."""
    ordered = sorted(bars, key=lambda bar: (-bar.percent, bar.name))
    colours = [VERMILLION if bar.percent > 0 else GREEN if bar.percent <= PARTIAL_RESPONSE else BLUE for bar in ordered]
    few = len(ordered) <= 40
    trace: dict[str, Any] = {
        "type": "bar",
        "x": list(range(len(ordered))),
        "y": [min(bar.percent, CUT) for bar in ordered],
        "customdata": [bar.percent for bar in ordered],
        "hovertext": [bar.label for bar in ordered],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "text": [_percent(bar.percent) if few or bar.percent > CUT else "" for bar in ordered],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": colours},
        "showlegend": False,
    }
    lowest = min([bar.percent for bar in ordered] + [-40.0])
    layout: dict[str, Any] = {
        "template": TEMPLATE,
        "height": 460,
        "margin": {"l": 56, "r": 20, "t": 16, "b": 96 if few else 36},
        "bargap": 0.15,
        "separators": separators(),
        "xaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(ordered))) if few else [],
            "ticktext": [bar.name for bar in ordered] if few else [],
            "tickangle": -50,
            "automargin": True,
            "range": [-0.7, len(ordered) - 0.3],
            "showgrid": False,
            "title": None if few else {"text": _("{n} patients", n=len(ordered))},
        },
        "yaxis": {
            "title": {"text": _("best change of the sum of target lesions, %")},
            "range": [max(lowest * 1.15, -115.0), min(max([b.percent for b in ordered] + [25.0]), CUT) * 1.15],
            "ticksuffix": " %",
            "zeroline": True,
            "zerolinecolor": GREY,
        },
        "shapes": [_level(level) for level in (PARTIAL_RESPONSE, PROGRESSION)],
        "annotations": [
            _said(PARTIAL_RESPONSE, _("-30 %: partial response")),
            _said(PROGRESSION, "+20 %"),
        ],
    }
    return {"data": [trace], "layout": layout}


def _percent(value: float) -> str:
    text = f"{value:+.1f}" if abs(value) < 10 else f"{value:+.0f}"
    return "0" if text in ("+0.0", "-0.0") else marked(text)


def _level(percent: float) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": percent,
        "y1": percent,
        "line": {"color": GREY, "width": 1, "dash": "dash"},
        "layer": "below",
    }


def _said(percent: float, text: str) -> dict[str, Any]:
    return {
        "xref": "paper",
        "x": 0,
        "y": percent,
        "xanchor": "left",
        "yanchor": "bottom",
        "text": text,
        "showarrow": False,
        "font": {"size": 11},
    }
