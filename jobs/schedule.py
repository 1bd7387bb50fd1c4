"""The table of jobs and when each is due.

A due time is a point of a fixed grid, never "now": it names the run, so two schedulers, a restart or a repeated hour
cannot make two runs of one. Daily jobs have one due time per local date, whatever daylight saving does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from data.models.base import EPOCH
from data.settings import Settings

WATCH_S = 60
IMPORTS_S = 15
ESCALATION_S = 30
ROTA_S = 300
WISHES_S = 2
ANCHOR_S = 3600
COPY_S = 60
INVARIANTS_S = 3600
VERIFY_AT = time(4, 30)
BACKUP_AT = time(2, 0)
RETENTION_AT = time(4, 0)


@dataclass(frozen=True, slots=True)
class Every:
    """A grid of `seconds`, anchored at 1970-01-01 UTC."""

    seconds: int

    def latest(self, now: datetime) -> datetime:
        """The due time at or before `now`."""
        return EPOCH + ((now - EPOCH) // timedelta(seconds=self.seconds)) * timedelta(seconds=self.seconds)

    def next(self, now: datetime) -> datetime:
        """The first due time after `now`."""
        return self.latest(now) + timedelta(seconds=self.seconds)

    def __str__(self) -> str:
        return f"every {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a local date, at the wall-clock time `at` of `zone`; the first of two where the clock is set back."""

    at: time
    zone: ZoneInfo

    def on(self, day: date) -> datetime:
        """The due time of a local date, UTC. A time the clock jumps over is due that much later."""
        return datetime.combine(day, self.at, self.zone).astimezone(UTC)

    def latest(self, now: datetime) -> datetime:
        """The due time at or before `now`."""
        today = now.astimezone(self.zone).date()
        due = self.on(today)
        return due if due <= now else self.on(today - timedelta(days=1))

    def next(self, now: datetime) -> datetime:
        """The first due time after `now`."""
        today = now.astimezone(self.zone).date()
        due = self.on(today)
        return due if due > now else self.on(today + timedelta(days=1))

    def __str__(self) -> str:
        return f"daily {self.at:%H:%M} {self.zone.key}"


@dataclass(frozen=True, slots=True)
class Job:
    """A named job and when it is due."""

    name: str
    when: Every | Daily


def schedule(settings: Settings) -> Sequence[Job]:
    """Every job of this site, in the order in which they are started."""
    return (
        Job("sweep", Every(settings.sweep_s)),
        Job("full-sweep", Daily(settings.full_sweep_at, settings.zone)),
        Job("digest", Daily(settings.digest_at, settings.zone)),
        Job("reminders", Daily(settings.digest_at, settings.zone)),
        Job("feeds", Every(settings.sweep_s)),
        Job("watch", Every(WATCH_S)),
        Job("invariants", Every(INVARIANTS_S)),
        Job("anchor", Every(ANCHOR_S)),
        Job("verify-audit", Daily(VERIFY_AT, settings.zone)),
        Job("backup", Daily(BACKUP_AT, settings.zone)),
        Job("downtime-lists", Daily(settings.downtime_at, settings.zone)),
        Job("retention", Daily(RETENTION_AT, settings.zone)),
        Job("imports", Every(IMPORTS_S)),
        Job("escalation", Every(ESCALATION_S)),
        Job("rota", Every(ROTA_S)),
        *((Job("audit-copy", Every(COPY_S)),) if settings.audit_copy_file is not None else ()),
    )
