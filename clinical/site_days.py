"""A chart's therapy by the calendar of the site: who gives an injection at five in the afternoon gives it that day.

The rules count days by UTC date (decision 0008), which in California ends in the afternoon and in Japan begins at nine
in the morning. What plans or lists injections by date reads the chart through this module first, and then counts as
everywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from clinical.chart import Chart, Therapy
from clinical.days import date_utc, midnight

_TIMED = frozenset({"minute", "second"})


def in_site_days(chart: Chart, zone: ZoneInfo, now: datetime) -> Chart:
    """The chart with the therapy known at `now` (aware), each entry at 00:00 UTC of its date in `zone`.

    What is known to the day only keeps its date, and is known from the beginning of that day in `zone`. Give the chart
    uncut; the rest of it stays as it is.
    """
    today = now.astimezone(zone).date()
    known = [
        replace(entry, effective=midnight(_day(entry, zone)))
        for entry in chart.therapy
        if entry.known_at <= now or (entry.known_at == entry.effective and entry.precision not in _TIMED)
        if _day(entry, zone) <= today
    ]
    return replace(chart, therapy=tuple(sorted(known, key=_effective)))


def site_noon(now: datetime, zone: ZoneInfo) -> datetime:
    """12:00 UTC of the date that `now` (aware) has in `zone`: the moment to ask such a chart about today."""
    return datetime.combine(now.astimezone(zone).date(), time(12), tzinfo=UTC)


def _day(entry: Therapy, zone: ZoneInfo) -> date:
    return entry.effective.astimezone(zone).date() if entry.precision in _TIMED else date_utc(entry.effective)


def _effective(entry: Therapy) -> datetime:
    return entry.effective
