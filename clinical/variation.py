"""How much a marker moves by itself: the reference change value, the patient's own variation, the doubling time.

Formulas: clinical reference section 4.1 and 4.2 (log-normal reference change value after Fokkema 2006; doubling time
by least squares on the logarithm, reported under the conditions PCWG2 set for PSA). Coefficients of variation are
fractions, never per cent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

ONE_SIDED_95 = 1.645
TWO_SIDED_95 = 1.960
_LN2 = math.log(2)
_LEAST_DAYS_APART = 28
_LEAST_SPAN_DAYS = 90
# Student's t, 97.5 %, for 1, 2, ... 30 degrees of freedom; beyond that the normal value is within 2 %.
_T975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@dataclass(frozen=True, slots=True)
class DoublingTime:
    """A doubling time in days with the 95 % limits of the estimate."""

    days: float
    lower: float
    upper: float
    samples: int


def rcv_symmetric(cv_analytical: float, cv_within: float, z: float = TWO_SIDED_95) -> float:
    """The classic symmetric reference change value as a fraction."""
    return math.sqrt(2) * z * math.hypot(cv_analytical, cv_within)


def rcv_up(cv_analytical: float, cv_within: float, z: float = ONE_SIDED_95) -> float:
    """The relative rise that chance alone exceeds with the probability `z` stands for (log-normal)."""
    return math.exp(z * math.sqrt(2) * _sigma(cv_analytical, cv_within)) - 1


def rcv_down(cv_analytical: float, cv_within: float, z: float = ONE_SIDED_95) -> float:
    """The relative fall (a negative fraction) that chance alone exceeds with the probability `z` stands for."""
    return math.exp(-z * math.sqrt(2) * _sigma(cv_analytical, cv_within)) - 1


def own_cv(values: Sequence[float], cv_analytical: float) -> float:
    """The within-subject coefficient of variation these results show, the analytical part taken out; 0 at least."""
    logs = [math.log(v) for v in values]
    mean = sum(logs) / len(logs)
    # Written out: `statistics.variance` is exact, and a hundred times slower than a sweep can afford.
    total = math.expm1(sum((x - mean) ** 2 for x in logs) / (len(logs) - 1))
    return math.sqrt(max(0.0, total - cv_analytical**2))


def two_point_doubling_days(first: float, second: float, days: float) -> float | None:
    """Days to double from two values `days` apart; None when the second is not higher."""
    return _LN2 * days / math.log(second / first) if second > first > 0 and days > 0 else None


def doubling_time(points: Sequence[tuple[float, float]], *, least_rise: float) -> DoublingTime | None:
    """The doubling time over (day, value) points of one assay, all above the upper limit; None when not estimable.

    Not estimable: fewer than three points, any two less than 28 days apart, a span below 90 days, a total rise below
    `least_rise` (a fraction), or a slope whose 95 % interval reaches zero.
    """
    days = [day for day, _ in points]
    if len(points) < 3 or days[-1] - days[0] < _LEAST_SPAN_DAYS or min(v for _, v in points) <= 0:
        return None
    if any(b - a < _LEAST_DAYS_APART for a, b in pairwise(days)):
        return None
    if points[-1][1] / points[0][1] - 1 < least_rise:
        return None
    slope, margin = _slope([(day, math.log(value)) for day, value in points])
    if slope - margin <= 0:
        return None
    return DoublingTime(_LN2 / slope, _LN2 / (slope + margin), _LN2 / (slope - margin), len(points))


def _sigma(cv_analytical: float, cv_within: float) -> float:
    return math.sqrt(math.log1p(cv_analytical**2) + math.log1p(cv_within**2))


def _slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residual = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    freedom = len(points) - 2
    t = _T975[freedom - 1] if freedom <= len(_T975) else 2.0
    return slope, t * math.sqrt(residual / freedom / spread)
