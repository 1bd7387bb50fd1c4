"""The surveillance schedule: what is due when, by disease state, treatment and time (clinical reference 2.4 and 3).

Nothing is owed by a state that was never stated; what an analogue asks for is owed in every state, and the gallbladder
is watched for years after the last dose. Receptor scans are done on suspicion and never due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import attrgetter

from clinical.chart import Chart, Entry
from clinical.days import date_utc, midnight
from clinical.obligations import Obligation, obligations
from clinical.protocol import Protocol
from clinical.values import value


@value
class DueItem:
    """One thing the schedule owes. `code` is an analyte or `scan`, `skin`, `vitamin-k`, `liver`, `ultrasound`, ...

    `since` is the entry that started its clock and `context` says what that is in words; `last` the latest time it was
    done, however long ago; `never` that it was not done on this clock. `due` is 00:00 UTC of the day it is due,
    `overdue_from` and `long_overdue_from` the first midnights at which it is overdue and long overdue.
    `thresholds` are the protocol entries it rests on, the interval first.
    """

    code: str
    name: str
    interval_days: float
    since: Entry
    context: str
    last: Entry | None
    never: bool
    due: datetime
    overdue_from: datetime
    long_overdue_from: datetime
    thresholds: tuple[str, ...]

    def overdue(self, now: datetime) -> bool:
        """Whether it is overdue at `now`."""
        return now >= self.overdue_from

    def long_overdue(self, now: datetime) -> bool:
        """Whether it is long overdue at `now`."""
        return now >= self.long_overdue_from


def schedule(chart: Chart, protocol: Protocol, now: datetime) -> tuple[DueItem, ...]:
    """Everything owed at `now` (aware), whether due yet or not, what is or falls overdue first in front.

    The chart is judged as given: cut it with `Chart.until(now)` first. Source: clinical reference 2.4 and 3.
    """
    return chart.derived(("schedule", protocol.version, now), lambda: _schedule(chart, protocol, now))


def next_change(chart: Chart, protocol: Protocol, now: datetime, *codes: str) -> datetime | None:
    """The next moment after `now` at which time alone makes one of the items overdue or changes what is owed."""
    moments = list(obligations(chart, protocol, now).changes)
    for item in schedule(chart, protocol, now):
        if item.code in codes:
            moments += (item.overdue_from, item.long_overdue_from)
    return min([at for at in moments if at > now], default=None)


def _schedule(chart: Chart, protocol: Protocol, now: datetime) -> tuple[DueItem, ...]:
    items = [_due(owed, protocol) for owed in obligations(chart, protocol, now).items]
    return tuple(sorted([i for i in items if i is not None], key=attrgetter("overdue_from", "code")))


def _due(owed: Obligation, protocol: Protocol) -> DueItem | None:
    days = protocol[owed.interval]
    start = date_utc(owed.since.effective)
    last = None if owed.last is None else date_utc(owed.last.effective)
    done = last if last is not None and last >= (owed.counts_from or start - timedelta(days=int(days))) else None
    if owed.once and done is not None:
        return None
    missing_baseline = done is None and owed.baseline
    overdue, overdue_by = (
        (protocol[owed.grace], owed.grace)
        if missing_baseline
        else _limit(protocol, owed.overdue, "schedule_overdue_factor", days)
    )
    long_overdue, long_overdue_by = _limit(protocol, owed.long_overdue, "schedule_long_overdue_factor", days)
    reference = start if done is None else done
    overdue_from = midnight(reference + timedelta(days=int(overdue) + 1))
    if owed.not_before is not None:
        overdue_from = max(overdue_from, owed.not_before)
    return DueItem(
        code=owed.code,
        name=owed.name,
        interval_days=days,
        since=owed.since,
        context=owed.context,
        last=owed.last,
        never=done is None,
        due=midnight(reference if missing_baseline else reference + timedelta(days=int(days))),
        overdue_from=overdue_from,
        long_overdue_from=max(overdue_from, midnight(reference + timedelta(days=int(long_overdue) + 1))),
        thresholds=(owed.interval, overdue_by, long_overdue_by),
    )


def _limit(protocol: Protocol, name: str | None, factor: str, days: float) -> tuple[float, str]:
    """So many days after which an item is overdue, and the threshold that says so."""
    return (protocol[factor] * days, factor) if name is None else (protocol[name], name)
