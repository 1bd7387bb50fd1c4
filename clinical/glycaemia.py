"""The glucose metrics of one sensor record in one call (clinical reference section 8).

Ranges are counted in the unit the sensor showed, at the consensus limits of that unit (70 mg/dL, 3.9 mmol/L); mean,
deviation and indices are in mg/dL. HI and LO are counted in the ranges and left out of everything that needs a number.
GMI = 3.31 + 0.02392 x mean mg/dL (Bergenstal 2018 [S101]).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from clinical.glucose_excursions import mage
from clinical.glucose_readings import HIGH_MARK, LOW_MARK, GlucoseUnit, Readings
from clinical.glucose_risk import hbgi, lbgi
from clinical.glucose_wear import wear

RANGE_LIMITS: Mapping[GlucoseUnit, tuple[float, float, float, float]] = MappingProxyType(
    {"mg/dL": (54.0, 70.0, 180.0, 250.0), "mmol/L": (3.0, 3.9, 10.0, 13.9)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Percent of readings below 54 and 70, from 70 to 180, above 180 and 250 mg/dL. `below_70` holds `below_54` and
    `above_180` holds `above_250`: below_70 + within + above_180 = 100."""

    below_54: float
    below_70: float
    within: float
    above_180: float
    above_250: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Glycaemia:
    """The metrics of one record; glucose in mg/dL, shares in percent. None where the readings do not tell: a quartile,
    minimum or maximum that falls on a HI or LO, a deviation of fewer than two numbers, everything of an empty record.
    """

    readings: int
    low_marks: int
    high_marks: int
    days: float
    interval_min: int | None
    active_percent: float | None
    sufficient: bool
    mean: float | None
    sd: float | None
    cv: float | None
    gmi: float | None
    minimum: float | None
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    maximum: float | None
    ranges: Ranges | None
    lbgi: float | None
    hbgi: float | None
    mage: float | None


def glycaemia(readings: Readings) -> Glycaemia:
    """Every metric of the record; two years of readings are one call."""
    worn = wear(readings)
    numbers = readings.numbers
    mean = float(numbers.mean()) if numbers.size else None
    sd = float(numbers.std(ddof=1)) if numbers.size > 1 else None
    minimum, lower, median, upper, maximum = _quartiles(readings)
    return Glycaemia(
        readings=len(readings),
        low_marks=int((readings.marks == LOW_MARK).sum()),
        high_marks=int((readings.marks == HIGH_MARK).sum()),
        days=worn.days,
        interval_min=worn.interval_min,
        active_percent=worn.active_percent,
        sufficient=worn.sufficient,
        mean=mean,
        sd=sd,
        cv=None if mean is None or sd is None else 100 * sd / mean,
        gmi=None if mean is None else gmi(mean),
        minimum=minimum,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        maximum=maximum,
        ranges=ranges(readings),
        lbgi=lbgi(numbers),
        hbgi=hbgi(numbers),
        mage=mage(readings),
    )


def gmi(mean_mg_dl: float) -> float:
    """Glucose management indicator in per cent HbA1c of a mean in mg/dL."""
    return 3.31 + 0.02392 * mean_mg_dl


def ranges(readings: Readings) -> Ranges | None:
    """Time in and outside the ranges, by readings; None for an empty record."""
    if not len(readings):
        return None
    below_54, below_70, above_180, above_250 = RANGE_LIMITS[readings.unit]
    ordered = readings.ordered
    low, high = ordered < below_70, ordered > above_180
    return Ranges(
        below_54=_percent(ordered < below_54),
        below_70=_percent(low),
        within=_percent(~(low | high)),
        above_180=_percent(high),
        above_250=_percent(ordered > above_250),
    )


def _percent(chosen: NDArray[np.bool_]) -> float:
    return 100 * int(chosen.sum()) / chosen.size


def _quartiles(readings: Readings) -> tuple[float | None, ...]:
    if not len(readings):
        return (None,) * 5
    mg_dl, ranked = readings.mg_dl, np.argsort(readings.ordered, kind="stable")
    return tuple(_at_rank(mg_dl[ranked], share) for share in (0.0, 0.25, 0.5, 0.75, 1.0))


def _at_rank(ranked: NDArray[np.float64], share: float) -> float | None:
    rank = share * (ranked.size - 1)
    low, high = float(ranked[int(np.floor(rank))]), float(ranked[int(np.ceil(rank))])
    return None if np.isnan(low) or np.isnan(high) else low + (rank - np.floor(rank)) * (high - low)
