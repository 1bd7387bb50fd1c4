"""The lowest a marker has been within an epoch, robustly: the lowest median of three consecutive results.

A lowest single value is biased low: with it, simulated stable patients gave 0.13 false confirmed rises a year, with the
median 0.02-0.03 (clinical reference 4.4). With fewer than three results the lowest one stands, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from clinical.variation import own_cv


class Nadir(NamedTuple):
    """The value, when it was (the median's own sample), and from how many results of the epoch."""

    value: float
    at: datetime
    results: int


class _TakenBack(NamedTuple):
    value: float
    before: int


class Pool:
    """The results of one epoch and assay that may set the nadir, in order of time. Rises do not enter it: a nadir that
    followed a rise upwards would hide that rise. One that later results took back still tells how much the patient's
    marker moves by itself."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._at: list[datetime] = []
        self._phases: list[int | None] = []
        self._taken_back: list[_TakenBack] = []
        self._lowest: int | None = None
        self._phased = False

    def add(self, value: float, at: datetime, phase: int | None) -> None:
        """Keep a result; `phase` is its day of the injection cycle where injections are recorded."""
        values = self._values
        values.append(value)
        self._at.append(at)
        self._phases.append(phase)
        self._phased = self._phased or phase is not None
        results = len(values)
        candidate = results - 1 if results < 3 else _middle(values, range(results - 3, results))
        # The third result replaces the lowest single value by the first median.
        if self._lowest is None or results == 3 or values[candidate] < values[self._lowest]:
            self._lowest = candidate

    def take_back(self, rise: float) -> None:
        """Note the value of an unconfirmed rise; the next result that is kept is the first that speaks against it."""
        self._taken_back.append(_TakenBack(rise, len(self._values)))

    def nadir(self, phase: int | None = None, window: float = math.inf) -> Nadir | None:
        """The nadir over results within `window` days of the same phase; of all where a phase is not known."""
        lowest, results = self._lowest, len(self._values)
        if phase is not None and self._phased and not math.isinf(window):
            near = [at for at, other in enumerate(self._phases) if other is None or abs(other - phase) <= window]
            if len(near) != results:
                lowest, results = _lowest(self._values, near), len(near)
        return None if lowest is None else Nadir(self._values[lowest], self._at[lowest], results)

    def stable_cv(
        self, least: int, cv_analytical: float, within: float, *, after: int, outlying: float
    ) -> float | None:
        """The patient's own coefficient of variation over the stable results, given `least` of them; else None.

        Stable is what lies no more than `within` (a fraction) above the nadir: a fall after treatment is no scatter.
        Rises that were taken back count too once `after` results followed them, unless they reach `outlying` nadirs:
        without them the patients who vary most would look as calm as their calmest results.
        """
        if self._lowest is None or len(self._values) < least:
            return None
        lowest = self._values[self._lowest]
        highest = lowest * (1 + within)
        stable = [value for value in self._values if value <= highest]
        if len(stable) < least or min(stable) <= 0:
            return None
        settled = [t.value for t in self._taken_back if len(self._values) - t.before >= after]
        return own_cv([*stable, *(v for v in settled if v < outlying * lowest)], cv_analytical)


def _lowest(values: Sequence[float], near: Sequence[int]) -> int | None:
    """Which of the results `near` sets the nadir over them."""
    candidates = near if len(near) < 3 else [_middle(values, near[at : at + 3]) for at in range(len(near) - 2)]
    return min(candidates, key=values.__getitem__, default=None)


def _middle(values: Sequence[float], three: Iterable[int]) -> int:
    """Which of three results is their median."""
    return sorted(three, key=values.__getitem__)[1]
