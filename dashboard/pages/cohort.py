"""The cohort: how is everybody?"""

from __future__ import annotations

from typing import Literal

import msgspec
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from clinical.finding import SEVERITIES
from dashboard.language import _, message
from dashboard.listed import note_list
from dashboard.parts.badges import SEVERITY_WORDS, severity
from dashboard.parts.banner import STATE_IN_BRIEF
from dashboard.parts.cohort_cells import cohort_row
from dashboard.parts.cohort_plots import cohort_plot
from dashboard.parts.grid import (
    Asked,
    chips,
    choice,
    column,
    column_choice,
    finder,
    grid,
    read_sort,
    read_view,
    stretch,
    view_store,
)
from dashboard.parts.import_words import rows_text
from dashboard.parts.times import Clock
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.cohort import COLUMNS, CohortView, Column, cohort, cohort_count, team_names
from data.exports.cohort_sheet import cohort_sheet
from data.exports.pace import count_file

POLICY = Policy(CLINICAL, scoped=True)
ROUTE = Route("/patients", title="Patients", policy=POLICY, nav="Patients", viewed=True)
NAME = "cohort"
SHOWN = (
    column("patient", message("Patient"), 200, pinned="left", lockVisible=True),
    column("flags", message("Flags"), 118),
    column("state", message("Disease"), 150),
    column("glucagon", message("Glucagon × limit"), 160),
    column("course", message("Course"), 130),
    column("skin", message("Skin"), 90),
    column("imaging", message("Imaging"), 100),
    column("best", message("Best change"), 145),
    column("hba1c", message("HbA1c"), 125),
    column("in-range", message("Time in range"), 150),
    column("weight", message("Weight"), 165),
    column("regimen", message("Analogue"), 165),
    column("next", message("Next injection"), 150),
    column("overdue", message("Overdue checks"), 240, sorts=False),
    column("seen", message("Last record"), 120),
)
HIDDEN = ("best", "in-range")
"""What the address does not say otherwise: columns that most days are not looked at."""
TABS = {
    "list": message("List"),
    "swimmer": message("Swimmer"),
    "waterfall": message("Waterfall"),
    "spider": message("Spider"),
}


DiseaseState = Literal[
    "pre-op", "ned-resected", "residual-stable", "residual-progressing", "no-tumour-found", "unknown"
]


class Filters(msgspec.Struct, forbid_unknown_fields=True):
    """What the address of the page may say."""

    state: DiseaseState | None = None
    flags: Literal["any", "urgent", "high", "medium", "low", "info"] | None = None
    team: str | None = None
    overdue: Literal["yes"] | None = None
    sort: str | None = None
    hide: str | None = None
    tab: Literal["list", "swimmer", "waterfall", "spider"] = "list"


def layout(search: str | None = None) -> Component:
    """The patients of the teams of the person who asks."""
    filters = read_view(search, Filters)
    hidden = HIDDEN if filters.hide is None else tuple(filters.hide.split("."))
    with current_database().read() as session:
        followed = cohort_count(session, current_actor())
        teams = team_names(session, current_actor())
    if not followed:
        said = _("None of your teams follows a patient yet.")
        return html.Div([html.H1(_("Patients")), html.P(said, className="card empty")], className="page")
    return html.Div(
        [
            html.Div(
                [
                    html.H1(_("Patients")),
                    html.Div(
                        chips(
                            NAME,
                            "tab",
                            _("Shown as"),
                            {name: _(word) for name, word in TABS.items()},
                            filters.tab,
                            always=True,
                        ),
                        className="tabs no-print",
                        **{"data-tabs": NAME},
                    ),
                ],
                className="titled",
            ),
            html.Div(_filters(filters, teams), className="filters no-print"),
            view_store(NAME, search),
            dcc.Store(id="cohort-plotted"),
            dcc.Download(id="cohort-file"),
            html.Div(
                [
                    finder(NAME, _("Find name, number, drug")),
                    html.Span(id="cohort-shown", role="status", className="soft small"),
                    html.Div(
                        column_choice(NAME, SHOWN, hidden, usually=HIDDEN),
                        hidden=filters.tab != "list",
                        **{"data-tab": "list"},
                    ),
                    html.Button(_("Save as file (CSV)"), id="cohort-save", type="button", className="button"),
                ],
                className="grid-tools no-print",
            ),
            html.Div(
                grid(
                    NAME,
                    SHOWN,
                    heading=_("Patients"),
                    row_height=62,
                    sort=read_sort(filters.sort, COLUMNS),
                    hidden=hidden,
                ),
                hidden=filters.tab != "list",
                **{"data-tab": "list"},
            ),
            html.Div(_plot(search, None), id="cohort-plot", hidden=filters.tab == "list", **{"data-tab": "plots"}),
        ],
        className="page wide",
    )


