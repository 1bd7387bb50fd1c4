"""The visit page: what this visit owes, and one form for all of it, the patient named wherever the eye falls."""

from __future__ import annotations

from dash import Dash, html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.banner import banner
from dashboard.parts.entry_page import entry_frame, namesakes
from dashboard.parts.times import Clock
from dashboard.parts.visit_form import owed_words, visit_form
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.entry.opening import Opening, open_form

ROUTE = Route("/p/<mrn>/visit", title="Visit", policy=Policy(CLINICAL, patient_argument="mrn"))


def layout(mrn: str) -> Component:
    """The visit page of the patient `mrn`; raises NotFound when the actor may not see them."""
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        opening = open_form(session, current_actor(), mrn, "visit", protocol=current_protocol(), now=clock.now)
    who = opening.head.identity
    return html.Div(
        [
            banner(opening.head, clock=clock, heading=False),
            html.Div(
                [
                    html.H1(_("Visit of {name} ({mrn})", name=who.name or _("name not recorded"), mrn=who.mrn)),
                    namesakes(opening),
                    _owed(opening, clock),
                    entry_frame(visit_form(opening, clock)),
                ],
                className="page entry-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """The form is built and sent by the browser's own inputs; it has no callbacks."""


def _owed(opening: Opening, clock: Clock) -> Component:
    if opening.owed:
        body: Component = html.Ul([html.Li(owed_words(item, clock)) for item in opening.owed], className="plain-list")
    else:
        body = html.P(_("Nothing that the schedule asks for is due within 14 days."), className="soft")
    return html.Section(
        [html.Header(html.H2(_("Due at this visit"))), body], className="card entry-before", id="entry-owed"
    )
