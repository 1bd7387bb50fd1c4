"""The worklist: who needs me today?"""

from __future__ import annotations

from typing import Literal

import msgspec
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from clinical.finding import SEVERITIES
from dashboard.language import _, counted, message, whole
from dashboard.listed import note_list
from dashboard.parts.badges import AXIS_WORDS, severity
from dashboard.parts.grid import (
    Asked,
    chips,
    choice,
    column,
    finder,
    grid,
    read_sort,
    read_view,
    stretch,
    view_store,
)
from dashboard.parts.times import Clock, moment_text, since_text
from dashboard.parts.worklist_cells import review_list, worklist_row
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.cohort import team_names
from data.reviews import due_reviews
from data.worklist import COLUMNS, EVERYTHING, Column, WorklistStrip, WorklistView, worklist_page, worklist_strip

POLICY = Policy(CLINICAL, scoped=True)
ROUTE = Route("/", title="Worklist", policy=POLICY, nav="Worklist", viewed=True)
NAME = "worklist"
REVIEWS_LISTED = 50
SHOWN = (
    column("severity", message("Severity"), 128),
    column("patient", message("Patient"), 205),
    column("what", message("What and why"), 380, sorts=False, grows=1),
    column("since", message("Since"), 190),
    column("due", message("Due"), 165, sorts=False),
    column("status", message("Status and owner"), 172),
    column("card", message("Flag"), 300, sorts=False, grows=1),
)


class Filters(msgspec.Struct, forbid_unknown_fields=True):
    """What the address of the page may say."""

    severity: Literal["urgent", "high", "medium", "low", "info"] | None = None
    axis: Literal["marker", "imaging", "skin", "toxicity", "process"] | None = None
    team: str | None = None
    mine: Literal["yes"] | None = None
    overdue: Literal["yes"] | None = None
    sort: str | None = None


def layout(search: str | None = None) -> Component:
    """The page for the person who asks: the flags that stand for the patients of their teams."""
    clock, filters = _clock(), read_view(search, Filters)
    sort = read_sort(filters.sort, COLUMNS)
    with current_database().read() as session:
        strip = worklist_strip(session, current_actor())
        _rows, standing = worklist_page(session, current_actor(), EVERYTHING, now=clock.now, zone=clock.zone, end=0)
        teams = team_names(session, current_actor())
        reviews, due = due_reviews(
            session, current_actor(), today=clock.now.astimezone(clock.zone).date(), most=REVIEWS_LISTED
        )
    note_list((review.mrn for review in reviews), ROUTE.pattern)
    again = review_list(reviews, due, clock) if due else None
    if not standing:
        return html.Div([html.H1(_("Worklist")), _strip(strip, clock), again, _empty(strip, clock)], className="page")
    return html.Div(
        [
            html.H1(_("Worklist")),
            _strip(strip, clock),
            again,
            html.Div(
                _filters(filters, teams),
                className="filters no-print",
            ),
            html.P(
                [
                    html.Span(id="worklist-shown", role="status"),
                    " " + _("Enter on a row opens its flag, on the name the patient."),
                ],
                className="soft small no-print",
            ),
            view_store(NAME, search),
            grid(NAME, SHOWN, heading=_("Flags that stand"), row_height=72, card_height=158, sort=sort),
        ],
        className="page wide",
    )


