"""Readings of one glucose sensor as arrays: times, numbers, and HI/LO marks that stand where a number is missing.

A sensor shows HI or LO outside what it can measure. Such a reading is counted in the ranges, because it is certainly
above or below every limit, and takes no part in a mean, a deviation or an index: its number is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clinical.units import to_canonical

GlucoseUnit = Literal["mg/dL", "mmol/L"]
LOW_MARK, NUMBER, HIGH_MARK = -1, 0, 1
MINUTES_A_DAY = 1440


class ReadingsError(ValueError):
    """Readings that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """Readings sorted by time, n of each; make them with `readings`.

    `at`: shape (n,), datetime64[s], one steady clock (UTC). `wall`: shape (n,), the wearer's clock, for everything that
    speaks of days and hours. `values`: shape (n,), float64 in `unit`, NaN where a mark stands. `marks`: shape (n,),
    LOW_MARK, NUMBER or HIGH_MARK.
    """

    at: NDArray[np.datetime64]
    wall: NDArray[np.datetime64]
    values: NDArray[np.float64]
    marks: NDArray[np.int8]
    unit: GlucoseUnit

    def __len__(self) -> int:
        return len(self.at)

    @property
    def numbers(self) -> NDArray[np.float64]:
        """The readings that are numbers, in mg/dL, in order of time."""
        found: NDArray[np.float64] = self.mg_dl[self.marks == NUMBER]
        return found

    @property
    def mg_dl(self) -> NDArray[np.float64]:
        """Shape (n,): every reading in mg/dL, NaN where a mark stands."""
        return self.values * np.float64(to_canonical("glucose", Decimal(1), self.unit))

    @property
    def ordered(self) -> NDArray[np.float64]:
        """Shape (n,): every reading in `unit` with LO as minus infinity and HI as plus infinity, for comparisons and
        ranks; never for arithmetic."""
        return np.where(self.marks == NUMBER, self.values, np.where(self.marks == HIGH_MARK, np.inf, -np.inf))

    @property
    def minute_of_day(self) -> NDArray[np.int64]:
        """Shape (n,): minute of the wearer's day, 0 to 1439."""
        day = self.wall.astype("datetime64[D]")
        minutes: NDArray[np.int64] = (self.wall - day).astype("timedelta64[m]").astype(np.int64)
        return minutes

    def where(self, chosen: NDArray[np.bool_]) -> Readings:
        """The readings that the mask of shape (n,) chooses."""
        return Readings(
            at=self.at[chosen],
            wall=self.wall[chosen],
            values=self.values[chosen],
            marks=self.marks[chosen],
            unit=self.unit,
        )

    def last_days(self, days: int) -> Readings:
        """The readings of the `days` times 24 hours that end with the last one."""
        if not len(self):
            return self
        return self.where(self.at > self.at[-1] - np.timedelta64(days * MINUTES_A_DAY, "m"))

    def between_hours(self, first: int, last: int) -> Readings:
        """The readings from hour `first` to before hour `last` of the wearer's day (consensus blocks: 0-6, 6-24)."""
        minute = self.minute_of_day
        return self.where((minute >= first * 60) & (minute < last * 60))


def readings(
    at: NDArray[np.datetime64],
    values: NDArray[np.float64],
    *,
    marks: NDArray[np.int8] | None = None,
    unit: GlucoseUnit = "mg/dL",
    wall: NDArray[np.datetime64] | None = None,
) -> Readings:
    """Readings from arrays of shape (n,) in any order; `wall` defaults to `at`.

    Raises ReadingsError for unequal lengths, a time that is none, a value that is not a positive finite number without
    a mark in its place, a mark beside a number, and a mark or unit that does not exist.
    """
    marks = np.zeros(len(at), dtype=np.int8) if marks is None else np.asarray(marks, dtype=np.int8)
    wall = at if wall is None else wall
    if unit not in ("mg/dL", "mmol/L"):
        raise ReadingsError(f"unit {unit!r} is not a glucose unit; accepted: mg/dL, mmol/L")
    if not len(at) == len(values) == len(marks) == len(wall):
        raise ReadingsError(f"lengths differ: {len(at)} times, {len(values)} values, {len(marks)} marks")
    if np.isnat(at).any() or np.isnat(wall).any():
        raise ReadingsError(f"reading {int(np.argmax(np.isnat(at) | np.isnat(wall)))}: there is no time")
    values = np.asarray(values, dtype=np.float64)
    number = np.isfinite(values) & (values > 0)
    wrong = np.where(marks == NUMBER, ~number, ~np.isnan(values) | (np.abs(marks) != 1))
    if wrong.any():
        where = int(np.argmax(wrong))
        raise ReadingsError(f"reading {where} at {at[where]}: {values[where]} with mark {marks[where]} is no reading")
    at, wall = at.astype("datetime64[s]"), wall.astype("datetime64[s]")
    order = np.lexsort((marks, values, wall, at))
    return Readings(at=at[order], wall=wall[order], values=values[order], marks=marks[order], unit=unit)
