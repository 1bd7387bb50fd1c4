"""The panel of a tumour marker: logarithmic, with range, nadir and the limit of a significant rise for each epoch."""

from __future__ import annotations

import math

from dashboard.figures.drawing import Panel, Spec, box, empty, joined, key, line, scatter
from dashboard.figures.ink import BLUE, GREEN, GREY, VERMILLION, faint
from dashboard.figures.runs import marks_key, run_traces
from dashboard.figures.series import Floats, MarkerPanel, floats
from dashboard.language import _, marked

TICKS = tuple(m * 10.0**e for e in range(-2, 7) for m in (1, 2, 5))


def marker(panel: MarkerPanel, *, height: int = 230) -> Panel:
    """The drawn panel. A value of zero has no place on a logarithmic axis: it stands on the bottom edge as a cross, a
    result in words as a square, and their labels say what was reported. Without a sample the panel says so."""
    if not any(len(r.points) for r in panel.runs):
        return empty(panel.name)
    values = [v for r in panel.runs for v in r.points.value]
    low, high = _reach(panel, values)
    drawn = Panel(title=_title(panel), height=height, axis=_axis(low, high))
    for span in panel.ranges:
        drawn.shapes.append(box(span.start, span.end, max(span.low or low, low), span.high, fill=faint(GREEN, 0.13)))
        drawn.shapes.append(line(span.start, span.end, span.high, colour=faint(GREEN, 0.75), width=1))
    for span in panel.nadirs:
        if span.high > 0:
            drawn.shapes.append(line(span.start, span.end, span.high, colour=BLUE, width=1.25, dash="dot"))
    for span in panel.limits:
        if span.high > 0:
            drawn.shapes.append(line(span.start, span.end, span.high, colour=VERMILLION, width=1.25, dash="dash"))
    for mark in panel.breaks:
        drawn.shapes.append(_break(mark.at))
    for run in panel.runs:
        drawn.traces += run_traces(run, colour=BLUE, floor=low, log=True, size=7.5)
    drawn.traces += _levels(panel, low)
    return drawn


def _title(panel: MarkerPanel) -> str:
    return joined(
        (
            f"<b>{panel.name}</b> {panel.unit}, {_('logarithmic')}",
            key("●", BLUE, _("sample")),
            *marks_key(panel.runs, BLUE),
            key("■", faint(GREEN, 0.4), _("lab range")) if panel.ranges else _("no range"),
            key("┈", BLUE, _("nadir")) if panel.nadirs else "",
            key("╌", VERMILLION, _("significant rise")) if panel.limits else "",
        )
    )


def _reach(panel: MarkerPanel, values: list[float]) -> tuple[float, float]:
    levels = [s.high for spans in (panel.ranges, panel.nadirs, panel.limits) for s in spans]
    shown = [v for v in (*values, *levels) if v > 0] or [1.0]
    return min(shown) / 1.6, max(shown) * 1.6


def _axis(low: float, high: float) -> Spec:
    ticks = [t for t in TICKS if low <= t <= high]
    if len(ticks) > 6:
        ticks = [t for t in ticks if math.isclose(math.log10(t) % 1, 0, abs_tol=1e-9)]
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [marked(f"{t:,.10g}".replace(",", " ")) for t in ticks],
    }


def _break(at: float) -> Spec:
    return {
        "type": "line",
        "xref": "x",
        "yref": "own domain",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": GREY, "width": 1, "dash": "longdash"},
        "layer": "below",
    }


def _levels(panel: MarkerPanel, low: float) -> list[Spec]:
    """What the lines and breaks mean, for the pointer: invisible points at where each begins."""
    spans = [s for s in (*panel.nadirs, *panel.limits) if s.label and s.high > 0]
    at: Floats = floats([s.start for s in spans] + [m.at for m in panel.breaks])
    height = floats([s.high for s in spans] + [low for _ in panel.breaks])
    labels = [s.label for s in spans] + [m.label for m in panel.breaks]
    hidden = scatter(at, height, labels, mode="markers", marker={"size": 10, "opacity": 0})
    return [hidden] if labels else []
