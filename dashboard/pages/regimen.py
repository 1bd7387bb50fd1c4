"""The regimen page: what is in force, which injections are planned, how they came, and a form for what was decided."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import quote

from dash import Dash, dcc, html
from dash.development.base_component import Component

from clinical.chart import Therapy
from clinical.injection_plan import How
from clinical.injections import Cycle
from clinical.therapy import given_beside
from dashboard.injection_calendar import calendar_address
from dashboard.language import _, counted, message
from dashboard.parts.banner import banner
from dashboard.parts.entry_page import entry_frame, namesakes
from dashboard.parts.injection_words import HOW_WORDS, WHY_NOT, distance_text, off_text, regimen_in_force, weekday_text
from dashboard.parts.plotted.therapy import dose_text
from dashboard.parts.regimen_form import regimen_form
from dashboard.parts.rows import below, cell, row, span, table
from dashboard.parts.times import Clock, day_text
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.entry.opening import open_form
from data.entry.regimen_save import FORM
from data.injection_lists import Injections, injections_of
from data.patients import find_by_mrn

ROUTE = Route("/p/<mrn>/regimen", title="Regimen", policy=Policy(CLINICAL, patient_argument="mrn"))
KIND_WORDS = {
    "start": message("Started"),
    "dose": message("Dose changed"),
    "interval": message("Interval or date changed"),
    "stop": message("Stopped"),
}
OFF_PLAN: dict[How, str] = {"missed": "overdue", "overdue": "overdue", "late": "pill", "early": "pill"}
"""What came off its plan, with the style it is shown in."""


def layout(mrn: str) -> Component:
    """The regimen page of the patient `mrn`; raises NotFound when the actor may not see them."""
    clock, actor, protocol = Clock(request_now(), current_settings().zone), current_actor(), current_protocol()
    with current_database().read() as session:
        opening = open_form(session, actor, mrn, FORM, protocol=protocol, zone=clock.zone, now=clock.now)
        patient_id = find_by_mrn(session, actor, mrn).id
        of = injections_of(session, patient_id, protocol=protocol, zone=clock.zone, now=clock.now)
    who = opening.head.identity
    today = clock.now.astimezone(clock.zone).date()
    return html.Div(
        [
            banner(opening.head, clock=clock, heading=False),
            html.Div(
                [
                    html.P(
                        dcc.Link(_("Course of the patient"), href=f"/p/{quote(who.mrn, safe='')}"),
                        className="small no-print",
                    ),
                    html.H1(_("Regimen of {name} ({mrn})", name=who.name or _("name not recorded"), mrn=who.mrn)),
                    namesakes(opening),
                    html.Div([_in_force(of, today), _planned(of, who.mrn, today)], className="columns entry-before"),
                    entry_frame(regimen_form(opening, clock)),
                    _against_plan(of, today),
                    _decided(of),
                ],
                className="page entry-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """The form is built and sent by the browser's own inputs; it has no callbacks."""


def _in_force(of: Injections, today: date) -> Component:
    others = given_beside(of.chart.therapy, of.plan.regimen)
    return _card(
        _("In force"),
        html.P(regimen_in_force(of.plan, today)),
        html.Ul([html.Li(_("{what} since {date}", what=dose_text(t), date=day_text(t.effective))) for t in others])
        if others
        else html.P(_("No other therapy is recorded as given."), className="soft"),
    )


def _planned(of: Injections, mrn: str, today: date) -> Component:
    plan = of.plan
    if plan.why_not is not None:
        body: list[Component | None] = [html.P(_(WHY_NOT[plan.why_not]), className="soft")]
    else:
        body = [
            html.Ol(
                [
                    html.Li(
                        [
                            html.Span(weekday_text(one.on)),
                            html.Span(distance_text(one.on, today), className="overdue" if one.on < today else "soft"),
                        ]
                    )
                    for one in plan.dates
                ],
                className="injection-dates",
            ),
            html.P(
                _("No interval is recorded; the usual {n} days are counted.", n=plan.interval_days), className="small"
            )
            if plan.assumed
            else None,
            html.P(
                _("The next one is later because of PRRT on {date}.", date=day_text(plan.withheld_for.effective)),
                className="small",
            )
            if plan.withheld_for is not None
            else None,
            html.P(
                _("Later dates count from the next one; all move when an injection is given on another day."),
                className="soft small",
            ),
        ]
    return _card(_("Planned injections"), *body, _calendar(mrn) if plan.given or plan.dates else None)