def register(app: Dash) -> None:
    """The rows that are looked at, the plots, and the whole view as a file."""

    @guarded(
        app,
        Output("cohort-grid", "getRowsResponse"),
        Output("cohort-shown", "children"),
        Input("cohort-grid", "getRowsRequest"),
        State("cohort-view", "data"),
        State("cohort-find", "value"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def show_rows(asked: Asked[Column] | None, search: str | None, find: str | None) -> tuple[object, object]:
        if asked is None:
            return no_update, no_update
        sort = asked["sortModel"][0] if asked["sortModel"] else None
        view = _view(search, find, None if sort is None else (sort["colId"], sort["sort"]))
        start, end = stretch(asked)
        with current_database().read() as session:
            rows = cohort(session, current_actor(), view, start=start, end=end)
            count = cohort_count(session, current_actor(), view)
        note_list((row.mrn for row in rows), ROUTE.pattern)
        clock = _clock()
        said = rows_text(count, "patient")
        return {"rowData": [cohort_row(row, clock) for row in rows], "rowCount": count}, said

    @guarded(
        app,
        Output("cohort-file", "data"),
        Input("cohort-save", "n_clicks"),
        State("cohort-view", "data"),
        State("cohort-find", "value"),
        policy=POLICY,
        running=[(Output("cohort-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def save(clicks: int | None, search: str | None, find: str | None) -> object:
        if not clicks:
            return no_update
        clock, view = _clock(), _sorted_view(search, find)
        count_file(current_database(), current_actor(), clock.now)
        with current_database().write() as session:
            text = cohort_sheet(session, current_actor(), view, now=clock.now)
        # The mark makes spreadsheets read the file as UTF-8.
        return {"content": "\ufeff" + text, "filename": f"patients-{clock.now:%Y%m%dT%H%MZ}.csv", "type": "text/csv"}

    @guarded(
        app,
        Output("cohort-plot", "children"),
        Input("cohort-plotted", "data"),
        State("cohort-find", "value"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def show_plot(search: str | None, find: str | None) -> Component | None:
        return _plot(search, find)


def _plot(search: str | None, find: str | None) -> Component | None:
    tab = read_view(search, Filters).tab
    if tab == "list":
        return None
    with current_database().read() as session:
        plot, drawn = cohort_plot(
            session, current_actor(), _sorted_view(search, find), tab, current_protocol(), _clock()
        )
    note_list(drawn, ROUTE.pattern)
    return plot


def _sorted_view(search: str | None, find: str | None) -> CohortView:
    return _view(search, find, read_sort(read_view(search, Filters).sort, COLUMNS))


def _view(search: str | None, find: str | None, sort: tuple[Column, Literal["asc", "desc"]] | None) -> CohortView:
    filters = read_view(search, Filters)
    return CohortView(
        find=(find or "").strip() or None,
        team=filters.team,
        state=filters.state,
        flags=filters.flags,
        overdue=filters.overdue is not None,
        sort=sort,
    )


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)


def _filters(filters: Filters, teams: tuple[str, ...]) -> list[Component]:
    standing: dict[str, object] = {
        "any": _("Any"),
        **{name: severity(name) for name in SEVERITIES if name in SEVERITY_WORDS},
    }
    return [
        choice(NAME, "state", _("Disease"), {name: _(word) for name, word in STATE_IN_BRIEF.items()}, filters.state),
        *([choice(NAME, "team", _("Team"), {name: name for name in teams}, filters.team)] if len(teams) > 1 else []),
        chips(NAME, "flags", _("Flags"), standing, filters.flags),
        chips(NAME, "overdue", _("Checks"), {"yes": _("Overdue")}, filters.overdue),
    ]
