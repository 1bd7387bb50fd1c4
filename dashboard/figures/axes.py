"""The frame of a stacked figure: one x axis that all panels share, and a y axis for each panel.

Only with a single x axis does one unified hover box show every panel's value at a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.figures.drawing import Panel, Spec
from dashboard.figures.ink import GREY, TEMPLATE, TEXT
from dashboard.language import day_pattern, separators

GAP = 38
"""Pixels above each panel, where its title stands."""
BELOW = 42
SIDE = 46
DAY = 86_400_000.0
YEAR = 365.25 * DAY


def stack(
    panels: Sequence[Panel],
    *,
    start: float,
    end: float,
    now: float | None,
    revision: str,
    across: Spec | None = None,
) -> Spec:
    """`data` and `layout` of the panels stacked top down, the x axis running from `start` to `end` (ms); `across`
    describes the x axis where it is no time."""
    total = sum(p.height + GAP for p in panels)
    layout: Spec = {
        "template": TEMPLATE,
        "height": total + BELOW,
        "margin": {"l": SIDE, "r": SIDE, "t": 0, "b": BELOW, "pad": 0},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "hoverdistance": 24,
        "dragmode": "zoom",
        "showlegend": False,
        "uirevision": revision,
        "shapes": [],
        "annotations": [],
        "bargap": 0,
        "separators": separators(),
    }
    traces: list[Spec] = []
    top = 1.0
    for index, panel in enumerate(panels):
        top -= GAP / total
        bottom = top - panel.height / total
        own = _name(2 * index)
        second = _name(2 * index + 1)
        layout[_key(own)] = {"fixedrange": True, "automargin": False, **panel.axis, "domain": [max(bottom, 0), top]}
        if panel.second is not None:
            layout[_key(second)] = {
                "fixedrange": True,
                "showgrid": False,
                "tickmode": "auto",
                "overlaying": own,
                "side": "right",
                **panel.second,
            }
        names = {"own": own, "second": second}
        traces += [{**t, "yaxis": names[t["yaxis"]]} for t in panel.traces]
        layout["shapes"] += [_placed(s, names) for s in panel.shapes]
        layout["annotations"] += [_placed(n, names) for n in panel.notes]
        layout["annotations"].append(_title(panel.title, top))
        top = bottom
    anchor = _name(2 * (len(panels) - 1))
    layout["xaxis"] = _time_axis(start, end, anchor=anchor) if across is None else {**across, "anchor": anchor}
    if now is not None:
        layout["shapes"].append(_today(now))
    return {"data": traces, "layout": layout}


def _name(index: int) -> str:
    return "y" if index == 0 else f"y{index + 1}"


def _key(name: str) -> str:
    return f"yaxis{name[1:]}"


def _placed(item: Spec, names: dict[str, str]) -> Spec:
    reference = item["yref"]
    if reference.endswith(" domain"):
        return {**item, "yref": names[reference.removesuffix(" domain")] + " domain"}
    return {**item, "yref": names.get(reference, reference)}


def _title(text: str, top: float) -> Spec:
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": -SIDE + 8,
        "yshift": 9,
        "text": text,
        "showarrow": False,
        "align": "left",
        "font": {"size": 12.5, "color": TEXT},
    }


def _time_axis(start: float, end: float, *, anchor: str) -> dict[str, Any]:
    return {
        "type": "date",
        "anchor": anchor,
        "range": [start, end],
        "autorange": False,
        "hoverformat": f"{day_pattern()} %Y",
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "hovered data",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": GREY,
        "tickformatstops": [
            {"dtickrange": [None, 43_200_000], "value": f"%H:%M\n{day_pattern()} %Y"},
            {"dtickrange": [43_200_000, 2_000_000_000], "value": f"{day_pattern()}\n%Y"},
            {"dtickrange": [2_000_000_000, "M6"], "value": "%b\n%Y"},
            {"dtickrange": ["M6", None], "value": "%b\n%Y"},
        ],
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": GREY,
    }


def _today(now: float) -> Spec:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": now,
        "x1": now,
        "y0": 0,
        "y1": 1,
        "line": {"color": GREY, "width": 1, "dash": "dot"},
        "layer": "below",
    }
