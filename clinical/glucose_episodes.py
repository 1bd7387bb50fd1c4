"""Episodes of low and high glucose.

An episode begins with at least 15 consecutive minutes beyond a limit and ends with at least 15 minutes within it, or
with a gap over which nothing is known. Source: clinical reference section 8 [S99]; the length of that gap is ours.
HI and LO count as beyond every limit of their side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clinical.glucose_readings import NUMBER, Readings
from clinical.glucose_wear import interval_minutes

EPISODE_MIN = 15
UNKNOWN_AFTER_MIN = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One stretch beyond a limit. `begins` is on the clock of `Readings.at`; `extreme` is the lowest or highest number
    in the unit of the readings, None where a HI or LO hides it."""

    begins: np.datetime64
    minutes: float
    readings: int
    extreme: float | None


def episodes(readings: Readings, side: Literal["below", "above"], limit: float) -> tuple[Episode, ...]:
    """Episodes below or above `limit`, which is in the unit of the readings; in order of time."""
    interval = interval_minutes(readings)
    if interval is None:
        return ()
    beyond = readings.ordered < limit if side == "below" else readings.ordered > limit
    from_min = (readings.at - readings.at[0]).astype(np.float64) / 60
    gaps = np.append(np.diff(from_min), interval)
    until_min = from_min + np.minimum(gaps, interval)
    unknown = gaps > max(UNKNOWN_AFTER_MIN, interval)
    found: list[tuple[int, int]] = []
    for first, last in _runs(beyond, unknown):
        previous = found[-1][1] if found else None
        if (
            previous is not None
            and from_min[first] - until_min[previous] < EPISODE_MIN
            and not unknown[previous:first].any()
        ):
            found[-1] = (found[-1][0], last)
        elif until_min[last] - from_min[first] >= EPISODE_MIN:
            found.append((first, last))
    return tuple(_episode(readings, a, b, float(until_min[b] - from_min[a]), side) for a, b in found)


def _runs(beyond: NDArray[np.bool_], unknown: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each stretch that stays beyond the limit without an unknown gap inside."""
    begins = beyond & np.append(True, ~beyond[:-1] | unknown[:-1])
    ends = beyond & np.append(~beyond[1:] | unknown[:-1], True)
    return list(zip(np.flatnonzero(begins).tolist(), np.flatnonzero(ends).tolist(), strict=True))


def _episode(readings: Readings, first: int, last: int, minutes: float, side: str) -> Episode:
    inside = slice(first, last + 1)
    hidden = bool((readings.marks[inside] != NUMBER).any())
    values = readings.values[inside]
    return Episode(
        begins=readings.at[first],
        minutes=minutes,
        readings=last + 1 - first,
        extreme=None if hidden else float(values.min() if side == "below" else values.max()),
    )
