"""The panel of body weight."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.figures.drawing import Panel, empty, joined
from dashboard.figures.ink import GREY
from dashboard.figures.runs import heights, marks_key, run_traces
from dashboard.figures.series import Run
from dashboard.figures.thinning import thinned
from dashboard.language import _

LEAST_SPAN_KG = 8.0
"""A steady weight must look steady: the axis never spans less than this."""


def weight(runs: Sequence[Run], *, height: int = 84) -> Panel:
    """The drawn panel, in kg."""
    found = heights(runs)
    if not len(found):
        return empty(_("Weight"))
    low, high = float(found.min()), float(found.max())
    middle, half = (low + high) / 2, max((high - low) * 0.65, LEAST_SPAN_KG / 2)
    drawn = Panel(
        title=joined((f"<b>{_('Weight')}</b> kg", *marks_key(runs, GREY))),
        height=height,
        axis={"range": [middle - half, middle + half], "nticks": 5},
    )
    for run in runs:
        drawn.traces += run_traces(thinned(run), colour=GREY, floor=middle - half, size=5.5)
    return drawn
