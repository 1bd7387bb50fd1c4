"""A glucose sensor: days as bands for years, readings for a stretch. Always the same five traces in the same order, so
that a zoom replaces their numbers and nothing else.

Bands keep the lowest and the highest reading of every day; a thinned stretch keeps every extreme (MinMaxLTTB).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from dashboard.figures.drawing import Spec, scatter, unread
from dashboard.figures.ink import SKY, faint
from dashboard.figures.series import Floats, SensorBand, SensorStretch, floats
from dashboard.language import _, day_pattern

DAY = 86_400_000.0
GAP_DAYS = 3
"""Sensor days further apart than this are not joined: a line across missing days would claim knowledge."""
GAP_MS = 45 * 60_000.0
DRAWN_AT_MOST = 2_000
ALL_UP_TO = 4_500
DOTS_AT_MOST = 900
"""Beyond this a line alone: thousands of circles take the browser longer than everything else together."""
DEEP = "#2A7FB8"
ABOVE, BELOW = 1.0, -1.0
MARKS_TOO = ", %{customdata[5]:.0f} LO, %{customdata[6]:.0f} HI"


def sensor_traces(days: SensorBand, stretch: SensorStretch, *, top: float) -> list[Spec]:
    """Lowest to highest, 5-95 %, median, readings, LO and HI marks; `top` is the upper end of the axis."""
    return [
        _area(days, days.lowest, days.highest, opacity=0.15),
        _area(days, days.p5, days.p95, opacity=0.30),
        _median(days),
        _readings(stretch),
        _marks(stretch, top),
    ]


def drawn_of(stretch: SensorStretch) -> int:
    """How many of the readings of the stretch are drawn."""
    numbers = int(np.count_nonzero(stretch.mark == 0))
    return numbers if numbers <= ALL_UP_TO else min(numbers, DRAWN_AT_MOST)


def _pieces(days: SensorBand) -> list[NDArray[np.int64]]:
    cuts = np.flatnonzero(np.diff(days.day) > GAP_DAYS * DAY) + 1
    return [p for p in np.split(np.arange(len(days)), cuts) if len(p)]


def _area(days: SensorBand, low: Floats, high: Floats, *, opacity: float) -> Spec:
    """One outline a piece, the pieces parted by a gap; a piece reaches half a day beyond its outer days."""
    across: list[Floats] = []
    up: list[Floats] = []
    for piece in _pieces(days):
        at = days.day[piece].copy()
        at = np.concatenate([[at[0] - DAY / 2], at, [at[-1] + DAY / 2]])
        bottom, ceiling = (np.concatenate([[v[piece[0]]], v[piece], [v[piece[-1]]]]) for v in (low, high))
        across.append(np.concatenate([at, at[::-1], [np.nan]]))
        up.append(np.concatenate([ceiling, bottom[::-1], [np.nan]]))
    x, y = (_light(np.concatenate([floats(), *parts])) for parts in (across, up))
    trace = unread(x, y, mode="lines")
    return {**trace, "fill": "toself", "fillcolor": faint(SKY, opacity), "line": {"width": 0}}


def _median(days: SensorBand) -> Spec:
    marked = bool(days.low_marks.any() or days.high_marks.any())
    told = [days.p5, days.p95, days.lowest, days.highest, days.count]
    columns = np.stack([days.day, days.median, *told, *((days.low_marks, days.high_marks) if marked else ())])
    pieces: list[Floats] = []
    for piece in _pieces(days):
        own = columns[:, piece]
        if len(piece) == 1:
            own = np.repeat(own, 2, axis=1)
            own[0, 1] += DAY / 2
        pieces += [own, np.full((len(columns), 1), np.nan)]
    table = np.concatenate([np.zeros((len(columns), 0)), *pieces], axis=1)
    trace = scatter(_light(table[0]), _light(table[1]), (), mode="lines")
    trace["line"] = {"color": DEEP, "width": 1.25}
    trace["customdata"] = _told(table[2:].T, days.unit)
    trace["hovertemplate"] = _hover() + (MARKS_TOO if marked else "") + "<extra></extra>"
    return trace


def _hover() -> str:
    return (
        f"<b>{_('Sensor median')} %{{y:.3~f}}</b>  ·  5-95 %: %{{customdata[0]:.3~f}}-%{{customdata[1]:.3~f}}  ·  "
        f"{_('lowest')} %{{customdata[2]:.3~f}}, {_('highest')} %{{customdata[3]:.3~f}}  ·  "
        f"%{{customdata[4]:.0f}} {_('readings')}"
    )


def _readings(stretch: SensorStretch) -> Spec:
    numbers = stretch.mark == 0
    at, value = stretch.at[numbers], stretch.value[numbers]
    piece = np.cumsum(np.diff(at, prepend=at[:1]) > GAP_MS)
    dotted = len(at) <= DOTS_AT_MOST
    if len(at) > ALL_UP_TO:
        keep = MinMaxLTTBDownsampler().downsample(at.astype(np.int64), value, n_out=DRAWN_AT_MOST)
        at, value, piece = at[keep], value[keep], piece[keep]
    breaks = np.flatnonzero(np.diff(piece)) + 1
    at, value = np.insert(at, breaks, np.nan), np.insert(value, breaks, np.nan)
    trace = scatter(at, _light(value), (), mode="lines+markers" if dotted else "lines")
    trace["line"] = {"color": DEEP, "width": 1}
    trace["marker"] = {"size": 3.5, "color": DEEP}
    trace["hovertemplate"] = f"<b>{_('Sensor')} %{{y:.3~f}}</b>  ·  %{{x|{day_pattern()} %H:%M}}<extra></extra>"
    return trace


def _marks(stretch: SensorStretch, top: float) -> Spec:
    marked = stretch.mark != 0
    side = stretch.mark[marked]
    labels = [_("Sensor {mark}: no number", mark="HI" if s == ABOVE else "LO") for s in side]
    trace = scatter(stretch.at[marked], np.where(side == ABOVE, top * 0.97, top * 0.02), labels, mode="markers")
    symbols = ["triangle-up-open" if s == ABOVE else "triangle-down-open" for s in side]
    trace["marker"] = {"symbol": symbols, "size": 7, "color": DEEP}
    return trace


def _told(values: Floats, unit: str) -> NDArray[Any]:
    """What the hover box says: in mg/dL to the whole unit, which is what a sensor resolves."""
    return np.rint(np.nan_to_num(values)).astype(np.int16) if unit == "mg/dL" else _light(values)


def _light(values: Floats) -> NDArray[Any]:
    """The values as four bytes each: more than a sensor can tell apart, and a day's noon to two minutes."""
    return values.astype(np.float32)
