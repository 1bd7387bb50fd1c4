"""The choice of further panels under the synoptic chart: absorption markers and the liver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from clinical.analytes import CATALOGUE
from clinical.chart import Chart, Result
from dashboard.figures.series import AnalytePanel, TimesLimitPanel
from dashboard.language import _, message
from dashboard.parts.plotted.runs import range_spans, runs_of
from dashboard.parts.quantities import name_of, unit_text
from dashboard.parts.times import Clock

LIVER = "liver"
LIVER_ANALYTES = ((message("ALP"), "alp"), (message("GGT"), "ggt"), (message("bilirubin"), "bilirubin"))
CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "zinc": message("Zinc"),
        "albumin": message("Albumin"),
        "b12": message("B12"),
        "vitamin-a": message("Vitamin A"),
        "vitamin-d": message("Vitamin D"),
        "vitamin-e": message("Vitamin E"),
        "inr": message("INR"),
        "elastase": message("Elastase"),
        LIVER: message("ALP, GGT, bilirubin"),
    }
)
"""By the name in the address the word on the button."""


def chosen(text: str | None) -> tuple[str, ...]:
    """The names in the address that are choices, each once, in the order of the buttons."""
    asked = set((text or "").split(","))
    return tuple(name for name in CHOICES if name in asked)


def measured(chart: Chart, name: str) -> bool:
    """Whether the choice has anything to show."""
    return bool(chart.of(*_analytes(name)))


def panels(chart: Chart, names: Iterable[str], clock: Clock) -> tuple[AnalytePanel | TimesLimitPanel, ...]:
    """A panel for each chosen name; one that was never measured says so."""
    return tuple(_liver(chart, clock) if n == LIVER else analyte_panel(chart.of(n), n, clock) for n in names)


def analyte_panel(results: Sequence[Result], analyte: str, clock: Clock) -> AnalytePanel:
    """The panel of one analyte."""
    unit = next((r.unit for r in reversed(results) if r.unit), None)
    known = CATALOGUE.get(analyte)
    return AnalytePanel(
        name=name_of(analyte),
        unit=unit_text(unit or (known.canonical_unit if known else None)),
        runs=runs_of(results, clock),
        ranges=range_spans(results, clock),
    )


def _analytes(name: str) -> tuple[str, ...]:
    return tuple(code for _, code in LIVER_ANALYTES) if name == LIVER else (name,)


def _liver(chart: Chart, clock: Clock) -> TimesLimitPanel:
    ranged = {word: [r for r in chart.of(code) if r.ref_high] for word, code in LIVER_ANALYTES}
    numbers = sum(1 for _, code in LIVER_ANALYTES for r in chart.of(code) if r.value is not None)
    told = sum(1 for results in ranged.values() for r in results if r.value is not None)
    return TimesLimitPanel(
        name=_("ALP, GGT, bilirubin"),
        runs=tuple((_(word), _times(results, clock)) for word, results in ranged.items()),
        left_out=numbers - told,
    )


def _times(results: Sequence[Result], clock: Clock) -> tuple:  # type: ignore[type-arg]
    found = []
    by_record = {r.record: r.ref_high for r in results}
    for run in runs_of(results, clock):
        limits = [by_record[record] or 1.0 for record in run.points.record]
        scaled = replace(run.points, value=run.points.value / limits)
        found.append(replace(run, points=scaled))
    return tuple(found)
