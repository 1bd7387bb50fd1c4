"""Quiet hours: when a person is not to be disturbed by anything that is not urgent, on the clock of their own zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTES_A_DAY: Final = 24 * 60
NEVER_HELD: Final = frozenset({"urgent", "technical"})


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From minute `start` of the local day to minute `end`, over midnight where `end` comes first. They differ."""

    start: int
    end: int
    zone: ZoneInfo

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours around `now` end, UTC; None outside them. An end the clock jumps over comes that much
        later, one that comes twice is the first that lies ahead."""
        local = now.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        over_midnight = self.start > self.end
        inside = minute >= self.start or minute < self.end if over_midnight else self.start <= minute < self.end
        if not inside:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and minute >= self.start else 0)
        end = datetime(day.year, day.month, day.day, self.end // 60, self.end % 60, tzinfo=self.zone)
        first, second = (end.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        return first if first > now else second


def held_until(
    severity: str, hours: QuietHours | None, *, created_at: datetime, now: datetime, longest: timedelta
) -> datetime | None:
    """Until when a mail of `severity` waits for quiet hours to end, never longer than `longest` after it was written.

    None: it may go now. Urgent and technical mails never wait.
    """
    if hours is None or severity in NEVER_HELD:
        return None
    until = hours.until(now)
    if until is None:
        return None
    until = min(until, created_at + longest)
    return until if until > now else None
