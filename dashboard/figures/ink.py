"""The inks of the figures: Okabe-Ito colours, one for each channel, and the shape that goes with each severity.

The neutral inks (text, grid, background) stand for the light scheme; the style sheet re-inks them for the dark scheme
and for print, so that one figure serves all three. Every line colour here has at least 3:1 against both grounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clinical.finding import Severity

BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREY = "#767B85"

TEXT = "#1B2430"
GRID = "#E4E8EE"
CLEAR = "rgba(0,0,0,0)"
SANS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "Helvetica Neue", Arial, sans-serif'
)


@dataclass(frozen=True, slots=True)
class Sign:
    """How a severity looks: a symbol of its own beside its colour, so that colour is never alone."""

    symbol: str
    colour: str


SEVERITY_SIGNS: dict[Severity, Sign] = {
    "urgent": Sign("octagon", VERMILLION),
    "high": Sign("triangle-up", ORANGE),
    "medium": Sign("diamond", BLUE),
    "low": Sign("circle", SKY),
    "info": Sign("circle-open", GREY),
}


def faint(colour: str, opacity: float) -> str:
    """The `#rrggbb` colour at `opacity` (0-1) as an rgba() string."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


TEMPLATE: dict[str, Any] = {
    "layout": {
        "font": {"family": SANS, "size": 12, "color": TEXT},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "colorway": [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY],
        "hoverlabel": {
            "bgcolor": "#FFFFFF",
            "bordercolor": "#C9D0DA",
            "font": {"family": SANS, "size": 12, "color": TEXT},
            "align": "left",
            "namelength": 0,
        },
        "xaxis": {"gridcolor": GRID, "linecolor": GRID, "zeroline": False, "tickfont": {"size": 11.5}},
        "yaxis": {"gridcolor": GRID, "linecolor": GRID, "zeroline": False, "tickfont": {"size": 11}},
    }
}
