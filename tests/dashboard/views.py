"""A view of a patient's page made from a chart alone, for tests of its tabs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinical.change import marker_course
from clinical.chart import Chart, Result
from clinical.imaging import assessments
from clinical.protocol import bundled_protocol
from clinical.therapy import regimen_at
from dashboard.parts.tabs.view import View
from dashboard.parts.times import Clock
from dashboard.parts.units import Units, in_units
from data.trends import Trends

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
CLOCK = Clock(NOW, ZoneInfo("Europe/Berlin"))
PROTOCOL = bundled_protocol()


def result(days_ago: float, value: float | None, analyte: str = "glucagon", **more: Any) -> Result:
    """A result of laboratory A; glucagon in pg/mL with an upper limit of 150 unless told otherwise."""
    when = NOW - timedelta(days=days_ago)
    usual = {"unit": "pg/mL", "ref_high": 150.0, "lab": "A", "method": "RIA", "fasting": True}
    fields = {**(usual if analyte == "glucagon" else {"lab": "A"}), **more}
    return Result(record=f"{analyte}{days_ago}", effective=when, known_at=when, analyte=analyte, value=value, **fields)


def trends_of(chart: Chart, patient_ids: tuple[int, ...] = (1,)) -> Trends:
    """What the page reads of this chart."""
    return Trends(
        as_of=NOW,
        version="1",
        name="Ada Lovelace",
        patient_ids=patient_ids,
        chart=chart,
        marker=marker_course(chart, PROTOCOL),
        scans=assessments(chart),
        regimen=regimen_at(chart, NOW),
        flags=(),
    )


def view_of(
    chart: Chart,
    *,
    units: Units | None = None,
    session: Session | None = None,
    patient_ids: tuple[int, ...] = (1,),
    **query: str,
) -> View:
    """The view of a patient with this chart; `session` is needed by what reads the sensor."""
    found, shown_in = trends_of(chart, patient_ids), units or Units()
    return View(
        mrn="P1",
        found=found,
        shown=in_units(found, shown_in),
        clock=CLOCK,
        units=shown_in,
        protocol=PROTOCOL,
        query=query,
        session=session,  # type: ignore[arg-type]
    )


def chart_of(*results: Result, **entries: Any) -> Chart:
    """A chart with these results in order of time."""
    return Chart(patient="p", results=tuple(sorted(results, key=lambda r: r.effective)), **entries)
