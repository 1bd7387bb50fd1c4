"""Strokes, paints and the symbols of points, as SVG."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

DASHES = {"solid": "", "dot": "1.5 2.5", "dash": "5 3.5", "longdash": "8 4", "dashdot": "6 3 1.5 3"}
_RGBA = re.compile(r"rgba\((\d+),(\d+),(\d+),([\d.]+)\)")
_POLYGONS: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "triangle-up": ((0, -1.25), (1.15, 0.85), (-1.15, 0.85)),
    "triangle-down": ((0, 1.25), (1.15, -0.85), (-1.15, -0.85)),
    "octagon": tuple((math.cos(math.pi * (2 * i + 1) / 8), math.sin(math.pi * (2 * i + 1) / 8)) for i in range(8)),
    "cross": tuple(
        (x, y)
        for x, y in (
            *((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4)),
            *((0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
        )
    ),
    "star": tuple(
        (r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5))
        for i in range(10)
        for r in (1.35 if i % 2 == 0 else 0.55,)
    ),
}
_LINES: dict[str, str] = {
    "line-ns": "M0 -1.4V1.4",
    "line-ew": "M-1.4 0H1.4",
    "x-thin": "M-1 -1L1 1M-1 1L1 -1",
}
OWN_WIDTH = 1.6


def paint(colour: str) -> str:
    """The fill attributes of a `#rrggbb` or `rgba()` colour."""
    solid, opacity = _parts(colour)
    return f'fill="{solid}"' + ("" if opacity == 1 else f' fill-opacity="{opacity:g}"')


def stroke(colour: str, width: float, dash: str = "solid") -> str:
    """The stroke attributes of a line."""
    solid, opacity = _parts(colour)
    made = f'stroke="{solid}" stroke-width="{width:g}"'
    made += "" if opacity == 1 else f' stroke-opacity="{opacity:g}"'
    return made + (f' stroke-dasharray="{DASHES[dash]}"' if DASHES[dash] else "")


def symbol(name: str, x: float, y: float, *, size: float, colour: str, line: Mapping[str, Any]) -> str | None:
    """The symbol at (x, y), None where it has no drawing here."""
    radius, plain = size / 2, name.removesuffix("-open")
    is_open = plain != name
    if plain in _LINES:
        width = line.get("width") or OWN_WIDTH
        path = re.sub(r"-?\d+(?:\.\d+)?", lambda m: f"{float(m[0]) * radius:.2f}", _LINES[plain])
        drawn = stroke(line.get("color") or colour, width)
        return f'<path transform="translate({x:.2f} {y:.2f})" d="{path}" fill="none" {drawn}/>'
    if is_open:
        look = f'fill="#fff" {stroke(line.get("color") or colour, line.get("width") or OWN_WIDTH)}'
    else:
        width = line.get("width", 0)
        look = paint(colour) + (f" {stroke(line.get('color') or colour, width)}" if width else "")
    if plain == "circle":
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" {look}/>'
    corners = _POLYGONS.get(plain)
    if corners is None:
        return None
    points = " ".join(f"{x + radius * cx:.2f},{y + radius * cy:.2f}" for cx, cy in corners)
    return f'<polygon points="{points}" {look}/>'


def _parts(colour: str) -> tuple[str, float]:
    found = _RGBA.fullmatch(colour.replace(" ", ""))
    if found is None:
        return colour, 1.0
    red, green, blue = (int(found[i]) for i in (1, 2, 3))
    return f"#{red:02x}{green:02x}{blue:02x}", float(found[4])
