"""The questions on values of one's teams: what waits for an answer, and what was said."""

from __future__ import annotations

from urllib.parse import urlencode

from dash import Dash, html
from dash.development.base_component import Component

from dashboard.language import _, counted, message
from dashboard.listed import note_list
from dashboard.parts.as_recorded import STATE_WORDS, query_address, what
from dashboard.parts.rows import below, cell, link, row, span, table
from dashboard.parts.tabs.view import parsed
from dashboard.parts.times import Clock, age_text
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.cohort import team_names
from data.queries import MOST_LISTED, STATES, Query, count_open, list_queries

POLICY = Policy(CLINICAL, scoped=True)
ROUTE = Route("/queries", title="Questions", policy=POLICY, nav="Questions", count=count_open, viewed=True)
HEADS = (
    message("Question"),
    message("Value"),
    message("Patient"),
    message("State"),
    message("Asked by"),
    message("Asked"),
)


def layout(search: str | None = None) -> Component:
    """The questions the actor's teams see; the address names a team and a state."""
    clock, asked = Clock(request_now(), current_settings().zone), parsed(search)
    team, state = asked.get("team"), asked.get("state")
    with current_database().read() as session:
        teams = team_names(session, current_actor())
        found, count = list_queries(session, current_actor(), team=team, state=state)
    note_list((query.mrn for query in found), ROUTE.pattern)
    return html.Div(
        [
            html.H1(_("Questions")),
            html.P(
                _("A question is about one value; anybody of the team answers, who asked or an oncologist closes."),
                className="soft",
            ),
            _choices(_("State"), "state", {name: _(STATE_WORDS[name]) for name in STATES}, state, asked),
            _choices(_("Team"), "team", {name: name for name in teams}, team, asked) if len(teams) > 1 else None,
            html.Section(
                [
                    html.P(_counted(len(found), count), role="status", className="soft small"),
                    _table(found, clock) if found else html.P(_("No question waits here."), className="empty"),
                ],
                className="card",
            ),
        ],
        className="page wide",
    )


def register(app: Dash) -> None:
    """The list is read with its address; it has no callbacks."""


def _table(found: tuple[Query, ...], clock: Clock) -> Component:
    rows = [
        row(
            [
                cell(link(query.words, query_address(query.mrn, query.id)), heads=True),
                cell(what(query.kind, query.analyte) or _("a day of the glucose sensor")),
                cell(query.patient_name or _("name not recorded"), below(query.mrn)),
                cell(span(_(STATE_WORDS[query.state]), f"pill query-{query.state}")),
                cell(query.asked_by),
                cell(age_text(query.asked_at, clock.now), css="when"),
            ]
        )
        for query in found
    ]
    return table("queries-table", [_(head) for head in HEADS], rows, caption=_("Questions on values"), css="dense")


def _choices(label: str, name: str, values: dict[str, str], chosen: str | None, asked: dict[str, str]) -> Component:
    others = {key: value for key, value in asked.items() if key in ("team", "state") and key != name}
    every = _("Open and answered") if name == "state" else _("All teams")
    links = [
        html.A(
            words,
            href="/queries" + (f"?{urlencode(query)}" if (query := others | ({name: value} if value else {})) else ""),
            className="chip on" if (chosen or "") == value else "chip",
            **{"data-in-app": "", **({"aria-current": "true"} if (chosen or "") == value else {})},
        )
        for value, words in {"": every, **values}.items()
    ]
    return html.Nav(
        [html.Span(label, className="soft small"), *links], className="chips no-print", **{"aria-label": label}
    )


def _counted(shown: int, count: int) -> str:
    said = counted("{n} question", "{n} questions", count)
    return said if shown == count else _("{said}, the first {n} are listed", said=said, n=min(shown, MOST_LISTED))
