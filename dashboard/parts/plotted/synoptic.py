"""The synoptic chart of one patient, from the trends as they were read."""

from __future__ import annotations

from dashboard.figures.series import Synoptic
from dashboard.parts.plotted.channels import glucose_panel, lesion_panel, result_points, skin_panel
from dashboard.parts.plotted.marker import marker_panel
from dashboard.parts.plotted.therapy import lanes
from dashboard.parts.times import Clock
from data.trends import Trends


def synoptic_content(trends: Trends, clock: Clock) -> Synoptic:
    """What the synoptic figure draws for these trends."""
    chart = trends.chart
    return Synoptic(
        as_of=clock.at(trends.as_of),
        marker=marker_panel(trends.marker, clock),
        glucose=glucose_panel(chart, trends.sensor, clock),
        skin=skin_panel(chart.skin, clock),
        lesions=lesion_panel(trends.scans, chart.lesions, chart.responses, clock),
        weight=result_points(chart.of("weight"), clock),
        lanes=lanes(chart, trends.flags, clock),
    )
