"""The lowest a marker has been within an epoch, robustly: the lowest median of three consecutive results.

A lowest single value is biased low: with it, simulated stable patients gave 0.13 false confirmed rises a year, with the
median 0.02-0.03 (clinical reference 4.4). With fewer than three results the lowest one stands, and says so.
"""

from __future__ import annotations

import math
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from clinical.variation import own_cv


class Nadir(NamedTuple):
    """The value, when it was (the median's own sample), and from how many results of the epoch."""

    value: float
    at: datetime
    results: int


class _Kept(NamedTuple):
    value: float
    at: datetime
    phase: int | None


class _TakenBack(NamedTuple):
    value: float
    before: int


class Pool:
    """The results of one epoch and assay that may set the nadir, in order of time. Rises do not enter it: a nadir that
    followed a rise upwards would hide that rise. One that later results took back still tells how much the patient's
    marker moves by itself."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._taken_back: list[_TakenBack] = []
        self._lowest: _Kept | None = None
        self._phased = False

    def add(self, value: float, at: datetime, phase: int | None) -> None:
        """Keep a result; `phase` is its day of the injection cycle where injections are recorded."""
        kept = _Kept(value, at, phase)
        self._kept.append(kept)
        self._phased = self._phased or phase is not None
        results = len(self._kept)
        candidate = kept if results < 3 else _middle(self._kept[-3:])
        # The third result replaces the lowest single value by the first median.
        if self._lowest is None or results == 3 or candidate.value < self._lowest.value:
            self._lowest = candidate

    def take_back(self, rise: float) -> None:
        """Note the value of an unconfirmed rise; the next result that is kept is the first that speaks against it."""
        self._taken_back.append(_TakenBack(rise, len(self._kept)))

    def nadir(self, phase: int | None = None, window: float = math.inf) -> Nadir | None:
        """The nadir over results within `window` days of the same phase; of all where a phase is not known."""
        kept, lowest = self._kept, self._lowest
        if phase is not None and self._phased and not math.isinf(window):
            near = [k for k in kept if k.phase is None or abs(k.phase - phase) <= window]
            if len(near) != len(kept):
                kept, lowest = near, _lowest(near)
        return None if lowest is None else Nadir(lowest.value, lowest.at, len(kept))

    def stable_cv(
        self, least: int, cv_analytical: float, within: float, *, after: int, outlying: float
    ) -> float | None:
        """The patient's own coefficient of variation over the stable results, given `least` of them; else None.

        Stable is what lies no more than `within` (a fraction) above the nadir: a fall after treatment is no scatter.
        Rises that were taken back count too once `after` results followed them, unless they reach `outlying` nadirs:
        without them the patients who vary most would look as calm as their calmest results.
        """
        if self._lowest is None or len(self._kept) < least:
            return None
        highest = self._lowest.value * (1 + within)
        stable = [k.value for k in self._kept if k.value <= highest]
        if len(stable) < least or min(stable) <= 0:
            return None
        settled = [t.value for t in self._taken_back if len(self._kept) - t.before >= after]
        return own_cv([*stable, *(v for v in settled if v < outlying * self._lowest.value)], cv_analytical)


_value = attrgetter("value")


def _lowest(kept: list[_Kept]) -> _Kept | None:
    candidates = kept if len(kept) < 3 else [_middle(kept[at : at + 3]) for at in range(len(kept) - 2)]
    return min(candidates, key=_value, default=None)


def _middle(three: list[_Kept]) -> _Kept:
    """The median of three, as the sample it is."""
    return sorted(three, key=_value)[1]
