"""The ambulatory glucose profile: a day of many days, median with 25-75 and 5-95 % of each quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dashboard.figures.axes import stack
from dashboard.figures.drawing import Panel, Spec, box, joined, key, line, scatter, unread
from dashboard.figures.ink import GREEN, SKY, faint
from dashboard.figures.sensor import DEEP
from dashboard.figures.series import Floats, floats
from dashboard.language import _, marked

HOURS = list(range(0, 25, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileContent:
    """`hour`: middle of each bin, 0-24. Percentiles in `unit`, NaN where a bin is empty or one falls on a HI or LO."""

    unit: str
    target: tuple[float, float]
    hour: Floats = field(default_factory=floats)
    p5: Floats = field(default_factory=floats)
    p25: Floats = field(default_factory=floats)
    median: Floats = field(default_factory=floats)
    p75: Floats = field(default_factory=floats)
    p95: Floats = field(default_factory=floats)
    count: Floats = field(default_factory=floats)


def profile_figure(content: ProfileContent) -> Spec:
    """The figure, midnight to midnight on the site's clock; a gap where a percentile is not known."""
    low, high = content.target
    known = np.concatenate([v[np.isfinite(v)] for v in (content.p95, content.median)])
    top = max(float(known.max(initial=high)) * 1.1, high * 1.3)
    drawn = Panel(
        title=joined(
            (
                f"<b>{_('Glucose over the day')}</b> {content.unit}",
                key("▬", DEEP, _("median")),
                key("■", faint(SKY, 0.6), "25-75 %"),
                key("■", faint(SKY, 0.3), "5-95 %"),
                key("■", faint(GREEN, 0.35), marked(f"{low:g}-{high:g}")),
            )
        ),
        height=260,
        axis={"range": [0, top], "nticks": 7},
    )
    drawn.shapes += [
        box(0, 24, low, high, fill=faint(GREEN, 0.10)),
        line(0, 24, low, colour=GREEN, width=1),
        line(0, 24, high, colour=GREEN, width=1),
    ]
    drawn.traces += [
        _between(content.hour, content.p5, content.p95, 0.22),
        _between(content.hour, content.p25, content.p75, 0.38),
        _median(content),
    ]
    across = {
        "range": [0, 24],
        "tickvals": HOURS,
        "ticktext": [f"{h:02}:00" for h in HOURS],
        "fixedrange": True,
        "ticks": "outside",
        "ticklen": 4,
    }
    return stack([drawn], start=0, end=24, now=None, revision="profile", across=across)


def _between(hour: Floats, low: Floats, high: Floats, opacity: float) -> Spec:
    whole = np.isfinite(low) & np.isfinite(high)
    cuts = np.flatnonzero(np.diff(whole.astype(int))) + 1
    x: list[Floats] = []
    y: list[Floats] = []
    for piece in np.split(np.arange(len(hour)), cuts):
        if len(piece) and whole[piece[0]]:
            x.append(np.concatenate([hour[piece], hour[piece][::-1], [np.nan]]))
            y.append(np.concatenate([high[piece], low[piece][::-1], [np.nan]]))
    area = unread(np.concatenate([floats(), *x]), np.concatenate([floats(), *y]), mode="lines")
    return {**area, "fill": "toself", "fillcolor": faint(SKY, opacity), "line": {"width": 0}}


def _median(content: ProfileContent) -> Spec:
    median = scatter(content.hour, content.median, (), mode="lines")
    median["line"] = {"color": DEEP, "width": 2.25}
    median["customdata"] = np.stack([content.p5, content.p25, content.p75, content.p95, content.count]).T
    median["hovertemplate"] = (
        f"<b>{_('median')} %{{y:.3~f}}</b>  ·  25-75 %: %{{customdata[1]:.3~f}}-%{{customdata[2]:.3~f}}  ·  "
        f"5-95 %: %{{customdata[0]:.3~f}}-%{{customdata[3]:.3~f}}  ·  %{{customdata[4]:.0f}} {_('readings')}"
        "<extra></extra>"
    )
    return median
