"""Ambulatory glucose profile: the last days laid over one another, percentiles per quarter of an hour.

14 days, 15-minute bins, median with 25-75 and 5-95 percentiles (clinical reference section 8). HI and LO take part by
their rank; a percentile that falls on one is not a number and is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.glucose_readings import MINUTES_A_DAY, Readings

PERCENTILES = (5, 25, 50, 75, 95)
BIN_MINUTES = 15
PROFILE_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """`minute`: shape (bins,), start of each bin in minutes of the wearer's day. `counts`: shape (bins,), readings in
    each. `percentiles`: shape (len(PERCENTILES), bins), in the unit of the readings, NaN where a bin is empty or the
    percentile falls on a HI or LO."""

    minute: NDArray[np.int64]
    counts: NDArray[np.int64]
    percentiles: NDArray[np.float64]


def profile(readings: Readings, *, days: int = PROFILE_DAYS, bin_minutes: int = BIN_MINUTES) -> Profile:
    """The profile of the last `days` days. Percentiles interpolate linearly between ranks (Hyndman-Fan type 7).

    Raises ValueError for a bin that does not divide the day.
    """
    if bin_minutes <= 0 or MINUTES_A_DAY % bin_minutes:
        raise ValueError(f"bins of {bin_minutes} minutes do not divide the day")
    recent = readings.last_days(days)
    bins = MINUTES_A_DAY // bin_minutes
    which = recent.minute_of_day // bin_minutes
    counts = np.bincount(which, minlength=bins)
    values = recent.ordered
    ranked = values[np.lexsort((values, which))]
    first = np.cumsum(counts) - counts
    rows = [_at_rank(ranked, first, counts, p / 100) for p in PERCENTILES]
    return Profile(minute=np.arange(bins) * bin_minutes, counts=counts, percentiles=np.array(rows))


def _at_rank(
    ranked: NDArray[np.float64], first: NDArray[np.int64], counts: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    found = np.full(counts.shape, np.nan)
    filled = counts > 0
    rank = share * (counts[filled] - 1)
    below = first[filled] + np.floor(rank).astype(np.int64)
    above = first[filled] + np.ceil(rank).astype(np.int64)
    weight = rank - np.floor(rank)
    low, high = ranked[below], ranked[above]
    known = np.isfinite(low) & np.isfinite(high)
    mixed = np.full(low.shape, np.nan)
    mixed[known] = low[known] + weight[known] * (high[known] - low[known])
    found[filled] = mixed
    return found
