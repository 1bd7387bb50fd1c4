"""The patient page: what is going on, and do the channels agree?

The head of the page says at once who it is; the rest is read when the address is known, and only the open tab of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from dashboard.base_path import inward
from dashboard.language import _, message
from dashboard.parts.banner import banner
from dashboard.parts.entry_links import visit_link
from dashboard.parts.flag_rows import flag_rows
from dashboard.parts.identity import identity_address
from dashboard.parts.notices import disagreement, draft_protocol, what_is_held_back
from dashboard.parts.patient_review import review_panel
from dashboard.parts.provenance import provenance_panel, title_of
from dashboard.parts.readouts import readouts
from dashboard.parts.tabs.course import course
from dashboard.parts.tabs.cycle import cycle
from dashboard.parts.tabs.glucose_tab import glucose_tab
from dashboard.parts.tabs.grid import grid
from dashboard.parts.tabs.imaging import imaging
from dashboard.parts.tabs.record import record, record_csv, record_rows
from dashboard.parts.tabs.skin_tab import skin_tab
from dashboard.parts.tabs.stretch import asked_for, stretch
from dashboard.parts.tabs.therapy_tab import therapy_tab
from dashboard.parts.tabs.view import View, parsed, patient_address
from dashboard.parts.tiles import tiles
from dashboard.parts.times import Clock
from dashboard.parts.units import CHOICES, in_units, units_of
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import (
    current_actor,
    current_database,
    current_protocol,
    current_settings,
    current_sign_in,
    request_now,
)
from dashboard.review_acts import register_review, reviewing
from dashboard.routing import Route
from dashboard.summary import summary_address
from data.entry.past import past_values
from data.errors import BadInput
from data.exports.pace import count_file
from data.exports.patient_record import note_export
from data.flag_moves import CLOSED
from data.preferences import prefer
from data.provenance import provenance
from data.queries import queries_about
from data.reviews import latest_day_beside
from data.trends import current_version, head, trends

POLICY = Policy(CLINICAL, patient_argument="mrn")
ROUTE = Route("/p/<mrn>", title="Patient", policy=POLICY)
POLL_S = 30

TABS: Mapping[str, tuple[str, Callable[[View], Component]]] = {
    "course": (message("Course"), course),
    "grid": (message("Grid"), grid),
    "imaging": (message("Imaging"), imaging),
    "skin": (message("Skin"), skin_tab),
    "glucose": (message("Glucose"), glucose_tab),
    "cycle": (message("Cycle"), cycle),
    "therapy": (message("Therapy"), therapy_tab),
    "record": (message("Record"), record),
}
"""By the name in the address the word on the tab and what makes it."""


def layout(mrn: str) -> Component:
    """The page of the patient `mrn`; raises NotFound when the actor may not see them."""
    clock = _clock()
    with current_database().read() as session:
        found = head(session, current_actor(), mrn, now=clock.now)
    mrn = found.identity.mrn
    return html.Div(
        [
            dcc.Store(id="patient-mrn", data=mrn),
            dcc.Store(id="patient-version"),
            dcc.Store(id="patient-refresh"),
            dcc.Store(id="patient-asked"),
            dcc.Store(id="patient-unit"),
            dcc.Store(id="patient-window"),
            dcc.Store(id="patient-stretch"),
            dcc.Store(id="patient-arrived"),
            dcc.Interval(id="patient-clock", interval=POLL_S * 1000),
            dcc.Download(id="patient-download"),
            banner(found, clock=clock, heading=True),
            html.Div(
                [
                    visit_link(mrn),
                    html.Div(id="patient-changed", role="status"),
                    html.Div(id="patient-summary", className="stacked", style={"gap": "var(--gap)"}),
                    html.Div([_tabs(mrn), _units()], className="tab-row no-print"),
                    html.Div(html.P(_("Reading the record ..."), className="card soft"), id="patient-tab"),
                    html.P(
                        html.A(_("Summary as PDF"), href=summary_address(mrn)),
                        className="small no-print",
                    ),
                    html.P(
                        dcc.Link(
                            _("Numbers, merges, whether followed, possible duplicates"), href=identity_address(mrn)
                        ),
                        className="small no-print",
                    ),
                    draft_protocol(current_protocol()),
                ],
                className="page",
            ),
            dmc.Drawer(
                id="patient-provenance",
                position="right",
                size="md",
                opened=False,
                closeButtonProps={"aria-label": _("Close")},
                children=[],
            ),
        ]
    )


def register(app: Dash) -> None:
    """What the page reads once it stands, and what is asked of it."""
    _register_content(app)
    _register_stretch(app)
    _register_asking(app)
    _register_units(app)
    register_review(app)


def _register_content(app: Dash) -> None:
    @guarded(
        app,
        Output("patient-summary", "children"),
        Output("patient-tab", "children"),
        Output("patient-version", "data"),
        Output("patient-changed", "children"),
        Input("shell-location", "search"),
        Input("patient-refresh", "data"),
        State("shell-location", "pathname"),
        State("patient-mrn", "data"),
        policy=POLICY,
    )
    def show(search: str | None, _refresh: float | None, pathname: str, mrn: str) -> tuple[object, ...]:
        if inward(pathname).strip("/").count("/") > 1:  # on the way to another page of this patient
            return (no_update,) * 4
        with current_database().read() as session:
            view = _view(session, mrn, parsed(search))
            _word, made = TABS.get(view.query.get("tab", ""), TABS["course"])
            return _summary(view), made(view), view.found.version, None

    app.clientside_callback(
        ClientsideFunction("nadir_patient", "arrived"),
        Output("patient-arrived", "data"),
        Input("patient-version", "data"),
        Input("shell-location", "search"),
    )

    @guarded(
        app,
        Output("patient-changed", "children", allow_duplicate=True),
        Input("patient-clock", "n_intervals"),
        State("patient-mrn", "data"),
        State("patient-version", "data"),
        policy=Policy(CLINICAL, patient_argument="mrn", polling=True),
        prevent_initial_call=True,
    )
    def changed(_intervals: int | None, mrn: str, version: str | None) -> object:
        with current_database().read() as session:
            current = current_version(session, current_actor(), mrn)
        return no_update if version is None or current == version else _changed()

    @guarded(
        app,
        Output("patient-record", "children"),
        Input("patient-record-open", "n_clicks"),
        State("patient-mrn", "data"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def show_record(clicks: int | None, mrn: str) -> object:
        if clicks != 1:
            return no_update
        with current_database().read() as session:
            return record_rows(_view(session, mrn, {}))

    @guarded(
        app,
        Output("patient-download", "data"),
        Input("patient-csv", "n_clicks"),
        State("patient-mrn", "data"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def download(clicks: int | None, mrn: str) -> object:
        if not clicks:
            return no_update
        database, actor, now = current_database(), current_actor(), request_now()
        count_file(database, actor, now)
        with database.read() as session:
            view = _view(session, mrn, {})
            text, records = record_csv(view), len(view.shown.chart.results)
        with database.write() as session:
            note_export(session, actor, mrn, "csv", records=records, now=now)
        return {"content": text, "filename": "record.csv", "type": "text/csv", "base64": False}


def _register_stretch(app: Dash) -> None:
    @guarded(
        app,
        Output("patient-stretch", "data"),
        Input("patient-window", "data"),
        State("patient-mrn", "data"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def refine(window: list[float] | None, mrn: str) -> object:
        asked = asked_for(window)
        if window is None or asked is None:
            return no_update
        clock, units = _clock(), units_of(current_sign_in().preferences)
        with current_database().read() as session:
            found = stretch(session, current_actor(), mrn, asked, clock=clock, units=units)
        return {"window": window, "traces": found.traces, "said": found.said}

    app.clientside_callback(
        ClientsideFunction("nadir_patient", "refined"),
        Output("patient-dense", "children"),
        Input("patient-stretch", "data"),
        prevent_initial_call=True,
    )


def _register_asking(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("nadir_patient", "clicked"),
        Output("patient-asked", "data"),
        Input("patient-synoptic", "clickData"),
        prevent_initial_call=True,
    )

    @guarded(
        app,
        Output("patient-provenance", "opened"),
        Output("patient-provenance", "title"),
        Output("patient-provenance", "children"),
        Input("patient-asked", "data"),
        State("patient-mrn", "data"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def where_from(asked: dict[str, str | int] | None, mrn: str) -> tuple[object, ...]:
        record = str((asked or {}).get("record", ""))
        if not record:
            return no_update, no_update, no_update
        if record.startswith("flag:"):
            link = dcc.Link(_("Open the flag: why, on which values, what to do"), href=f"/flag/{record[5:]}")
            return True, _("Flag"), link
        with current_database().read() as session:
            found = provenance(session, current_actor(), mrn, record)
            about = [version.id for version in found.versions] or [record]
            queries = queries_about(session, current_actor(), mrn, about)
        return True, title_of(found), provenance_panel(found, queries, _clock(), mrn=mrn, record=record)


def _register_units(app: Dash) -> None:
    @guarded(
        app,
        Output("patient-refresh", "data"),
        Input("patient-unit", "data"),
        policy=Policy(CLINICAL),
        prevent_initial_call=True,
    )
    def choose(chosen: dict[str, str] | None) -> object:
        if not chosen:
            return no_update
        now = request_now()
        try:
            with current_database().write() as session:
                prefer(session, current_actor(), chosen.get("name", ""), chosen.get("value", ""), now=now)
        except BadInput:
            return no_update
        return now.timestamp()


def _view(session: Session, mrn: str, query: Mapping[str, str]) -> View:
    clock, protocol = _clock(), current_protocol()
    units = units_of(current_sign_in().preferences)
    found = trends(session, current_actor(), mrn, protocol=protocol, now=clock.now)
    return View(
        mrn=mrn,
        found=found,
        shown=in_units(found, units),
        clock=clock,
        units=units,
        protocol=protocol,
        query=query,
        session=session,
        past=past_values(session, current_actor(), found.patient_ids),
    )


def _summary(view: View) -> list[Component | None]:
    flags = view.found.flags
    standing = [f for f in flags if f["status"] not in CLOSED]
    return [
        disagreement(view.found.chart, view.protocol, view.clock),
        tiles(readouts(view.shown, view.clock, view.units)),
        html.Div([_flags(standing, len(flags) - len(standing), view), _review(view)], className="columns"),
        what_is_held_back(view.found.chart, view.protocol, view.clock),
    ]


def _review(view: View) -> Component:
    found, clock = view.found, view.clock
    standing = {flag["severity"] for flag in found.flags if flag["status"] not in CLOSED}
    latest = latest_day_beside(standing, now=clock.now, zone=clock.zone)
    panel = review_panel(reviewing(view.session, view.mrn, found.name, found.patient_ids, latest), clock)
    return html.Section(
        [
            html.Header(html.H2(_("Review of the patient as a whole"))),
            html.Div(id="review-said", role="status"),
            html.Div(panel, id="review-panel", className="stacked"),
        ],
        className="card",
    )


def _flags(standing: Sequence[Mapping[str, Any]], closed: int, view: View) -> Component:
    past = _("{n} closed before", n=closed) if closed else _("none closed before")
    body = (
        flag_rows(standing, view.clock, view.found.decisions)
        if standing
        else html.P(_("No flag stands. The rules judge only what was recorded."), className="soft")
    )
    return html.Section(
        [
            html.Header(
                [html.H2(_("Flags that stand: {n}", n=len(standing))), html.Span(past, className="soft small")]
            ),
            body,
        ],
        className="card",
    )


def _tabs(mrn: str) -> Component:
    links = [
        html.A(_(word), href=patient_address(mrn, name), **{"data-in-app": "", "data-tab": name})
        for name, (word, _made) in TABS.items()
    ]
    return html.Nav(links, id="patient-tabs", className="tabs", **{"aria-label": _("Parts of this patient's page")})


def _units() -> Component:
    preferences = current_sign_in().preferences
    groups = [
        html.Div(
            [
                html.Button(
                    value,
                    type="button",
                    className="chip",
                    **{"data-unit": f"{name}={value}", "aria-pressed": str(preferences[name] == value).lower()},
                )
                for value in values
            ],
            className="chips joined",
            role="group",
            **{"aria-label": _("Show {word} in", word=_(word))},
        )
        for name, word, values in CHOICES
    ]
    return html.Div(groups, className="units")


def _changed() -> Component:
    return html.P(
        [
            html.Strong(_("The data have changed since this page was drawn.") + " "),
            _("What you see here is no longer current.") + " ",
            html.Button(_("Show what is there now"), type="button", className="button", **{"data-refresh": ""}),
        ],
        className="notice",
    )


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
