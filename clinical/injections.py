"""When depot injections were given against when they were planned (clinical reference rule R29).

The plan is the date written down at the injection before, else its interval; a date written down at a later step of
the regimen takes the place of both. A date that falls into the time around a cycle of PRRT moves to the end of that
time: the depot is withheld then on purpose. Across a recorded stop nothing is late.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from clinical.chart import Chart, Therapy
from clinical.days import date_utc
from clinical.protocol import Protocol
from clinical.therapy import USUAL_INTERVAL_DAYS, analogue_steps, injections, is_analogue, regimen_at
from clinical.values import value


@value
class Cycle:
    """From one depot injection to the next. `following` is None while the next one is not recorded.

    `interval_days` is what was planned, `earliest` and `planned` the planned date of the next injection (they differ
    where another date was written down or the interval changed); `latest` is `planned`, or later where `withheld_for`,
    a cycle of PRRT, moved it. `due` is the one of these dates that was decided last.
    """

    previous: Therapy
    following: Therapy | None
    interval_days: int
    earliest: date
    planned: date
    latest: date
    due: date
    withheld_for: Therapy | None

    def days_late(self, now: datetime) -> int:
        """Days by which the next injection came, or at `now` has not come, after its planned date; negative = early."""
        return (self._given_or(now) - self.latest).days

    def days_late_as_planned(self, now: datetime) -> int:
        """The same against the planned date, PRRT or not."""
        return (self._given_or(now) - self.planned).days

    @property
    def days_early(self) -> int:
        """Days by which the next injection came before its planned date; 0 while it is not recorded."""
        return 0 if self.following is None else (self.earliest - date_utc(self.following.effective)).days

    def _given_or(self, now: datetime) -> date:
        return date_utc(self.following.effective if self.following else now)


def cycles(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Cycle, ...]:
    """The latest cycles of the depot regimen in force at `now`, oldest first; none without a depot.

    As many as are looked back at, and the running one.
    """
    return chart.derived(("planned-cycles", protocol.version, now), lambda: _cycles(chart, protocol, now))


def every_cycle(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Cycle, ...]:
    """Every cycle between two depot injections that no stop parts, and the running one, oldest first."""
    given = _one_a_day([t for t in injections(chart) if t.effective <= now])
    stops = [s.entry.effective for s in analogue_steps(chart) if s.drug is None]
    pairs = [
        (previous, following)
        for previous, following in pairwise(given)
        if not any(previous.effective <= stop <= following.effective for stop in stops)
    ]
    return (*(_cycle(chart, protocol, *pair) for pair in pairs), *cycles(chart, protocol, now)[-1:])


def _cycles(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Cycle, ...]:
    regimen = regimen_at(chart, now)
    if regimen is None or not regimen.long_acting:
        return ()
    given = _one_a_day([t for t in injections(chart) if t.effective >= regimen.started])
    if not given:
        return ()
    given = given[-int(protocol["injection_look_back"]) - 1 :]
    pairs: list[tuple[Therapy, Therapy | None]] = [*pairwise(given), (given[-1], None)]
    return tuple(_cycle(chart, protocol, previous, following) for previous, following in pairs)


def _one_a_day(given: Sequence[Therapy]) -> list[Therapy]:
    """One injection a day: two syringes of one visit are one injection."""
    return list({date_utc(t.effective): t for t in given}.values())


def _cycle(chart: Chart, protocol: Protocol, previous: Therapy, following: Therapy | None) -> Cycle:
    start = date_utc(previous.effective)
    interval = _interval_at(chart, previous)
    # An interval that was changed before the next injection may hold for it already.
    later = _interval_at(chart, following) if following else analogue_steps(chart)[-1].interval_days or interval
    planned = [start + timedelta(days=days) for days in (interval, later)]
    due = planned[1]
    if previous.planned_next is not None and previous.planned_next > start:
        planned.append(previous.planned_next)
        due = previous.planned_next if later == interval else due
    if (said := _said_later(chart, previous, following)) is not None:
        planned, due = [said], said
    latest, withheld_for = _after_prrt(chart, protocol, max(planned))
    return Cycle(
        previous=previous,
        following=following,
        interval_days=interval,
        earliest=min(planned),
        planned=max(planned),
        latest=latest,
        due=_after_prrt(chart, protocol, due)[0],
        withheld_for=withheld_for,
    )


def _said_later(chart: Chart, previous: Therapy, following: Therapy | None) -> date | None:
    """The date of the next injection as last written down at a step of the regimen since `previous`."""
    steps = chart.derived("steps-with-a-date", lambda: _steps_with_a_date(chart))
    if not steps:
        return None
    start = date_utc(previous.effective)
    end = date.max if following is None else date_utc(following.effective)
    said = [planned for given, planned in steps if start <= given < end and planned > start]
    return said[-1] if said else None


def _steps_with_a_date(chart: Chart) -> tuple[tuple[date, date], ...]:
    """Of each step of the regimen with which a date was written down: its own date and that one."""
    return tuple(
        [
            (date_utc(t.effective), t.planned_next)
            for t in chart.therapy
            if t.planned_next is not None and t.kind in ("start", "dose", "interval") and is_analogue(t.drug)
        ]
    )


def _interval_at(chart: Chart, injection: Therapy) -> int:
    if injection.interval_days:
        return injection.interval_days
    steps = [s for s in analogue_steps(chart) if s.drug is not None and s.entry.effective <= injection.effective]
    return (steps[-1].interval_days if steps else None) or USUAL_INTERVAL_DAYS


def _after_prrt(chart: Chart, protocol: Protocol, planned: date) -> tuple[date, Therapy | None]:
    cycles_of_prrt = chart.derived("prrt", lambda: [t for t in chart.therapy if t.procedure == "prrt"])
    if not cycles_of_prrt:
        return planned, None
    before = timedelta(days=protocol["injection_before_prrt"])
    after = timedelta(days=protocol["injection_after_prrt"])
    withheld_for: Therapy | None = None
    for entry in cycles_of_prrt:
        on = date_utc(entry.effective)
        if entry.kind == "procedure" and on - before <= planned <= on + after:
            planned, withheld_for = on + after, entry
    return planned, withheld_for
