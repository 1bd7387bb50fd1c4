"""A line of the last values without axes, as an image: how it went, beside the number that says where it is."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence

from dashboard.parts.rows import Part, image

WIDTH, HEIGHT, EDGE = 84, 22, 3.0
COLOUR = "#2A7FB8"


def sparkline(at: Sequence[float], values: Sequence[float], *, words: str) -> Part:
    """The values over time on a logarithmic height, two at least. `words` say the same to a screen reader."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(_across(at), _up(values), strict=True))
    last = points.rpartition(" ")[2]
    x, y = last.split(",")
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<polyline points="{points}" fill="none" stroke="{COLOUR}" stroke-width="1.6" stroke-linejoin="round"/>'
        f'<circle cx="{x}" cy="{y}" r="2.4" fill="{COLOUR}"/></svg>'
    )
    source = "data:image/svg+xml;base64," + b64encode(drawing.encode()).decode()
    return image(source, words=words, width=WIDTH, height=HEIGHT)


def _across(at: Sequence[float]) -> list[float]:
    first, span = at[0], (at[-1] - at[0]) or 1.0
    return [EDGE + (WIDTH - 2 * EDGE) * (t - first) / span for t in at]


def _up(values: Sequence[float]) -> list[float]:
    heights = [math.log(max(v, 1e-3)) for v in values]
    low, span = min(heights), (max(heights) - min(heights)) or 1.0
    return [HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (h - low) / span for h in heights]
