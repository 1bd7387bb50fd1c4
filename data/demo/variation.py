"""How a true level becomes a measured one: within-subject biological and analytical variation.

Coefficients of variation (biological CVi, analytical CVa) as fractions. Glucagon: Widjaja, Clin Chem 1999;45:561.
Chromogranin A: Braga, Clin Biochem 2013;46:148. Zinc: Bal, Turk J Biochem 2021. Glucose, albumin: Oguz, Turk J
Biochem 2021. The others are rounded from what laboratories commonly publish and serve the demonstration only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, log, log1p, sqrt
from random import Random

Course = float | Sequence[tuple[int, float]]
"""A true level over time: one number, or (day, level) points joined log-linearly."""

VARIATION: Mapping[str, tuple[float, float]] = {
    "glucagon": (0.19, 0.10),
    "chromogranin-a": (0.163, 0.03),
    "zinc": (0.091, 0.042),
    "glucose-fasting": (0.048, 0.018),
    "albumin": (0.035, 0.029),
    "hba1c": (0.012, 0.015),
    "haemoglobin": (0.027, 0.010),
    "b12": (0.13, 0.05),
    "vitamin-a": (0.09, 0.05),
    "vitamin-d": (0.11, 0.06),
    "vitamin-e": (0.08, 0.05),
    "inr": (0.04, 0.02),
    "tsh": (0.17, 0.03),
    "free-t4": (0.05, 0.04),
    "alp": (0.055, 0.03),
    "alt": (0.10, 0.04),
    "ast": (0.09, 0.04),
    "ggt": (0.09, 0.03),
    "bilirubin": (0.15, 0.04),
    "lipase": (0.10, 0.04),
    "creatinine": (0.045, 0.02),
    "egfr": (0.045, 0.02),
    "crp": (0.34, 0.05),
}
USUAL = (0.06, 0.03)
CLIP_SD = 1.15


def level_at(course: Course, day: int) -> float:
    """The true level of a course on `day`: constant before its first and after its last point."""
    if isinstance(course, int | float):
        return float(course)
    if day <= course[0][0]:
        return course[0][1]
    for (day_1, level_1), (day_2, level_2) in pairwise(course):
        if day <= day_2:
            part = (day - day_1) / (day_2 - day_1)
            return exp(log(level_1) + part * (log(level_2) - log(level_1)))
    return course[-1][1]


def measured(rng: Random, analyte: str, truth: float) -> float:
    """One measurement of a true level: log-normal with CVi and CVa, cut at `CLIP_SD` standard deviations.

    The tails are left out on purpose: with glucagon's wide variation they make a stable patient look risen now and
    then, and which of thirty demonstration patients that is would be chance, not a story.
    """
    biological, analytical = VARIATION.get(analyte, USUAL)
    spread = sqrt(log1p(biological**2) + log1p(analytical**2))
    deviation = max(-CLIP_SD, min(CLIP_SD, rng.gauss(0.0, 1.0)))
    return truth * exp(deviation * spread)
