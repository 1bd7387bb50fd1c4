"""By when a flag is to be reviewed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
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


def overdue_before(severity: str, today: date, zone: ZoneInfo) -> datetime | None:
    """The moment before which a flag of `severity` was opened if it is overdue on `today`; None: it never is."""
    if severity == "urgent":
        first_in_time = today
    elif severity == "high":
        first_in_time = today
        while working_days_after(first_in_time - timedelta(days=1), WORKING_DAYS) >= today:
            first_in_time -= timedelta(days=1)
    elif severity == "medium":
        first_in_time = today - timedelta(days=MEDIUM_DAYS)
    else:
        return None
    return datetime.combine(first_in_time, time(), zone)


def working_days_after(day: date, count: int) -> date:
    """The date `count` working days after `day`; Saturdays and Sundays do not count, public holidays are not known."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
