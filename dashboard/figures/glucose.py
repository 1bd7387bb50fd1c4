"""The panel of glucose: laboratory points, the sensor (`figures.sensor`), HbA1c on an axis of its own."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.figures.drawing import Panel, Spec, box, empty, joined, key
from dashboard.figures.ink import GREEN, PURPLE, SKY, VERMILLION, faint
from dashboard.figures.runs import dot_trace, heights, marks_key, run_traces
from dashboard.figures.sensor import sensor_traces
from dashboard.figures.series import GlucosePanel, Run, SensorStretch
from dashboard.figures.thinning import thinned
from dashboard.language import _, marked

FOREVER = (0.0, 4e12)


def glucose(panel: GlucosePanel, *, height: int = 170) -> Panel:
    """The drawn panel; it says so when neither glucose nor HbA1c was ever measured. The sensor's traces come first."""
    sensor = panel.sensor
    if not (len(panel.readings.points) or len(sensor) or panel.hba1c):
        return empty(_("Glucose and HbA1c"))
    readings = thinned(panel.readings)
    top = axis_top(panel)
    drawn = Panel(
        title=_title(panel, len(readings.points)),
        height=height,
        axis={"range": [0, top], "nticks": 5},
        second=_second(panel.hba1c),
    )
    if len(sensor):
        drawn.shapes.append(box(*FOREVER, *panel.target, fill=faint(GREEN, 0.09)))
        drawn.traces += sensor_traces(sensor, SensorStretch(), top=top)
    if len(readings.points):
        drawn.traces.append(dot_trace(readings, colour=VERMILLION, floor=0.0, size=5.5))
    for run in panel.hba1c:
        floor = drawn.second["range"][0] if drawn.second else 0.0
        drawn.traces += run_traces(run, colour=PURPLE, floor=floor, plain="diamond", size=7.5, axis="second")
    return drawn


def axis_top(panel: GlucosePanel) -> float:
    """The upper end of the axis: every number of the panel has its place below."""
    found = heights([panel.readings])
    tops = [v.max() for v in (found, panel.sensor.highest) if len(v)]
    return float(max([*tops, panel.target[1]]) * 1.06)


def _title(panel: GlucosePanel, drawn: int) -> str:
    total = len(panel.readings.points)
    low, high = panel.target
    return joined(
        (
            f"<b>{_('Glucose')}</b> {panel.unit}",
            key("●", VERMILLION, _("lab, meter")) if total else "",
            _("{n} of {all} points drawn", n=drawn, all=total) if drawn < total else "",
            *marks_key([panel.readings], VERMILLION),
            key("▬", SKY, _("sensor 5-95 %, pale: lowest to highest")) if len(panel.sensor) else "",
            key("◆", PURPLE, _("HbA1c {unit} (right)", unit=panel.hba1c_unit)) if panel.hba1c else "",
            key("■", faint(GREEN, 0.3), marked(f"{low:g}-{high:g}")) if len(panel.sensor) else "",
        )
    )


def _second(hba1c: Sequence[Run]) -> Spec | None:
    found = heights(hba1c)
    if not len(found):
        return {"visible": False, "range": [0, 1]} if hba1c else None
    low, high = float(found.min()), float(found.max())
    room = max((high - low) * 0.6, 1.0 if high < 25 else 10.0)
    return {"range": [low - room, high + room], "nticks": 4, "tickfont": {"color": PURPLE, "size": 11}}
