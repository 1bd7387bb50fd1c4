"""The lowest a marker has been within an epoch, robustly: the lowest median of three consecutive results.

A lowest single value is biased low: with it, simulated stable patients gave 0.13 false confirmed rises a year, with the
median 0.02-0.03 (clinical reference 4.4). With fewer than three results the lowest one stands, and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from clinical.variation import own_cv


@dataclass(frozen=True, slots=True)
class Nadir:
    """The value, when it was (the median's own sample), and from how many results of the epoch."""

    value: float
    at: datetime
    results: int


@dataclass(frozen=True, slots=True)
class _Kept:
    value: float
    at: datetime
    phase: int | None


class Pool:
    """The results of one epoch and assay that may set the nadir, in order of time. Rises do not enter it: a nadir that
    followed a rise upwards would hide that rise."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._lowest: Nadir | None = None
        self._phased = False

    def add(self, value: float, at: datetime, phase: int | None) -> None:
        """Keep a result; `phase` is its day of the injection cycle where injections are recorded."""
        self._kept.append(_Kept(value, at, phase))
        self._phased = self._phased or phase is not None
        results = len(self._kept)
        candidate = self._kept[-1] if results < 3 else _middle(*self._kept[-3:])
        # The third result replaces the lowest single value by the first median.
        if self._lowest is None or results == 3 or candidate.value < self._lowest.value:
            self._lowest = Nadir(candidate.value, candidate.at, results)
        else:
            self._lowest = Nadir(self._lowest.value, self._lowest.at, results)

    def nadir(self, phase: int | None = None, window: float = math.inf) -> Nadir | None:
        """The nadir over results within `window` days of the same phase; of all where a phase is not known."""
        if phase is None or not self._phased or math.isinf(window):
            return self._lowest
        kept = [k for k in self._kept if k.phase is None or abs(k.phase - phase) <= window]
        if len(kept) == len(self._kept):
            return self._lowest
        candidates = (
            kept if len(kept) < 3 else [_middle(*three) for three in zip(kept, kept[1:], kept[2:], strict=False)]
        )
        lowest = min(candidates, key=_value, default=None)
        return None if lowest is None else Nadir(lowest.value, lowest.at, len(kept))

    def stable_cv(self, least: int, cv_analytical: float, within: float) -> float | None:
        """The patient's own coefficient of variation over the last `least` results, when there are as many and the
        highest is no more than `within` (a fraction) above the lowest; else None."""
        last = [k.value for k in self._kept[-least:]]
        if len(last) < least or min(last) <= 0 or max(last) > min(last) * (1 + within):
            return None
        return own_cv(last, cv_analytical)


def _value(kept: _Kept) -> float:
    return kept.value


def _middle(one: _Kept, two: _Kept, three: _Kept) -> _Kept:
    """The median of three, as the sample it is."""
    return sorted((one, two, three), key=_value)[1]
