"""Blood draws: single results with printed values, and regular follow-up along true courses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from clinical.units import convert
from data.demo.laboratories import UNIVERSITY, Assay, Laboratory
from data.demo.teller import Teller
from data.demo.variation import Course, level_at, measured

Courses = Mapping[str, Course]

HEALTHY: Courses = {
    "glucagon": 82.0,
    "glucose-fasting": 5.1,
    "hba1c": 36.0,
    "zinc": 13.8,
    "albumin": 42.0,
    "haemoglobin": 138.0,
    "creatinine": 71.0,
    "egfr": 88.0,
    "crp": 1.8,
    "alp": 74.0,
    "alt": 23.0,
    "ast": 22.0,
    "ggt": 26.0,
    "bilirubin": 9.0,
    "lipase": 31.0,
    "b12": 320.0,
    "vitamin-a": 1.85,
    "vitamin-d": 76.0,
    "vitamin-e": 26.0,
    "inr": 1.0,
    "tsh": 1.7,
    "free-t4": 15.0,
    "chromogranin-a": 62.0,
}
"""True levels of somebody well, in the units of the university laboratory."""

MARKER = ("glucagon", "glucose-fasting", "hba1c", "haemoglobin", "albumin", "zinc")
SAFETY = ("creatinine", "egfr", "crp", "alp", "alt", "ast", "ggt", "bilirubin", "lipase")
YEARLY = ("b12", "vitamin-a", "vitamin-d", "vitamin-e", "inr", "tsh", "free-t4", "chromogranin-a")
SENT_AWAY = {"glucagon": 6, "chromogranin-a": 6, "zinc": 2, "vitamin-a": 5, "vitamin-e": 5, "amino-acids": 7}
"""Days until a result is back where it is not the same day."""


def result(p: Teller, day: int, analyte: str, value: str, *, laboratory: Laboratory = UNIVERSITY, **said: Any) -> None:
    """One result as printed: `value` is the number's text (`<15` keeps its comparator), in the laboratory's unit.

    `said` overrides what the laboratory usually states: `unit`, `ref_low`, `ref_high`, `method`, `fasting`, `status`,
    `interpretation`, `text`, `hour`, `precision`, `issued_after`, `source_id`, `source_version`.
    """
    assay = laboratory.assays.get(analyte, Assay("", None, None, 0))
    stated: dict[str, Any] = {
        "unit": assay.unit,
        "ref_low": _limit(assay.low),
        "ref_high": _limit(assay.high),
        "lab": laboratory.name,
        "method": assay.method,
        "issued_after": SENT_AWAY.get(analyte, 0),
    }
    p.quantity(day, analyte, value, **{**stated, **said})


def draw(
    p: Teller, day: int, analytes: tuple[str, ...], courses: Courses, *, laboratory: Laboratory = UNIVERSITY
) -> None:
    """One fasting blood draw: each analyte's true level on that day, measured and reported as the laboratory does."""
    for analyte in analytes:
        truth = level_at(courses[analyte], day) if analyte in courses else level_at(HEALTHY[analyte], day)
        if analyte not in courses:
            truth *= p.own(analyte)
        value = measured(p.rng, analyte, truth)
        result(p, day, analyte, _reported(analyte, value, laboratory), laboratory=laboratory, fasting=True)


def follow(
    p: Teller,
    first: int,
    last: int,
    courses: Courses,
    *,
    every: int = 91,
    laboratory: Laboratory = UNIVERSITY,
    never: tuple[str, ...] = (),
) -> None:
    """Regular follow-up: markers and safety at every visit, vitamins and thyroid at every fourth, a few days' jitter.

    `never` are the analytes nobody thought of.
    """
    for number, planned in enumerate(range(first, last + 1, every)):
        day = min(planned + p.rng.randint(-4, 4), -1)
        panel = MARKER + SAFETY + (YEARLY if number % 4 == 0 else ())
        draw(p, day, tuple(a for a in panel if a not in never), courses, laboratory=laboratory)


def _reported(analyte: str, value: float, laboratory: Laboratory) -> str:
    assay = laboratory.assays[analyte]
    usual = UNIVERSITY.assays[analyte].unit
    if assay.unit != usual:
        value = convert(analyte, Decimal(repr(value)), usual, assay.unit)
    return f"{value:.{assay.decimals}f}"


def _limit(limit: float | None) -> str | None:
    return None if limit is None else f"{limit:g}"
