"""The chart of a flag: only the channels it rests on, with nadir, limit and thresholds, the values used ringed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from dashboard.figures.analyte import analyte, times_limit
from dashboard.figures.axes import DAY, stack
from dashboard.figures.drawing import Panel, Spec, unread
from dashboard.figures.glucose import glucose
from dashboard.figures.ink import ORANGE
from dashboard.figures.lesions import lesions
from dashboard.figures.marker import marker
from dashboard.figures.series import (
    AnalytePanel,
    AnyPanel,
    GlucosePanel,
    LesionPanel,
    MarkerPanel,
    Points,
    Shown,
    SkinPanel,
    TimesLimitPanel,
    floats,
)
from dashboard.figures.skin import skin


def evidence(shown: Sequence[Shown], *, start: float, end: float) -> Spec:
    """The figure of the panels from `start` to `end` (ms). Raises ValueError without any panel."""
    if not shown:
        raise ValueError("an evidence chart needs at least one panel")
    panels = [_ringed(drawn_panel(s.panel), s.rings) for s in shown]
    margin = max((end - start) * 0.04, 3 * DAY)
    return stack(panels, start=start - margin, end=end + margin, now=None, revision="evidence")


@singledispatch
def drawn_panel(panel: AnyPanel) -> Panel:
    """The panel drawn for its kind. Raises TypeError for a kind that has no drawing."""
    raise TypeError(f"no drawing for {type(panel).__name__}")


@drawn_panel.register
def _marker(panel: MarkerPanel) -> Panel:
    return marker(panel, height=300)


@drawn_panel.register
def _glucose(panel: GlucosePanel) -> Panel:
    return glucose(panel, height=220)


@drawn_panel.register
def _skin(panel: SkinPanel) -> Panel:
    return skin(panel, height=160)


@drawn_panel.register
def _lesions(panel: LesionPanel) -> Panel:
    return lesions(panel, height=190)


@drawn_panel.register
def _analyte(panel: AnalytePanel) -> Panel:
    return analyte(panel)


@drawn_panel.register
def _times_limit(panel: TimesLimitPanel) -> Panel:
    return times_limit(panel)


def _ringed(panel: Panel, rings: Points) -> Panel:
    if len(rings):
        at, value = floats(rings.at), np.where(rings.value > 0, rings.value, np.nan)
        if panel.axis.get("type") != "log":
            value = rings.value
        ring = unread(at, value, mode="markers", cliponaxis=False)
        ring["marker"] = {"symbol": "circle-open", "size": 17, "color": ORANGE, "line": {"width": 2.5}}
        panel.traces.append(ring)
    return panel
