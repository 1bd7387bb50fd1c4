"""The patient page: what is going on, and do the channels agree?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.figures.synoptic import LONGEST_FIRST_VIEW, reach, synoptic
from dashboard.parts.banner import banner
from dashboard.parts.charts import chart, range_buttons
from dashboard.parts.flag_rows import flag_rows
from dashboard.parts.notices import disagreement, draft_protocol, what_is_held_back
from dashboard.parts.plotted.synoptic import synoptic_content
from dashboard.parts.readouts import readouts, summary
from dashboard.parts.records import record_table
from dashboard.parts.tiles import tiles
from dashboard.parts.times import Clock
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.flag_moves import CLOSED
from data.trends import Trends, trends

ROUTE = Route("/p/<mrn>", title="Patient", policy=Policy(CLINICAL, patient_argument="mrn"))


def layout(mrn: str) -> Component:
    """The page of the patient `mrn`; raises NotFound when the actor may not see them."""
    clock = Clock(request_now(), current_settings().zone)
    found, protocol = _trends(mrn, clock), current_protocol()
    channels = readouts(found, clock)
    content = synoptic_content(found, clock)
    first, last = reach(content)
    pressed = "3y" if last - first > LONGEST_FIRST_VIEW else "all"
    standing = [f for f in found.flags if f["status"] not in CLOSED]
    return html.Div(
        [
            dcc.Store(id="patient-mrn", data=mrn),
            banner(found.identity, state=found.chart.state(), regimen=found.regimen, clock=clock, heading=True),
            html.Div(
                [
                    disagreement(found.chart, protocol, clock),
                    tiles(channels),
                    _flags(standing, len(found.flags) - len(standing), clock),
                    what_is_held_back(found.chart, protocol, clock),
                    html.Section(
                        [
                            html.Header(
                                [
                                    html.H2("Course"),
                                    range_buttons("patient-synoptic", pressed=pressed),
                                ]
                            ),
                            chart(
                                "patient-synoptic",
                                synoptic(content),
                                summary=summary(channels),
                                heading="Synoptic chart; its numbers stand in the record below",
                            ),
                            html.P(
                                f"Times on the site's clock ({clock.zone.key}). Drag to enlarge a stretch, "
                                "double-click for the whole, Ctrl and wheel to zoom.",
                                className="soft small no-print",
                            ),
                        ],
                        className="card",
                    ),
                    html.Details(
                        [
                            html.Summary(
                                "Every number and entry of the record as a table", id="patient-record-open", n_clicks=0
                            ),
                            html.Div(id="patient-record"),
                        ],
                        className="card",
                    ),
                    draft_protocol(protocol),
                ],
                className="page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """The record is read and sent only when somebody opens it."""

    @guarded(
        app,
        Output("patient-record", "children"),
        Input("patient-record-open", "n_clicks"),
        State("patient-mrn", "data"),
        policy=Policy(CLINICAL, patient_argument="mrn"),
        prevent_initial_call=True,
    )
    def show_record(clicks: int | None, mrn: str) -> object:
        if clicks != 1:
            return no_update
        clock = Clock(request_now(), current_settings().zone)
        found = _trends(mrn, clock)
        return record_table("patient-record-table", found.chart, found.sensor, clock)


def _flags(standing: Sequence[Mapping[str, Any]], closed: int, clock: Clock) -> Component:
    past = f"{closed} closed before" if closed else "none closed before"
    body = (
        flag_rows(standing, clock)
        if standing
        else html.P("No flag stands. The rules judge only what was recorded.", className="soft")
    )
    return html.Section(
        [html.Header([html.H2(f"Flags that stand: {len(standing)}"), html.Span(past, className="soft small")]), body],
        className="card",
    )


def _trends(mrn: str, clock: Clock) -> Trends:
    with current_database().read() as session:
        return trends(session, current_actor(), mrn, protocol=current_protocol(), now=clock.now)
