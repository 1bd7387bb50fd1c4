"""The page for entering a scan or a biliary ultrasound: the known lesions, and what they come to as one types."""

from __future__ import annotations

from dash import Dash, html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.banner import banner
from dashboard.parts.entry_page import entry_frame, namesakes
from dashboard.parts.imaging_form import imaging_form
from dashboard.parts.times import Clock
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.entry.imaging_save import FORM
from data.entry.opening import open_form

ROUTE = Route("/p/<mrn>/imaging", title="Imaging", policy=Policy(CLINICAL, patient_argument="mrn"))


def layout(mrn: str) -> Component:
    """The imaging page of the patient `mrn`; raises NotFound when the actor may not see them."""
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        opening = open_form(
            session, current_actor(), mrn, FORM, protocol=current_protocol(), zone=clock.zone, now=clock.now
        )
    who = opening.head.identity
    return html.Div(
        [
            banner(opening.head, clock=clock, heading=False),
            html.Div(
                [
                    html.H1(_("Imaging of {name} ({mrn})", name=who.name or _("name not recorded"), mrn=who.mrn)),
                    namesakes(opening),
                    entry_frame(imaging_form(opening, clock)),
                ],
                className="page entry-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """The form is built and sent by the browser's own inputs; it has no callbacks."""
