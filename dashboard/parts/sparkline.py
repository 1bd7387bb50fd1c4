"""A line of the last values without axes: how it went, beside the number that says where it is."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence

from dashboard.parts.rows import Part

WIDTH, HEIGHT, EDGE = 84, 22, 3.0
COLOUR = "#2A7FB8"


def sparkline(at: Sequence[float], values: Sequence[float], *, words: str) -> Part:
    """The values over time on a logarithmic height, two at least. `words` say the same to a screen reader."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(_across(at), _up(values), strict=True))
    return {"line": points, "words": words, "width": WIDTH, "height": HEIGHT}


def _drawing(places: Sequence[tuple[float, float]]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    last = points.rpartition(" ")[2]
    x, y = last.split(",")
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<polyline points="{points}" fill="none" stroke="{COLOUR}" stroke-width="1.6" stroke-linejoin="round"/>'
        f'<circle cx="{x}" cy="{y}" r="2.4" fill="{COLOUR}"/></svg>'
    )
    return "data:image/svg+xml;base64," + b64encode(drawing.encode()).decode()


def plain_line(values: Sequence[float]) -> str:
    """The values side by side on a linear height as the address of a drawing; a steady course is a straight line.

    Nothing is drawn of fewer than two: an empty text.
    """
    if len(values) < 2:
        return ""
    low, span = min(values), max(values) - min(values)
    step = (WIDTH - 2 * EDGE) / (len(values) - 1)
    room = HEIGHT - 2 * EDGE
    up = [HEIGHT - EDGE - room * ((v - low) / span if span else 0.5) for v in values]
    return _drawing([(EDGE + i * step, y) for i, y in enumerate(up)])


def _across(at: Sequence[float]) -> list[float]:
    first, span = at[0], (at[-1] - at[0]) or 1.0
    return [EDGE + (WIDTH - 2 * EDGE) * (t - first) / span for t in at]


def _up(values: Sequence[float]) -> list[float]:
    heights = [math.log(max(v, 1e-3)) for v in values]
    low, span = min(heights), (max(heights) - min(heights)) or 1.0
    return [HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (h - low) / span for h in heights]
