"""The panel of glucose: laboratory points, sensor days as median with a 5-95 % band, HbA1c on an axis of its own."""

from __future__ import annotations

import numpy as np

from dashboard.figures.drawing import Panel, Spec, box, empty, joined, key, scatter
from dashboard.figures.ink import GREEN, PURPLE, SKY, VERMILLION, faint
from dashboard.figures.series import Floats, GlucosePanel, SensorBand, floats
from dashboard.figures.thinning import thinned

DAY = 86_400_000.0
GAP_DAYS = 3
"""Sensor days further apart than this are not joined: a line across missing days would claim knowledge."""
TARGET_MG_DL = (70.0, 180.0)
MG_DL_PER_MMOL_L = 18.0156


def glucose(panel: GlucosePanel, *, height: int = 170) -> Panel:
    """The drawn panel; it says so when neither glucose nor HbA1c was ever measured."""
    points, sensor, hba1c = thinned(panel.points), panel.sensor, panel.hba1c
    if not (len(points) or len(sensor) or len(hba1c)):
        return empty("Glucose and HbA1c")
    tops = [v.max() for v in (points.value, sensor.p95) if len(v)]
    scale = 1.0 if panel.unit == "mg/dL" else 1 / MG_DL_PER_MMOL_L
    low, high = (scale * t for t in TARGET_MG_DL)
    drawn = Panel(
        title=_title(panel, len(points)),
        height=height,
        axis={"range": [0, max([*tops, high]) * 1.08], "nticks": 5},
        second=_second(hba1c.value),
    )
    if len(sensor):
        drawn.shapes.append(box(0, 4e12, low, high, fill=faint(GREEN, 0.09)))
    drawn.traces += _band(sensor)
    if len(points):
        dots = scatter(points.at, points.value, points.label, mode="markers", cliponaxis=False)
        dots["marker"] = {"symbol": "circle", "size": 5.5, "color": VERMILLION}
        drawn.traces.append(dots)
    if len(hba1c):
        diamonds = scatter(hba1c.at, hba1c.value, hba1c.label, mode="lines+markers", cliponaxis=False)
        diamonds["yaxis"] = "second"
        diamonds["line"] = {"color": PURPLE, "width": 1.25}
        diamonds["marker"] = {"symbol": "diamond", "size": 8, "color": PURPLE}
        drawn.traces.append(diamonds)
    return drawn


def _title(panel: GlucosePanel, drawn: int) -> str:
    total = len(panel.points)
    return joined(
        (
            f"<b>Glucose</b> {panel.unit}",
            key("●", VERMILLION, "lab, meter") if total else "",
            f"{drawn} of {total} points drawn" if drawn < total else "",
            key("▬", SKY, "sensor, 5-95 %") if len(panel.sensor) else "",
            key("◆", PURPLE, f"HbA1c {panel.hba1c_unit} (right)") if len(panel.hba1c) else "",
            key("■", faint(GREEN, 0.3), "70-180 mg/dL") if len(panel.sensor) else "",
        )
    )


def _second(hba1c: Floats) -> Spec | None:
    if not len(hba1c):
        return None
    low, high = float(hba1c.min()), float(hba1c.max())
    room = max((high - low) * 0.6, 1.0 if high < 25 else 10.0)
    return {
        "range": [low - room, high + room],
        "nticks": 4,
        "tickfont": {"color": PURPLE, "size": 11},
    }


def _band(sensor: SensorBand) -> list[Spec]:
    if not len(sensor):
        return []
    cuts = np.flatnonzero(np.diff(sensor.day) > GAP_DAYS * DAY) + 1
    traces: list[Spec] = []
    for piece in np.split(np.arange(len(sensor)), cuts):
        around = floats(np.concatenate([sensor.day[piece], sensor.day[piece][::-1]]))
        edge = floats(np.concatenate([sensor.p95[piece], sensor.p5[piece][::-1]]))
        outline = scatter(around, edge, (), mode="lines", hoverinfo="skip", hovertemplate=None)
        outline.update({"fill": "toself", "fillcolor": faint(SKY, 0.32), "line": {"width": 0}})
        labels = tuple(sensor.label[i] for i in piece)
        middle = scatter(sensor.day[piece], sensor.median[piece], labels, mode="lines")
        middle["line"] = {"color": "#2A7FB8", "width": 1.25}
        if len(piece) == 1:
            middle.update({"mode": "markers", "marker": {"color": "#2A7FB8", "size": 5, "symbol": "line-ew-open"}})
        traces += [outline, middle]
    return traces
