"""Cycles of a depot analogue, and whether symptoms gather at their end (clinical reference 2.3 and R13).

Day 1 of a cycle is the day of its injection, so that a cycle of 28 days has days 8 to 21 in its middle and days 22 to
28 as its last week. In a shorter cycle the middle ends where the last week begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean

from clinical.chart import Chart, Entry, Therapy
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.therapy import USUAL_INTERVAL_DAYS, Regimen, injections

MEASURES = ("itch", "pain", "stools-per-day", "rescue-doses")
_ON_A_SKIN_FORM = ("itch", "pain")
_OUT_OF_TEN = frozenset(_ON_A_SKIN_FORM)
_WEEK = 7
_MIDDLE = (8, 21)
_LAST_CYCLES = 4


@dataclass(frozen=True, slots=True)
class Cycle:
    """From one injection to the day before the next; `end` is the day of the next, or the day it is planned for."""

    start: Therapy
    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Windows:
    """A measure in one cycle: its means over the last week and the middle, and the entries they come from."""

    cycle: Cycle
    last: float
    middle: float
    entries: tuple[Entry, ...]
    escapes: bool


@dataclass(frozen=True, slots=True)
class Escape:
    """A measure that gathers at the end of the interval: the last cycles, oldest first, those that do and do not."""

    measure: str
    cycles: tuple[Windows, ...]

    @property
    def escaping(self) -> int:
        """In how many of the cycles it does."""
        return sum(w.escapes for w in self.cycles)


def end_of_interval_escapes(chart: Chart, regimen: Regimen, protocol: Protocol) -> tuple[Escape, ...]:
    """Every measure that, taken alone, is worse in the last week than in the middle in 3 of the last 4 cycles.

    Cycles of the regimen in force count, from its latest change on. A cycle whose next injection came late is left out;
    one with fewer than two days of entries in either window is among the four and shows nothing. The cycle that is
    running counts up to the planned day of its next injection, once both its windows have their entries.
    """
    found = []
    for measure in MEASURES:
        diary = _diary(chart, measure)
        # No entry is of two windows, so that fewer cannot fill those of enough cycles.
        if len(diary) < 2 * protocol["escape_entries"] * protocol["escape_cycles"]:
            continue
        cycles = _cycles(chart, regimen, protocol)
        windows = [_windows(cycle, diary, measure, protocol) for cycle, _ in cycles]
        if cycles and cycles[-1][1] and windows[-1] is None:
            windows.pop()
        told = tuple(w for w in windows[-_LAST_CYCLES:] if w is not None)
        if sum(w.escapes for w in told) >= protocol["escape_cycles"]:
            found.append(Escape(measure, told))
    return tuple(found)


def _cycles(chart: Chart, regimen: Regimen, protocol: Protocol) -> list[tuple[Cycle, bool]]:
    """Cycles that were not late, oldest first, with whether each is still running."""
    given = [t for t in injections(chart) if t.effective >= regimen.since]
    usual = regimen.interval_days or USUAL_INTERVAL_DAYS
    late = protocol["escape_late_injection"]
    found = []
    for injection, following in pairwise(given):
        cycle = Cycle(injection, injection.effective.date(), following.effective.date())
        planned = injection.interval_days or usual
        if 0 < (cycle.end - cycle.first).days <= planned + late:
            found.append((cycle, False))
    if given:
        first = given[-1].effective.date()
        planned_end = first + timedelta(days=given[-1].interval_days or usual)
        found.append((Cycle(given[-1], first, planned_end), True))
    return found


def _diary(chart: Chart, measure: str) -> list[tuple[datetime, float, Entry]]:
    """Every number recorded of a measure: diary entries, and for itch and pain those of skin assessments."""
    found: list[tuple[datetime, float, Entry]] = [
        (r.effective, r.number, r) for r in chart.of(measure) if r.number is not None
    ]
    if measure in _ON_A_SKIN_FORM:
        noted = ((a.effective, getattr(a, measure), a) for a in chart.skin)
        found += [(at, float(value), entry) for at, value, entry in noted if value is not None]
    return found


def _windows(
    cycle: Cycle, diary: list[tuple[datetime, float, Entry]], measure: str, protocol: Protocol
) -> Windows | None:
    last_week = cycle.end - timedelta(days=_WEEK)
    middle = (
        cycle.first + timedelta(days=_MIDDLE[0] - 1),
        min(cycle.first + timedelta(days=_MIDDLE[1]), last_week),
    )
    late = list(_between(diary, max(last_week, cycle.first), cycle.end))
    mid = list(_between(diary, *middle))
    least = protocol["escape_entries"]
    if min(_days(late), _days(mid)) < least:
        return None
    at_end, before = _mean(late), _mean(mid)
    step = protocol["escape_points" if measure in _OUT_OF_TEN else "escape_a_day"]
    escapes = reaches(at_end, before * (1 + protocol["escape_relative"])) and reaches(at_end - before, step)
    return Windows(cycle, at_end, before, tuple(entry for _, _, entry in (*mid, *late)), escapes)


def _between(
    diary: list[tuple[datetime, float, Entry]], first: date, end: date
) -> Iterator[tuple[datetime, float, Entry]]:
    return (noted for noted in diary if first <= noted[0].date() < end)


def _days(noted: list[tuple[datetime, float, Entry]]) -> int:
    return len({at.date() for at, _, _ in noted})


def _mean(noted: list[tuple[datetime, float, Entry]]) -> float:
    return fmean(value for _, value, _ in noted)
