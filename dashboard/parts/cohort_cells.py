"""A patient of the cohort as the cells of a row: each value with its age, what is unknown said in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from clinical.finding import SEVERITIES
from dashboard.language import _, counted, marked, message, tell
from dashboard.parts import rows
from dashboard.parts.banner import STATE_IN_BRIEF
from dashboard.parts.coded import coded
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.quantities import arrows, number, unit_text
from dashboard.parts.sparkline import sparkline
from dashboard.parts.times import Clock, brief_age, day_text, when_text
from data.cohort import CohortRow
from data.glance import Glance, LatestResult, WeightMove

TREND_WORDS = {
    "up": message("rising against the one before"),
    "down": message("falling against the one before"),
    "same": message("unchanged against the one before"),
}
TREND_SIGNS = {"up": "↗", "down": "↘", "same": "→"}

Cell = list[rows.Part]


def cohort_row(row: CohortRow, clock: Clock) -> dict[str, Any]:
    """The cells by column. Without a glance every cell but name, flags and overdue says that nothing was read yet."""
    cells: dict[str, Cell] = {"patient": _patient(row), "flags": _flags(row), "overdue": _overdue(row, clock)}
    if row.glance is None:
        said = _("cannot be shown") if row.as_of is not None or row.failing else _("not judged yet")
        cells |= {name: [rows.span(said, "soft")] for name in GLANCED}
    else:
        cells |= {name: made(row.glance, clock) for name, made in GLANCED.items()}
        cells["next"] = _next(row, clock)
    if row.deceased:
        cells["state"] = [*cells["state"], rows.below(_("deceased"))]
    return {name: {"parts": parts} for name, parts in cells.items()}


def _patient(row: CohortRow) -> Cell:
    born = day_text(row.birth_date) if row.birth_date else _("birth date not recorded")
    said = f"{row.mrn}, {born}"
    link = rows.link(row.name or _("Name not recorded"), f"/p/{quote(row.mrn, safe='')}")
    state: Cell = []
    if row.failing:
        state = [rows.span(_("could not be judged; what is shown is old"), "below overdue")]
    elif row.waiting:
        state = [rows.span(_("newer data wait for the sweep"), "below waits")]
    return [link, rows.below(said), *state]


def _flags(row: CohortRow) -> Cell:
    found: Cell = [rows.severity(name, f" {row.flags[name]}") for name in SEVERITIES if row.flags[name]]
    return found or [rows.span(_("none"), "soft")]


def _overdue(row: CohortRow, clock: Clock) -> Cell:
    checks = [rows.span(_("none"), "soft")] if row.overdue is None else [rows.span(tell(row.overdue), "two-lines")]
    return [*checks, *_review(row, clock)]


def _review(row: CohortRow, clock: Clock) -> Cell:
    if row.reviewed_until is None:
        return []
    if row.review_ended is not None:
        ended = day_text(row.review_ended.astimezone(clock.zone))
        return [rows.span(_("review ended {day}", day=ended), "below overdue")]
    until = day_text(row.reviewed_until)
    if row.reviewed_until < clock.now.astimezone(clock.zone).date():
        return [rows.span(_("review due since {day}", day=until), "below overdue")]
    return [rows.below(_("reviewed, nothing to do until {day}", day=until))]


def _state(glance: Glance, _clock: Clock) -> Cell:
    return [_(STATE_IN_BRIEF[glance.state])]


def _seen(glance: Glance, clock: Clock) -> Cell:
    if glance.last_seen is None:
        return [rows.span(_("nothing recorded"), "soft")]
    return [f"{_age(glance.last_seen, clock)}", rows.below(when_text(glance.last_seen, "day", clock.zone))]


def _glucagon(glance: Glance, clock: Clock) -> Cell:
    latest = glance.glucagon
    if latest is None:
        return [rows.span(_("never measured"), "soft")]
    if latest.times_limit is None:
        return _result(latest, clock)
    head: Cell = [f"{number(round(latest.times_limit, 2))} ×"]
    marks = arrows(latest.value, latest.ref_low, latest.ref_high)
    if marks:
        head += [" ", rows.arrow(marks)]
    return [*head, rows.below(f"{_number(latest)} {unit_text(latest.unit)}, {brief_age(latest.at, clock.now)}")]


def _course(glance: Glance, clock: Clock) -> Cell:
    if len(glance.spark) < 2:
        return [rows.span(_("fewer than two values"), "soft")]
    (first, start), (last, end) = glance.spark[0], glance.spark[-1]
    words = _(
        "{n} glucagon values from {first} ({start}) to {last} ({end})",
        n=len(glance.spark),
        first=when_text(first, "day", clock.zone),
        start=number(start),
        last=when_text(last, "day", clock.zone),
        end=number(end),
    )
    drawn: Cell = [
        sparkline([at.timestamp() for at, _ in glance.spark], [value for _, value in glance.spark], words=words)
    ]
    trend = glance.glucagon.trend if glance.glucagon else None
    if trend is not None:
        drawn.append(rows.span(TREND_SIGNS[trend], "trend", spoken=_(TREND_WORDS[trend])))
    return drawn


def _skin(glance: Glance, clock: Clock) -> Cell:
    latest = _("IGA {iga}", iga=glance.iga) if glance.iga is not None else coded(glance.skin or "") or None
    return _aged(latest, glance.skin_at, clock, missing=_("never assessed"))


def _imaging(glance: Glance, clock: Clock) -> Cell:
    return _aged(glance.response, glance.response_at, clock, missing=_("no response read"))


def _best(glance: Glance, _clock: Clock) -> Cell:
    best = glance.best_change
    if best is None:
        return [rows.span(_("no sums to compare"), "soft")]
    return [
        f"{best.percent:+.0f} %",
        rows.below(_("of {number} mm, {date}", number=number(best.baseline_mm), date=day_text(best.on))),
    ]


def _hba1c(glance: Glance, clock: Clock) -> Cell:
    return [rows.span(_("never measured"), "soft")] if glance.hba1c is None else _result(glance.hba1c, clock)


def _in_range(glance: Glance, _clock: Clock) -> Cell:
    sensor = glance.sensor
    if sensor is None:
        return [rows.span(_("no sensor"), "soft")]
    until = _("14 d to {date}", date=day_text(sensor.last))
    if sensor.in_range is None:
        return [rows.span(_("worn {share} %: too little", share=f"{sensor.worn * 100:.0f}"), "soft"), rows.below(until)]
    return [f"{sensor.in_range * 100:.0f} %", rows.below(until)]


def _weight(glance: Glance, clock: Clock) -> Cell:
    if glance.weight_kg is None or glance.weight_at is None:
        return [rows.span(_("never measured"), "soft")]
    return [f"{number(glance.weight_kg)} kg", rows.below(_moved(glance.weight_change, glance.weight_at, clock))]


def _moved(change: WeightMove | None, at: datetime, clock: Clock) -> str:
    age = brief_age(at, clock.now)
    if change is None:
        return _("{age}, nothing to compare", age=age)
    return _(
        "{change} % in {n} mo, {age}",
        change=marked(f"{change.percent:+.1f}"),
        n=round((at - change.since).days / 30.44),
        age=age,
    )


def _regimen(glance: Glance, _clock: Clock) -> Cell:
    if glance.regimen is None:
        return [rows.span(_("none recorded"), "soft")]
    given = glance.regimen
    return [regimen_text(given.drug, given.dose, given.unit, None), rows.below(_interval(given.interval_days))]


def _interval(days: int | None) -> str:
    return _("interval not recorded") if days is None else counted("every {n} day", "every {n} days", days)


def _next(row: CohortRow, clock: Clock) -> Cell:
    given = row.glance.regimen if row.glance else None
    if given is None or row.deceased:
        return [rows.span("-", "soft", spoken=_("none"))]
    if given.next_planned is None:
        return [rows.span(_("not planned"), "soft")]
    behind = (clock.now.astimezone(clock.zone).date() - given.next_planned).days
    if behind > 0:
        said = rows.span(_("{n} d ago, not recorded", n=behind), "below overdue")
    else:
        said = rows.below(_("in {n} d", n=-behind))
    return [day_text(given.next_planned), said]


def _result(latest: LatestResult, clock: Clock) -> Cell:
    age = rows.below(brief_age(latest.at, clock.now))
    if latest.value is None:
        return [latest.text or _("no result"), age]
    head: Cell = [f"{_number(latest)} {unit_text(latest.unit)}".strip()]
    marks = arrows(None if latest.comparator else latest.value, latest.ref_low, latest.ref_high)
    return [*head, *([" ", rows.arrow(marks)] if marks else []), age]


def _number(latest: LatestResult) -> str:
    return f"{latest.comparator or ''}{number(latest.value)}" if latest.value is not None else _("no number")


def _aged(value: str | None, at: datetime | None, clock: Clock, *, missing: str) -> Cell:
    if value is None or at is None:
        return [rows.span(missing, "soft")]
    return [value, rows.below(brief_age(at, clock.now))]


def _age(at: datetime, clock: Clock) -> str:
    age = brief_age(at, clock.now)
    return age if age == _("today") else _("{span} ago", span=age)


GLANCED = {
    "state": _state,
    "seen": _seen,
    "glucagon": _glucagon,
    "course": _course,
    "skin": _skin,
    "imaging": _imaging,
    "best": _best,
    "hba1c": _hba1c,
    "in-range": _in_range,
    "weight": _weight,
    "regimen": _regimen,
    "next": lambda _glance, _clock: [],
}
