"""The synoptic chart of one patient, from the trends as they were read."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.figures.series import Synoptic
from dashboard.parts.plotted.channels import glucose_panel, lesion_panel, skin_panel
from dashboard.parts.plotted.marker import marker_panel
from dashboard.parts.plotted.others import panels
from dashboard.parts.plotted.runs import runs_of
from dashboard.parts.plotted.therapy import lanes
from dashboard.parts.times import Clock
from dashboard.parts.units import Units, in_units
from data.sensor_course import SensorDays
from data.trends import Trends


def synoptic_content(
    trends: Trends, sensor: SensorDays, clock: Clock, units: Units, *, others: Sequence[str] = ()
) -> Synoptic:
    """What the synoptic figure draws for these trends; `others` are names of `plotted.others.CHOICES`."""
    shown = in_units(trends, units)
    chart = shown.chart
    return Synoptic(
        as_of=clock.at(trends.as_of),
        marker=marker_panel(shown.marker, clock),
        glucose=glucose_panel(chart, sensor, clock, units),
        skin=skin_panel(chart.skin, clock),
        lesions=lesion_panel(trends.scans, chart.lesions, chart.responses, clock),
        weight=runs_of(chart.of("weight"), clock),
        others=panels(chart, others, clock),
        lanes=lanes(chart, trends.flags, clock, trends.decisions),
    )
