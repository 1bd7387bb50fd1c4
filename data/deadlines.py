"""By when a flag is to be reviewed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WORKING_DAYS: Final = 3
MEDIUM_DAYS: Final = 14


def due_on(severity: str, opened_at: datetime, zone: ZoneInfo) -> date | None:
    """The site's date by which a flag opened at `opened_at` is to be reviewed.

    Urgent the same day, high three working days, medium 14 days; None for low and info: the next visit, whenever it is.
    """
    opened = opened_at.astimezone(zone).date()
    if severity == "urgent":
        return opened
    if severity == "high":
        return working_days_after(opened, WORKING_DAYS)
    if severity == "medium":
        return opened + timedelta(days=MEDIUM_DAYS)
    return None


def working_days_after(day: date, count: int) -> date:
    """The date `count` working days after `day`; Saturdays and Sundays do not count, public holidays are not known."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
