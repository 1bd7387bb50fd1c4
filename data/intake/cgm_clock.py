"""The time cell of a sensor export in seconds since 1970 on the clock it was written by; no zone is applied here.

Dates and times of day repeat thousands of times in one file, so each is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

from data.intake.item import Held
from data.intake.moments import EARLIEST, LATEST, DateOrder
from data.intake.parcel import Unreadable
from data.readings import SECONDS_A_DAY

_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})")
_ORDERED = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(?:\s*([AaPp])\.?[Mm]\.?)?")
_EPOCH = date(1970, 1, 1)


def wall_seconds(stamp: str, order: DateOrder | None = None) -> int:
    """The clock reading a stamp states. Raises Held."""
    day, time = _parts(stamp)
    return day_number(day, order) * SECONDS_A_DAY + _time(time)


def utc_seconds(stamp: str) -> int:
    """The moment of an ISO time that carries its offset. Raises Held."""
    try:
        parsed = datetime.fromisoformat(stamp)
        if parsed.tzinfo is None:
            raise Held(f"{stamp[:40]!r} has no offset", "send the export as the maker wrote it")
        seconds = int(parsed.timestamp() // 1)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Held):
            raise
        raise Held(f"{stamp[:40]!r} is not a time in ISO 8601", "send the export as the maker wrote it") from error
    return seconds


def settled_order(stamps: Iterable[str], others: Iterable[str], said: DateOrder | None) -> DateOrder | None:
    """The order of day and month that a file settles, else what was said; None where dates need none.

    A day above 12 settles it (also in `others`, dates the maker wrote above the table), then `said`. Raises Unreadable
    where nothing settles it or two things differ; AM and PM settle nothing, Australia writes them after day-month-year.
    """
    dates = {_parts(start)[0] for start in {stamp.lstrip()[:11] for stamp in stamps}}
    ordered = [match for text in dates if (match := _ORDERED.fullmatch(text))]
    if not ordered:
        return said
    ordered += [match for text in others if (match := _ORDERED.match(text.strip()))]
    dmy, mdy = any(int(m[1]) > 12 for m in ordered), any(int(m[3]) > 12 for m in ordered)
    if dmy and mdy:
        raise Unreadable("has dates of both orders, day-month and month-day")
    found: DateOrder | None = "dmy" if dmy else "mdy" if mdy else None
    if found is not None and said is not None and found != said:
        raise Unreadable(f"has dates that can only be {found}, not {said}")
    settled = found or said
    if settled is None:
        raise Unreadable("has dates that can be day-month or month-day; import with --date-order dmy or mdy")
    return settled


@lru_cache(maxsize=16_384)
def day_number(text: str, order: DateOrder | None) -> int:
    """The days from 1970 to a date. Raises Held."""
    iso, ordered = _ISO.fullmatch(text), _ORDERED.fullmatch(text)
    try:
        if iso is not None:
            found = date(int(iso[1]), int(iso[2]), int(iso[3]))
        elif ordered is not None and order is not None:
            first, second = int(ordered[1]), int(ordered[3])
            found = date(int(ordered[4]), *((second, first) if order == "dmy" else (first, second)))
        else:
            raise Held(f"{text[:40]!r} is not a date this maker writes", "send the export as the maker wrote it")
        if not EARLIEST <= found.year <= LATEST:
            raise ValueError(f"year {found.year} is not between {EARLIEST} and {LATEST}")
    except ValueError as error:
        if isinstance(error, Held):
            raise
        raise Held(f"{text!r} is not a possible date: {error}", "check the date") from error
    return (found - _EPOCH).days


def _parts(stamp: str) -> tuple[str, str]:
    stamp = stamp.strip()
    if len(stamp) > 10 and stamp[10] == "T":
        return stamp[:10], stamp[11:]
    day, _, time = stamp.partition(" ")
    return day, time


@lru_cache(maxsize=131_072)
def _time(text: str) -> int:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise Held(f"{text[:40]!r} is not a time of day", "send the export as the maker wrote it")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4] is not None:
        if not 1 <= hour <= 12:
            raise Held(f"{text!r} is not a time of day", "check the time")
        hour = hour % 12 + (12 if match[4] in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise Held(f"{text!r} is not a time of day", "check the time")
    return (hour * 60 + minute) * 60 + second
