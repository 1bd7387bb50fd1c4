"""The panel of any one quantity on a linear axis: zinc, albumin, HbA1c, weight, heart rate."""

from __future__ import annotations

from dashboard.figures.drawing import Panel, box, empty, joined, key, line, note, scatter
from dashboard.figures.ink import BLUE, GREEN, VERMILLION, faint
from dashboard.figures.series import AnalytePanel
from dashboard.figures.thinning import thinned


def analyte(panel: AnalytePanel, *, height: int = 190) -> Panel:
    """The drawn panel. The axis holds every point and every level, so that a limit is never out of sight."""
    points = thinned(panel.points)
    if not len(points):
        return empty(panel.name)
    levels = [s.high for s in (*panel.levels, *panel.ranges)] + [s.low for s in panel.ranges if s.low is not None]
    low = min([*points.value.tolist(), *levels])
    high = max([*points.value.tolist(), *levels])
    room = (high - low or abs(high) or 1.0) * 0.18
    drawn = Panel(
        title=joined(
            (
                f"<b>{panel.name}</b> {panel.unit}",
                key("■", faint(GREEN, 0.4), "lab range") if panel.ranges else "",
                key("╌", VERMILLION, "limit") if panel.levels else "",
            )
        ),
        height=height,
        axis={"range": [low - room, high + room], "nticks": 5},
    )
    for span in panel.ranges:
        floor = span.low if span.low is not None else low - room
        drawn.shapes.append(box(span.start, span.end, floor, span.high, fill=faint(GREEN, 0.13)))
    for span in panel.levels:
        drawn.shapes.append(line(span.start, span.end, span.high, colour=VERMILLION, width=1.25, dash="dash"))
        drawn.notes.append(
            note(span.end, span.high, span.label, xanchor="right", yanchor="bottom", font={"size": 10.5})
        )
    path = scatter(points.at, points.value, points.label, mode="lines+markers", cliponaxis=False)
    path["line"] = {"color": BLUE, "width": 1.75}
    path["marker"] = {"size": 7, "color": BLUE}
    drawn.traces.append(path)
    return drawn
