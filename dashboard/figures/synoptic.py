"""The synoptic chart: every channel of one patient on one time axis, to see whether they agree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.axes import DAY, YEAR, stack
from dashboard.figures.glucose import glucose
from dashboard.figures.lanes import lanes
from dashboard.figures.lesions import lesions
from dashboard.figures.marker import marker
from dashboard.figures.series import Floats, Synoptic, floats
from dashboard.figures.skin import skin
from dashboard.figures.weight import weight

LONGEST_FIRST_VIEW = 5 * YEAR
FIRST_VIEW = 3 * YEAR
LARGEST_MARGIN = 14 * DAY


def synoptic(content: Synoptic) -> go.Figure:
    """The figure. Its x axis starts at the first entry, so that no empty years are shown; a history of more than five
    years opens on its last three, and the range buttons of the page reach the rest."""
    first, last = reach(content)
    start = last - FIRST_VIEW if last - first > LONGEST_FIRST_VIEW else first
    panels = [
        marker(content.marker),
        glucose(content.glucose),
        skin(content.skin),
        lesions(content.lesions),
        weight(content.weight),
        lanes(content.lanes, shown=last - start),
    ]
    figure = stack(panels, start=start, end=last, now=content.as_of, revision="synoptic")
    figure["layout"]["meta"] = {"first": first, "last": last}
    return go.Figure(figure)


def reach(content: Synoptic) -> tuple[float, float]:
    """From the first entry to now (or the last entry, if that is later), with a margin, in ms."""
    times = np.concatenate([*_times(content), floats([content.as_of])])
    first, last = float(times.min()), float(max(times.max(), content.as_of))
    margin = min(max((last - first) * 0.02, 2 * DAY), LARGEST_MARGIN)
    return first - margin, last + margin


def _times(content: Synoptic) -> Iterator[Floats]:
    for run in content.marker.runs:
        yield run.points.at
    yield content.glucose.points.at
    yield content.glucose.sensor.day
    yield content.glucose.hba1c.at
    yield content.skin.iga.at
    yield content.skin.bsa.at
    yield content.lesions.sums.at
    yield content.weight.at
    yield content.lanes.injections.at
    for marks in (content.skin.words, content.lesions.responses, content.lesions.new, content.lanes.procedures):
        yield floats([m.at for m in marks])
    yield floats([b.start for b in (*content.lanes.analogue, *content.lanes.other)])
    yield floats([f.at for f in content.lanes.flags])
