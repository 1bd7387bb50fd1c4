"""Reading a time as it was written: its moment in UTC, its precision, and nothing guessed.

A date alone is kept as a date. A time of day needs its zone, in the text or given with the file; a day-month order that
could be read two ways needs the order given with the file.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from clinical.saying import say
from data.intake.item import Held

DateOrder = Literal["dmy", "mdy"]
EARLIEST, LATEST = 1900, 2200
CLOCK_SKEW = timedelta(minutes=10)
# The first place on earth to enter a new day is fourteen hours ahead of UTC.
FURTHEST_EAST = timedelta(hours=14)

_ISO = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?)?"
    r" ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_ORDERED = re.compile(
    r"(?P<first>[0-9]{1,2})(?P<sign>[./-])(?P<second>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})"
    r"(?:[ T](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?))?"
)


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A time as received. `at` is aware UTC (00:00 UTC of the first day a date can mean), `text` is ISO 8601."""

    at: datetime
    text: str
    precision: Literal["year", "month", "day", "minute", "second"]


def read_moment(text: str, *, zone: ZoneInfo | None = None, date_order: DateOrder | None = None) -> Moment:
    """The moment `text` states. Raises Held for anything that is not one moment or date.

    ISO 8601 is always read; `date_order` also lets `10.03.2024` or `03/10/2024` through. `zone` is the zone of times
    that carry none; a local time that a clock change skips or repeats is refused.
    """
    stripped = text.strip()
    ordered = _ORDERED.fullmatch(stripped)
    if ordered is not None:
        stripped = _iso_of(ordered, date_order)
    match = _ISO.fullmatch(stripped)
    if match is None:
        raise Held(
            say("{short} is not a date or time in ISO 8601", short=_short(text)),
            say("write 2024-03-10 or 2024-03-10T08:15:00+01:00, or name the order of day and month"),
        )
    try:
        return _moment(match, stripped, zone)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Held):
            raise
        raise Held(
            say("{short} is not a possible date or time: {error}", short=_short(text), error=error),
            say("check the date"),
        ) from error


@lru_cache(maxsize=8_192)
def read_fhir_moment(text: str) -> Moment:
    """The moment of a FHIR date, dateTime or instant. Raises Held, also for a time of day without its zone."""
    if " " in text.strip() or text != text.strip():
        raise Held(
            say("{short} is not a FHIR dateTime", short=_short(text)),
            say("write 2024-03-10 or 2024-03-10T08:15:00+01:00"),
        )
    return read_moment(text)


def refuse_future(moment: Moment, now: datetime, what: str = say("the time")) -> None:
    """Raise Held when `moment` lies after `now` by more than clocks and zones explain."""
    limit = now + (FURTHEST_EAST if moment.precision in ("year", "month", "day") else CLOCK_SKEW)
    if moment.at > limit:
        raise Held(say("{what} {on} lies in the future", what=what, on=moment.text), say("check the date"))


def _iso_of(match: re.Match[str], date_order: DateOrder | None) -> str:
    if date_order is None:
        raise Held(
            say("{match} can be read as day-month or month-day", match=repr(match[0])),
            say("write the date as 2024-03-10, or import with --date-order dmy or mdy"),
        )
    first, second = int(match["first"]), int(match["second"])
    day, month = (first, second) if date_order == "dmy" else (second, first)
    time = f"T{match['time']}" if match["time"] else ""
    return f"{match['year']}-{month:02d}-{day:02d}{time}"


def _moment(match: re.Match[str], text: str, zone: ZoneInfo | None) -> Moment:
    year = int(match["year"])
    if not EARLIEST <= year <= LATEST:
        raise ValueError(
            say("year {year} is not between {earliest} and {latest}", year=year, earliest=EARLIEST, latest=LATEST)
        )
    if match["hour"] is None:
        first = date(year, int(match["month"] or 1), int(match["day"] or 1))
        precision: Literal["year", "month", "day"] = "day" if match["day"] else "month" if match["month"] else "year"
        return Moment(datetime(first.year, first.month, first.day, tzinfo=UTC), text, precision)
    local = datetime.fromisoformat(f"{text[:10]}T{match['hour']}:{match['minute']}:{match['second'] or '00'}")
    local += timedelta(microseconds=int(float(match["fraction"] or "0") * 1_000_000))
    aware = local.replace(tzinfo=_offset(match["zone"])) if match["zone"] else _in_zone(local, zone, text)
    written = text if match["zone"] else f"{text}{aware.isoformat()[-6:]}"
    precision_of_time: Literal["minute", "second"] = "second" if match["second"] else "minute"
    return Moment(aware.astimezone(UTC), written.replace(" ", "T", 1), precision_of_time)


def _in_zone(local: datetime, zone: ZoneInfo | None, text: str) -> datetime:
    if zone is None:
        raise Held(
            say("{short} has a time of day but no zone", short=_short(text)),
            say("add the offset (+01:00) or import with --zone"),
        )
    first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise Held(
            say(
                "{short} does not exist or exists twice in {key}: clocks were changed then",
                short=_short(text),
                key=zone.key,
            ),
            say("add the offset, for example +01:00"),
        )
    return first


@lru_cache(maxsize=256)
def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    parsed = datetime.strptime(text.replace(":", ""), "%z").tzinfo
    if parsed is None:
        raise ValueError(f"{text!r} is not an offset")
    return parsed


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
