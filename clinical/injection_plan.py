"""The depot injections to come, by date, out of the regimen in force (clinical reference 2.2 and rule R29).

A plan repeats what was decided: the date written down, else the interval of the regimen. It proposes nothing. Dates
after the next one count from it; each moves when an injection is given on another day or the regimen changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from clinical.chart import Chart, Therapy
from clinical.days import date_utc
from clinical.injections import Cycle, cycles
from clinical.protocol import Protocol
from clinical.therapy import USUAL_INTERVAL_DAYS, Regimen, analogue_steps, injections, regimen_at
from clinical.values import value

DATES_AHEAD = 6
Unplanned = Literal["no-regimen", "no-depot", "none-recorded"]
How = Literal["missed", "late", "early", "as-planned", "withheld", "overdue", "due"]


@dataclass(frozen=True, slots=True)
class PlannedInjection:
    """One injection to come. `number` counts the patient's depot injections, those given included, from 1."""

    number: int
    on: date


@value
class InjectionPlan:
    """What is planned at a moment: the next `DATES_AHEAD` injections, or `why_not` there are none.

    `given` are the recorded depot injections, one a day, oldest first. `interval_days` is that of the regimen;
    `assumed`: none is recorded and the usual one stands in. `withheld_for` is the cycle of PRRT that moved the next.
    """

    regimen: Regimen | None
    given: tuple[Therapy, ...]
    dates: tuple[PlannedInjection, ...]
    interval_days: int | None
    assumed: bool
    withheld_for: Therapy | None
    why_not: Unplanned | None

    @property
    def next(self) -> date | None:
        """The date of the next injection; None where none is planned."""
        return self.dates[0].on if self.dates else None


def injection_plan(chart: Chart, protocol: Protocol, now: datetime) -> InjectionPlan:
    """The plan at `now` (aware), of a chart cut to what was known then; days are UTC dates (`clinical.site_days`)."""
    regimen = regimen_at(chart, now)
    given = tuple({date_utc(t.effective): t for t in injections(chart) if t.effective <= now}.values())
    unplanned = InjectionPlan(
        regimen=regimen,
        given=given,
        dates=(),
        interval_days=None,
        assumed=False,
        withheld_for=None,
        why_not="no-regimen" if regimen is None else "no-depot",
    )
    if regimen is None or not regimen.long_acting:
        return unplanned
    interval = regimen.interval_days or USUAL_INTERVAL_DAYS
    running = cycles(chart, protocol, now)
    first = running[-1].due if running else _first(chart, regimen, interval, now)
    return InjectionPlan(
        regimen=regimen,
        given=given,
        dates=() if first is None else _dates(first, interval, len(given), date_utc(now)),
        interval_days=interval,
        assumed=regimen.interval_days is None,
        withheld_for=running[-1].withheld_for if running else None,
        why_not="none-recorded" if first is None else None,
    )


def plan_before_stop(chart: Chart, protocol: Protocol, now: datetime) -> InjectionPlan | None:
    """What was planned when the analogue was stopped, where it is stopped at `now`; None where it never was given.

    The same counting of injections, so that what was handed out before can be taken back.
    """
    steps = [s for s in analogue_steps(chart) if s.entry.effective <= now]
    running = [step for step in steps if step.drug is not None]
    if not running or steps[-1].drug is not None:
        return None
    stop = steps[-1].entry
    before = [t for t in chart.therapy if t is not stop and t.effective <= stop.effective]
    kept = Chart(patient=chart.patient, therapy=tuple(before))
    return injection_plan(kept, protocol, stop.effective)


def how_given(cycle: Cycle, protocol: Protocol, now: datetime) -> How:
    """How the next injection of a cycle came against its plan, or at `now` has not come yet.

    Late and early are the limits of R29; missed: a whole interval late.
    """
    late, limit = cycle.days_late(now), protocol["injection_late"]
    if cycle.withheld_for is not None and late <= limit < cycle.days_late_as_planned(now):
        return "withheld"
    if late > limit:
        return "missed" if late >= cycle.interval_days else "overdue" if cycle.following is None else "late"
    if cycle.following is None:
        return "due"
    return "early" if cycle.days_early > protocol["injection_early"] else "as-planned"


def _first(chart: Chart, regimen: Regimen, interval: int, now: datetime) -> date | None:
    """The first injection of a regimen under which none is recorded: the date written down, else that of its start.

    None where that is more than an interval ago: then injections are given and not recorded one by one.
    """
    begun = [s.entry for s in analogue_steps(chart) if s.entry.effective >= regimen.started and s.drug is not None]
    on = next((t.planned_next for t in reversed(begun) if t.planned_next is not None), date_utc(regimen.started))
    return on if on + timedelta(days=interval) >= date_utc(now) else None


def _dates(first: date, interval: int, given: int, today: date) -> tuple[PlannedInjection, ...]:
    """The first whenever it was, and of the later ones those that are still to come."""
    every = [first + timedelta(days=interval * n) for n in range(DATES_AHEAD)]
    told = [PlannedInjection(given + 1 + n, on) for n, on in enumerate(every)]
    return tuple([told[0], *(p for p in told[1:] if p.on > today)])
