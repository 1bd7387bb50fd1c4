"""The synoptic chart: every channel of one patient on one time axis, to see whether they agree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dashboard.figures.analyte import analyte, times_limit
from dashboard.figures.axes import DAY, YEAR, stack
from dashboard.figures.drawing import Panel, Spec
from dashboard.figures.glucose import axis_top, glucose
from dashboard.figures.lanes import lanes
from dashboard.figures.lesions import lesions
from dashboard.figures.marker import marker
from dashboard.figures.series import AnalytePanel, Floats, Synoptic, TimesLimitPanel, floats
from dashboard.figures.skin import skin
from dashboard.figures.weight import weight

LONGEST_FIRST_VIEW = 5 * YEAR
FIRST_VIEW = 3 * YEAR
LARGEST_MARGIN = 14 * DAY


def synoptic(content: Synoptic, *, shown: tuple[float, float] | None = None) -> Spec:
    """`data` and `layout` of the figure. Its x axis starts at the first entry, so that no empty years are shown; a
    history of more than five years opens on its last three, and the range buttons of the page reach the rest. `shown`
    is another stretch to open on. Where there is a sensor its traces come first, so that a zoom finds them
    (`figures.sensor`)."""
    first, last = reach(content)
    start, end = shown or (last - FIRST_VIEW if last - first > LONGEST_FIRST_VIEW else first, last)
    panels = [
        marker(content.marker),
        glucose(content.glucose),
        skin(content.skin),
        lesions(content.lesions),
        weight(content.weight),
        *(_other(p) for p in content.others),
        lanes(content.lanes, shown=end - start),
    ]
    figure = stack(panels, start=start, end=end, now=content.as_of, revision="synoptic")
    if len(content.glucose.sensor):
        glucose_axis = "y3"
        figure["data"].sort(key=lambda t: t["yaxis"] != glucose_axis)
    figure["layout"]["meta"] = {
        "first": first,
        "last": last,
        "dense": bool(len(content.glucose.sensor)),
        "top": axis_top(content.glucose),
    }
    return figure


def _other(panel: AnalytePanel | TimesLimitPanel) -> Panel:
    return analyte(panel, height=110) if isinstance(panel, AnalytePanel) else times_limit(panel, height=110)


def reach(content: Synoptic) -> tuple[float, float]:
    """From the first entry to now (or the last entry, if that is later), with a margin, in ms."""
    times = np.concatenate([*_times(content), floats([content.as_of])])
    first, last = float(times.min()), float(max(times.max(), content.as_of))
    margin = min(max((last - first) * 0.02, 2 * DAY), LARGEST_MARGIN)
    return first - margin, last + margin


def _times(content: Synoptic) -> Iterator[Floats]:
    for run in content.marker.runs:
        yield run.points.at
    yield content.glucose.readings.points.at
    yield content.glucose.sensor.day
    yield content.skin.iga.at
    yield content.skin.bsa.at
    yield content.lesions.sums.at
    single = [r for panel in content.others if isinstance(panel, AnalytePanel) for r in panel.runs]
    several = [r for panel in content.others if not isinstance(panel, AnalytePanel) for _, rs in panel.runs for r in rs]
    for run in (*content.glucose.hba1c, *content.weight, *single, *several):
        yield run.points.at
    yield content.lanes.injections.at
    for marks in (content.skin.words, content.lesions.responses, content.lesions.new, content.lanes.procedures):
        yield floats([m.at for m in marks])
    yield floats([b.start for b in (*content.lanes.analogue, *content.lanes.other)])
    yield floats([f.at for f in content.lanes.flags])
