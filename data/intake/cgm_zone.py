"""From the wearer's clock to UTC: what a clock change skips is no time, what it repeats is settled by order or held.

An export lists the readings of a device in order. Where that order goes back once within the hour that is repeated, the
rows before are of its first pass and the rows after of its second. Anything else leaves it open.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from data.readings import SECONDS_A_DAY

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wearer's clock carries no zone


def to_utc(wall: NDArray[np.int64], zone: ZoneInfo) -> tuple[NDArray[np.int64], dict[int, str]]:
    """UTC seconds of the clock times of one device in the order of the file, and by index why some have none."""
    day = wall // SECONDS_A_DAY
    runs = np.flatnonzero(np.diff(day, prepend=day[:1] - 1))
    offsets = _steady(set(day[runs].tolist()), zone)
    steady = [offsets[number] for number in day[runs].tolist()]
    lengths = np.diff(runs, append=len(day))
    utc = wall - np.repeat(np.array([offset or 0 for offset in steady], dtype=np.int64), lengths)
    changing = np.repeat(np.array([offset is None for offset in steady], dtype=np.bool_), lengths)
    held: dict[int, str] = {}
    repeated: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for index in np.flatnonzero(changing).tolist():
        first, second = _offsets(int(wall[index]), zone)
        if first < second:
            held[index] = f"this time does not exist in {zone.key}: clocks were put forward"
        elif first > second:
            repeated[int(day[index])].append((index, first, second))
        else:
            utc[index] = wall[index] - first
    inside = np.zeros(len(wall), dtype=np.bool_)
    inside[[index for rows in repeated.values() for index, _, _ in rows]] = True
    falling = _falling(wall)
    back = np.diff(-wall if falling else wall) < 0
    in_order = not (back & ~(inside[1:] & inside[:-1])).any()
    for rows in repeated.values():
        second_pass = _second_pass(np.array([index for index, _, _ in rows]), back, falling) if in_order else None
        for at, (index, first, second) in enumerate(rows):
            if second_pass is None:
                held[index] = f"this time exists twice in {zone.key} and the order of the rows does not say which it is"
            else:
                utc[index] = wall[index] - (second if second_pass[at] else first)
    return utc, held


def _falling(wall: NDArray[np.int64]) -> bool:
    steps = np.diff(wall)
    return bool((steps < 0).sum() > (steps > 0).sum())


def _second_pass(rows: NDArray[np.int64], back: NDArray[np.bool_], falling: bool) -> NDArray[np.bool_] | None:
    if rows[-1] - rows[0] != len(rows) - 1:
        return None
    turns = np.flatnonzero(back[rows[0] : rows[-1]])
    if len(turns) != 1:
        return None
    after: NDArray[np.bool_] = np.arange(len(rows)) > turns[0]
    return ~after if falling else after


def _steady(days: set[int], zone: ZoneInfo) -> dict[int, int | None]:
    """The offset of each whole day in seconds; None for a day on which it changes."""
    midnights = {day: _offsets(day * SECONDS_A_DAY, zone) for day in days | {day + 1 for day in days}}
    steady: dict[int, int | None] = {}
    for day in days:
        noon = _offsets(day * SECONDS_A_DAY + SECONDS_A_DAY // 2, zone)
        found = {*midnights[day], *noon, *midnights[day + 1]}
        steady[day] = found.pop() if len(found) == 1 else None
    return steady


def _offsets(wall: int, zone: ZoneInfo) -> tuple[int, int]:
    """How far the clock is ahead of UTC in seconds, where it shows a time twice in its first and its second pass."""
    local = _EPOCH + timedelta(seconds=wall)
    first, second = (zone.utcoffset(at) or timedelta() for at in (local, local.replace(fold=1)))
    return first.days * SECONDS_A_DAY + first.seconds, second.days * SECONDS_A_DAY + second.seconds