def _calendar(mrn: str) -> Component:
    return html.P(
        [
            html.A(_("Calendar file"), href=calendar_address(mrn, numbered=False), className="button"),
            " ",
            html.A(_("with the hospital number"), href=calendar_address(mrn, numbered=True), className="small"),
            html.Span(
                " " + _("The file names neither patient nor drug. Read it in again after a change or a stop."),
                className="soft small",
            ),
        ],
        className="no-print",
    )


def _against_plan(of: Injections, today: date) -> Component | None:
    if not of.cycles:
        return None
    off = [(cycle, how) for cycle, how in of.cycles if how in OFF_PLAN]
    kept = len(of.cycles) - len(off)
    return _card(
        _("Injections late, missed or early"),
        _cycles("regimen-off-plan", off, counted("{n} injection", "{n} injections", len(off)), today)
        if off
        else html.P(_("Every recorded injection came within the leeway of its planned date."), className="soft"),
        html.Details(
            [
                html.Summary(counted("{n} came as planned", "{n} came as planned", kept)),
                _cycles(
                    "regimen-on-plan",
                    [(cycle, how) for cycle, how in of.cycles if how not in OFF_PLAN],
                    _("Injections as planned, newest first"),
                    today,
                ),
            ],
            className="no-print",
        )
        if kept
        else None,
    )


def _cycles(id: str, cycles: list[tuple[Cycle, How]], caption: str, today: date) -> Component:
    columns = [_("Planned"), _("Given"), _("Against the plan"), _("What")]
    rows = [_cycle_row(cycle, how, columns, today) for cycle, how in cycles]
    return table(id, columns, rows, caption=caption, css="dense")


def _cycle_row(cycle: Cycle, how: How, columns: list[str], today: date) -> dict[str, Any]:
    given = cycle.following
    planned = cycle.due if given is None else cycle.latest
    said = _("to come") if given is None and planned >= today else _(HOW_WORDS[how])
    away = distance_text(planned, today) if given is None else off_text((given.effective.date() - planned).days)
    return row(
        [
            cell(day_text(planned), css="when", name=columns[0]),
            cell(_("not recorded") if given is None else day_text(given.effective), css="when", name=columns[1]),
            cell(span(said, OFF_PLAN[how]) if how in OFF_PLAN else said, below(away), name=columns[2]),
            cell("" if given is None else dose_text(given), name=columns[3]),
        ]
    )


def _decided(of: Injections) -> Component | None:
    steps = [t for t in reversed(of.chart.therapy) if t.kind in KIND_WORDS]
    if not steps:
        return None
    columns = [_("From"), _("Decision"), _("Regimen"), _("Reason"), _("Decided by")]
    rows = [
        row(
            [
                cell(day_text(t.effective), css="when", name=columns[0]),
                cell(_(KIND_WORDS[t.kind]), name=columns[1]),
                cell(dose_text(t), *_moved(t), name=columns[2]),
                cell(t.note or _("not recorded"), name=columns[3]),
                cell(t.decided_by or _("not recorded"), name=columns[4]),
            ]
        )
        for t in steps
    ]
    return _card(
        _("What was decided"),
        table("regimen-steps", columns, rows, caption=_("Decisions on therapy, newest first"), css="dense"),
    )


def _moved(entry: Therapy) -> list[Any]:
    if entry.planned_next is None:
        return []
    return [below(_("next injection {date}", date=day_text(entry.planned_next)))]


def _card(name: str, *content: Component | None) -> Component:
    return html.Section([html.Header(html.H2(name)), *content], className="card")
