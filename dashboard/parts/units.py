"""The units a person wants to see. Only what is shown is converted: every judgement is made in the canonical units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from clinical.analytes import CATALOGUE
from clinical.change import MarkerCourse, Sample
from clinical.chart import Chart, Result
from clinical.units import convert
from dashboard.language import message
from data import preferences
from data.trends import Trends

GlucagonUnit = Literal["pg/mL", "pmol/L"]
GlucoseUnit = Literal["mg/dL", "mmol/L"]

TARGET: Mapping[GlucoseUnit, tuple[float, float]] = MappingProxyType({"mg/dL": (70.0, 180.0), "mmol/L": (3.9, 10.0)})
"""The consensus range, at its own limits in each unit (clinical reference section 8)."""


CHOICES = (
    ("glucagon-unit", message("glucagon"), preferences.CHOICES["glucagon-unit"]),
    ("glucose-unit", message("glucose"), preferences.CHOICES["glucose-unit"]),
)
"""Name of the preference, what it is of, and the units to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What glucagon and glucose are shown in."""

    glucagon: GlucagonUnit = "pg/mL"
    glucose: GlucoseUnit = "mg/dL"

    @property
    def glucose_scale(self) -> float:
        """What a glucose in mg/dL is multiplied by."""
        return _scale("glucose", self.glucose)

    def of(self, analyte: str) -> str | None:
        """The unit an analyte is shown in; None for one that keeps its own."""
        if analyte == "glucagon":
            return self.glucagon
        return self.glucose if analyte in ("glucose", "glucose-fasting") else None


def units_of(preferred: Mapping[str, str]) -> Units:
    """The units of a person's preferences (`data.preferences`)."""
    return Units(
        glucagon="pmol/L" if preferred["glucagon-unit"] == "pmol/L" else "pg/mL",
        glucose="mmol/L" if preferred["glucose-unit"] == "mmol/L" else "mg/dL",
    )


def in_units(trends: Trends, units: Units) -> Trends:
    """The trends with results, ranges, nadirs and limits of chart and marker course in `units`, to be shown and never
    judged."""
    if units == Units():
        return trends
    return replace(trends, chart=chart_in(trends.chart, units), marker=_course(trends.marker, units))


def chart_in(chart: Chart, units: Units) -> Chart:
    """The chart with its results in `units`."""
    return replace(chart, results=tuple(_shown(r, units) for r in chart.results))


def _scale(analyte: str, unit: str) -> float:
    return convert(analyte, Decimal(1), CATALOGUE[analyte].canonical_unit, unit)


def _shown(result: Result, units: Units) -> Result:
    unit = units.of(result.analyte)
    if unit is None or result.unit != CATALOGUE[result.analyte].canonical_unit:
        return result
    scale = _scale(result.analyte, unit)
    return replace(
        result,
        unit=unit,
        value=_times(result.value, scale),
        ref_low=_times(result.ref_low, scale),
        ref_high=_times(result.ref_high, scale),
    )


def _course(course: MarkerCourse, units: Units) -> MarkerCourse:
    if units.of(course.analyte) is None:
        return course
    return replace(course, samples=tuple(_sample(s, units) for s in course.samples))


def _sample(sample: Sample, units: Units) -> Sample:
    shown = _shown(sample.result, units)
    if shown is sample.result:
        return sample
    scale = _scale(shown.analyte, shown.unit or "")
    nadir = sample.nadir
    return replace(
        sample,
        result=shown,
        upper=_times(sample.upper, scale),
        limit=_times(sample.limit, scale),
        nadir=None if nadir is None else nadir._replace(value=nadir.value * scale),
    )


def _times(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale
