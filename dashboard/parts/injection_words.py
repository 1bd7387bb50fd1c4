"""Injections against their plan, in words."""

from __future__ import annotations

from datetime import date, timedelta

from clinical.injection_plan import How, InjectionPlan
from dashboard.language import _, counted, message
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.times import day_text

HOW_WORDS: dict[How, str] = {
    "missed": message("missed: a whole interval or more"),
    "late": message("late"),
    "early": message("early"),
    "as-planned": message("as planned"),
    "withheld": message("later, around PRRT"),
    "overdue": message("overdue, none recorded"),
    "due": message("within the leeway"),
}
WEEKDAYS = (
    message("Monday"),
    message("Tuesday"),
    message("Wednesday"),
    message("Thursday"),
    message("Friday"),
    message("Saturday"),
    message("Sunday"),
)
WHY_NOT = {
    "no-regimen": message("No analogue is in force by what is recorded, so no injection is planned."),
    "no-depot": message("The analogue in force is no depot, so no injection is planned by date."),
    "none-recorded": message(
        "No injection is recorded since the regimen began, more than an interval ago: nothing to count from."
    ),
}


def weekday_text(on: date) -> str:
    """`Monday, 2 Mar 2026`"""
    return f"{_(WEEKDAYS[on.weekday()])}, {day_text(on)}"


def distance_text(on: date, today: date) -> str:
    """How far a planned date lies ahead or back: `in 12 days`, `today`, `3 days ago`."""
    days = (on - today).days
    if days == 0:
        return _("today")
    if days > 0:
        return counted("in {n} day", "in {n} days", days)
    return counted("{n} day ago", "{n} days ago", -days)


def off_text(days: int) -> str:
    """Days from the planned date: `on the day`, `4 days later`, `2 days earlier`."""
    if days == 0:
        return _("on the day")
    if days > 0:
        return counted("{n} day later", "{n} days later", days)
    return counted("{n} day earlier", "{n} days earlier", -days)


def regimen_in_force(plan: InjectionPlan, today: date) -> str:
    """The regimen in one sentence with its beginning; that none is in force where none is."""
    regimen = plan.regimen
    if regimen is None:
        return _("No analogue is in force by what is recorded.")
    words = regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days)
    began = _("{what} since {date}", what=words, date=day_text(regimen.since))
    if not regimen.long_acting:
        return f"{began}."
    given = counted("{n} injection recorded", "{n} injections recorded", regimen.injections)
    return f"{began}; {given}; {_next_text(plan, today)}."


def _next_text(plan: InjectionPlan, today: date) -> str:
    if plan.next is None:
        return _("next injection not planned")
    back = today - plan.next
    if back > timedelta():
        return _(
            "next injection was planned for {date}, {ago}, and is not recorded",
            date=day_text(plan.next),
            ago=distance_text(plan.next, today),
        )
    return _("next injection {date}, {ahead}", date=day_text(plan.next), ahead=distance_text(plan.next, today))