def register(app: Dash) -> None:
    """One callback: the rows that are looked at."""

    @guarded(
        app,
        Output("worklist-grid", "getRowsResponse"),
        Output("worklist-shown", "children"),
        Input("worklist-grid", "getRowsRequest"),
        State("worklist-view", "data"),
        State("worklist-find", "value"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def show_rows(asked: Asked[Column] | None, search: str | None, find: str | None) -> tuple[object, object]:
        if asked is None:
            return no_update, no_update
        clock, view = _clock(), _view(read_view(search, Filters), asked, find)
        start, end = stretch(asked)
        with current_database().read() as session:
            rows, count = worklist_page(
                session, current_actor(), view, now=clock.now, zone=clock.zone, start=start, end=end
            )
        note_list((row.mrn for row in rows), ROUTE.pattern)
        said = counted("{n} flag stands in this view.", "{n} flags stand in this view.", count)
        return {"rowData": [worklist_row(row, clock) for row in rows], "rowCount": count}, said


def _view(filters: Filters, asked: Asked[Column], find: str | None) -> WorklistView:
    sort = asked["sortModel"][0] if asked["sortModel"] else None
    return WorklistView(
        find=(find or "").strip() or None,
        severity=filters.severity,
        axis=filters.axis,
        team=filters.team,
        mine=filters.mine is not None,
        overdue=filters.overdue is not None,
        sort=None if sort is None else (sort["colId"], sort["sort"]),
    )


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)


def _filters(filters: Filters, teams: tuple[str, ...]) -> list[Component]:
    return [
        chips(NAME, "mine", _("Whose"), {"yes": _("Mine")}, filters.mine),
        chips(NAME, "overdue", _("Due"), {"yes": _("Overdue")}, filters.overdue),
        chips(NAME, "severity", _("Severity"), {name: severity(name) for name in SEVERITIES}, filters.severity),
        choice(NAME, "axis", _("Axis"), {name: _(word) for name, word in AXIS_WORDS.items()}, filters.axis),
        *([choice(NAME, "team", _("Team"), {name: name for name in teams}, filters.team)] if len(teams) > 1 else []),
        finder(NAME, _("Find name or number")),
    ]


def _strip(strip: WorklistStrip, clock: Clock) -> Component:
    tally = [
        html.Span([severity(name), " ", html.B(str(strip.open_by_severity[name]))])
        for name in SEVERITIES
        if strip.open_by_severity[name]
    ]
    oldest = strip.oldest_unacknowledged
    return html.Dl(
        [
            _fact(_("Open, not acknowledged"), html.Span(tally or _("none"), className="tally")),
            _fact(_("Oldest not acknowledged"), _("none") if oldest is None else since_text(oldest, clock.now)),
            _fact(_("Last sweep"), *_sweep(strip, clock)),
            _fact(_("Alert mail"), *_mail(strip, clock)),
        ],
        className="strip",
    )


def _fact(name: str, *value: str | Component) -> Component:
    return html.Div([html.Dt(name), html.Dd(list(value))], className="card")


def _sweep(strip: WorklistStrip, clock: Clock) -> list[str | Component]:
    if strip.last_sweep_at is None:
        return [html.Span(_("none has finished yet"), className="overdue")]
    judged = _("{n} of {all} patients judged", n=whole(strip.patients_judged), all=whole(strip.patients))
    value: list[str | Component] = [since_text(strip.last_sweep_at, clock.now), " ", _soft(judged)]
    if strip.patients_failing:
        value += [" ", html.Span(_("{n} could not be judged", n=strip.patients_failing), className="overdue")]
    return value


def _mail(strip: WorklistStrip, clock: Clock) -> list[str | Component]:
    if strip.dead_mails:
        return [html.Span(_("{n} could not be delivered", n=strip.dead_mails), className="overdue")]
    if strip.oldest_unsent_mail is not None:
        written = _("oldest written {ago}", ago=since_text(strip.oldest_unsent_mail, clock.now))
        return [_("waiting to be sent") + " ", _soft(written)]
    return [_("nothing waiting")]


def _soft(text: str) -> Component:
    return html.Span(text, className="soft")


def _empty(strip: WorklistStrip, clock: Clock) -> Component:
    if strip.last_sweep_at is None:
        said = _("No sweep has finished yet: nothing has been judged. This list says nothing about any patient.")
    else:
        said = _(
            "No flag stands. The last sweep ran {ago} ({at}); {n} of {all} patients of your teams are judged. Rules "
            "judge only what was recorded.",
            ago=since_text(strip.last_sweep_at, clock.now),
            at=moment_text(strip.last_sweep_at, clock.zone),
            n=whole(strip.patients_judged),
            all=whole(strip.patients),
        )
    return html.P(said, className="card empty")
