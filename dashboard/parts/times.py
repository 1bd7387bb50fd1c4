"""Times as people read them: in the site's zone, a date without time stays a date, and every value has an age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from clinical.chart import Entry
from dashboard.language import _, date_words, marked, message, month_words


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


def wall_ms_of(moments: NDArray[np.datetime64], zone: ZoneInfo) -> NDArray[np.float64]:
    """As `wall_ms`, of an array of UTC times in rising order: shape (n,), datetime64[s] in, float64 ms out."""
    seconds = moments.astype("datetime64[s]").astype(np.int64)
    if not len(seconds):
        return np.zeros(0)
    # The offset is asked for at every full hour and never changes between two of them.
    hours = np.unique(seconds // 3600)
    offsets = [offset_s(int(hour) * 3600, zone) for hour in hours]
    return (seconds + np.array(offsets)[np.searchsorted(hours, seconds // 3600)]) * 1000.0


def offset_s(second: int, zone: ZoneInfo) -> int:
    """Seconds the zone's clock is ahead of UTC at a second since 1970."""
    ahead = datetime.fromtimestamp(second, zone).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds())


def day_text(moment: date | datetime) -> str:
    """`3 Mar 2026`"""
    return date_words(moment)


def when_text(moment: datetime, precision: str, zone: ZoneInfo) -> str:
    """The moment as precisely as it is known and no more: `2026`, `Mar 2026`, `3 Mar 2026`, `3 Mar 2026 09:31`."""
    local = wall(moment, precision, zone)
    if precision == "year":
        return str(local.year)
    if precision == "month":
        return month_words(local)
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
        return _("in {span}", span=_span(-days))
    return _("today") if days == 0 else _("{span} ago", span=_span(days))


def brief_age(then: datetime, now: datetime) -> str:
    """The age in as few letters as a dense table needs: `9 d`, `7 wk`, `8 mo`, `2.3 y`."""
    days = (now - then).days
    if days == 0:
        return _("today")
    number, _one, _many, brief = _counted(abs(days))
    span = f"{number} {_(brief)}"
    return _("in {span}", span=span) if days < 0 else span


def since_text(then: datetime, now: datetime) -> str:
    """How long ago a moment was, down to minutes: for sweeps and alerts."""
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("{n} min ago", n=minutes)
    if minutes < 24 * 60:
        return _("{n} h ago", n=minutes // 60)
    return age_text(then, now)


def _span(days: int) -> str:
    number, one, many, _brief = _counted(days)
    return f"{number} {_(one if number == '1' else many)}"


def _counted(days: int) -> tuple[str, str, str, str]:
    """A span as its number, the words for one and for many, and the brief word; the words still to be translated."""
    if days < 14:
        return str(days), message("day"), message("days"), message("d")
    if days < 70:
        return str(days // 7), message("week"), message("weeks"), message("wk")
    if days < 730:
        return str(round(days / 30.44)), message("month"), message("months"), message("mo")
    return marked(f"{days / 365.25:.1f}"), message("year"), message("years"), message("y")
