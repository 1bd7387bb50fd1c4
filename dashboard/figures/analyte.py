"""The panels of other quantities on a linear axis: one (zinc, albumin, heart rate) or several as multiples of their
limits (liver enzymes)."""

from __future__ import annotations

from dashboard.figures.drawing import Panel, box, empty, joined, key, line, note
from dashboard.figures.ink import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, faint
from dashboard.figures.runs import heights, marks_key, run_traces
from dashboard.figures.series import AnalytePanel, TimesLimitPanel
from dashboard.figures.thinning import thinned
from dashboard.language import _

INKS = (BLUE, ORANGE, PURPLE)
SIGNS = (("circle", "●"), ("diamond", "◆"), ("square", "■"))


def analyte(panel: AnalytePanel, *, height: int = 190) -> Panel:
    """The drawn panel. The axis holds every point and every level, so that a limit is never out of sight."""
    runs = [thinned(r) for r in panel.runs]
    if not any(len(r.points) for r in runs):
        return empty(panel.name)
    levels = [s.high for s in (*panel.levels, *panel.ranges)] + [s.low for s in panel.ranges if s.low is not None]
    shown = [*heights(runs).tolist(), *levels] or [0.0, 1.0]
    low, high = min(shown), max(shown)
    room = (high - low or abs(high) or 1.0) * 0.18
    drawn_points, total = sum(len(r.points) for r in runs), sum(len(r.points) for r in panel.runs)
    drawn = Panel(
        title=joined(
            (
                f"<b>{panel.name}</b> {panel.unit}",
                _("{n} of {all} points drawn", n=drawn_points, all=total) if drawn_points < total else "",
                *marks_key(runs, BLUE),
                key("■", faint(GREEN, 0.4), _("lab range")) if panel.ranges else _("no range"),
                key("╌", VERMILLION, _("limit")) if panel.levels else "",
            )
        ),
        height=height,
        axis={"range": [low - room, high + room], "nticks": 5},
    )
    for span in panel.ranges:
        floor, ceiling = (span.low if span.low is not None else low - room), span.high
        drawn.shapes.append(box(span.start, span.end, floor, ceiling, fill=faint(GREEN, 0.13)))
    for span in panel.levels:
        drawn.shapes.append(line(span.start, span.end, span.high, colour=VERMILLION, width=1.25, dash="dash"))
        drawn.notes.append(
            note(span.end, span.high, span.label, xanchor="right", yanchor="bottom", font={"size": 10.5})
        )
    for run in runs:
        drawn.traces += run_traces(run, colour=BLUE, floor=low - room)
    return drawn


def times_limit(panel: TimesLimitPanel, *, height: int = 130) -> Panel:
    """The drawn panel: each quantity in its ink and shape, the upper limit of all of them as one line at 1."""
    named = [(name, runs) for name, runs in panel.runs if any(len(r.points) for r in runs)]
    if not named:
        return empty(panel.name, missing=_("never measured") if not panel.left_out else _("no result with a range"))
    every = [r for _, runs in named for r in runs]
    top = max(float(heights(every).max(initial=1.0)) * 1.15, 1.5)
    inks = list(zip(named, INKS, SIGNS, strict=False))
    drawn = Panel(
        title=joined(
            (
                f"<b>{panel.name}</b> {_('× upper limit')}",
                *(key(sign, ink, name) for (name, _), ink, (_, sign) in inks),
                *marks_key(every, BLUE),
                _("{n} without a range not drawn", n=panel.left_out) if panel.left_out else "",
            )
        ),
        height=height,
        axis={"range": [0, top], "nticks": 4},
    )
    drawn.shapes.append(box(0.0, 4e12, 0, 1, fill=faint(GREEN, 0.10)))
    for (_name, runs), ink, (symbol, _key) in inks:
        for run in runs:
            drawn.traces += run_traces(thinned(run), colour=ink, floor=0.0, plain=symbol, size=6.5)
    return drawn
