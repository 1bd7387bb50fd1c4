"""Whole days, as a schedule counts them: by calendar date (UTC), whatever the hour something was done."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

_MIDNIGHT: Final = time(tzinfo=UTC)


def date_utc(moment: datetime) -> date:
    """The UTC date of an aware moment."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).date()


def midnight(day: date) -> datetime:
    """00:00 UTC of a date."""
    return datetime.combine(day, _MIDNIGHT)


def on_day(moment: datetime, days: float) -> datetime:
    """00:00 UTC of the date that lies `days` days after the date of a moment (a part of a day is dropped)."""
    return midnight(date_utc(moment) + timedelta(days=int(days)))


def beyond(moment: datetime, days: float) -> datetime:
    """00:00 UTC of the first date that is more than `days` days after the date of a moment."""
    return midnight(date_utc(moment) + timedelta(days=int(days) + 1))


def days_since(moment: datetime, now: datetime) -> int:
    """Calendar days from a moment to `now`."""
    return (date_utc(now) - date_utc(moment)).days
