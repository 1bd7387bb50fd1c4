"""Times as people read them: in the site's zone, a date without time stays a date, and every value has an age."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from clinical.chart import Entry

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHORT = {"day": "d", "week": "wk", "month": "mo", "year": "y"}


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment a page was asked for and the zone of the site: what ages and dates on it are relative to."""

    now: datetime
    zone: ZoneInfo

    def ms(self, entry: Entry) -> float:
        """Where an entry stands on a time axis."""
        return wall_ms(entry.effective, entry.precision, self.zone)

    def at(self, moment: datetime) -> float:
        """Where a moment stands on a time axis."""
        return wall_ms(moment, "second", self.zone)

    def when(self, entry: Entry) -> str:
        """The date of an entry, as exact as it is known."""
        return when_text(entry.effective, entry.precision, self.zone)

    def day(self, entry: Entry) -> str:
        """The date of an entry without its time of day."""
        timed = entry.precision in ("minute", "second")
        return day_text(wall(entry.effective, entry.precision, self.zone)) if timed else self.when(entry)

    def age(self, entry: Entry) -> str:
        """How long ago an entry was."""
        return age_text(entry.effective, self.now)


def wall(moment: datetime, precision: str, zone: ZoneInfo) -> datetime:
    """The moment on the site's clock. What is known to the day only keeps its date, whatever the zone."""
    return moment.astimezone(zone if precision in ("minute", "second") else UTC)


def wall_ms(moment: datetime, precision: str, zone: ZoneInfo) -> float:
    """Milliseconds since 1970 of the site's wall clock: what the time axis of a figure shows."""
    return wall(moment, precision, zone).replace(tzinfo=UTC).timestamp() * 1000


def day_text(moment: date | datetime) -> str:
    """`3 Mar 2026`"""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def when_text(moment: datetime, precision: str, zone: ZoneInfo) -> str:
    """The moment as precisely as it is known and no more: `2026`, `Mar 2026`, `3 Mar 2026`, `3 Mar 2026 09:31`."""
    local = wall(moment, precision, zone)
    if precision == "year":
        return str(local.year)
    if precision == "month":
        return f"{MONTHS[local.month - 1]} {local.year}"
    if precision == "day":
        return day_text(local)
    return f"{day_text(local)} {local:%H:%M}"


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """A moment with its zone: `3 Mar 2026 09:31 CET`"""
    local = moment.astimezone(zone)
    return f"{day_text(local)} {local:%H:%M} {local.tzname()}"


def age_text(then: datetime, now: datetime) -> str:
    """How long ago a date was: `today`, `5 days ago`, `7 weeks ago`, `8 months ago`, `2.3 years ago`."""
    days = (now - then).days
    if days < 0:
        return f"in {_span(-days)}"
    return "today" if days == 0 else f"{_span(days)} ago"


def brief_age(then: datetime, now: datetime) -> str:
    """The age in as few letters as a dense table needs: `9 d`, `7 wk`, `8 mo`, `2.3 y`."""
    return re.sub(
        r"(\d) (day|week|month|year)s?", lambda m: f"{m[1]} {SHORT[m[2]]}", age_text(then, now).removesuffix(" ago")
    )


def since_text(then: datetime, now: datetime) -> str:
    """How long ago a moment was, down to minutes: for sweeps and alerts."""
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    return age_text(then, now)


def _span(days: int) -> str:
    if days == 1:
        return "1 day"
    if days < 14:
        return f"{days} days"
    if days < 70:
        return f"{days // 7} weeks"
    if days < 730:
        return f"{round(days / 30.44)} months"
    return f"{days / 365.25:.1f} years"
