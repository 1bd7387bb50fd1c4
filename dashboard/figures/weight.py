"""The panel of body weight."""

from __future__ import annotations

from dashboard.figures.drawing import Panel, empty, scatter
from dashboard.figures.ink import GREY
from dashboard.figures.series import Points
from dashboard.figures.thinning import thinned

LEAST_SPAN_KG = 8.0
"""A steady weight must look steady: the axis never spans less than this."""


def weight(points: Points, *, height: int = 84) -> Panel:
    """The drawn panel, in kg."""
    if not len(points):
        return empty("Weight")
    points = thinned(points)
    low, high = float(points.value.min()), float(points.value.max())
    middle, half = (low + high) / 2, max((high - low) * 0.65, LEAST_SPAN_KG / 2)
    drawn = Panel(title="<b>Weight</b> kg", height=height, axis={"range": [middle - half, middle + half], "nticks": 5})
    path = scatter(points.at, points.value, points.label, mode="lines+markers", cliponaxis=False)
    path["line"] = {"color": GREY, "width": 1.5}
    path["marker"] = {"size": 5.5, "color": GREY}
    drawn.traces.append(path)
    return drawn
