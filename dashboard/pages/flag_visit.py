"""The list for the next visit: what a flag's question asks to measure, record and bring. Made to be printed."""

from __future__ import annotations

from collections.abc import Sequence

from dash import Dash, dcc, html
from dash.development.base_component import Component

from clinical.visit_items import Kind, VisitItem, visit_items
from dashboard.language import _, message, tell
from dashboard.parts.badges import severity
from dashboard.parts.banner import banner
from dashboard.parts.times import Clock, moment_text
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.flags import show_flag
from data.trends import head

ROUTE = Route(
    "/flag/<flag_id>/visit", title="List for the next visit", policy=Policy(CLINICAL, flag_argument="flag_id")
)
KIND_WORDS: dict[Kind, str] = {
    "measure": message("To measure"),
    "record": message("To ask and to record"),
    "bring": message("To bring"),
}


def layout(flag_id: str) -> Component:
    """The list of one flag; raises NotFound when the actor may not see it."""
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        flag = show_flag(session, current_actor(), flag_id)
        who = head(session, current_actor(), flag["patient"], now=clock.now)
    evidence = flag["finding"]["evidence"]
    items = visit_items(
        rule=flag["rule"],
        axis=flag["axis"],
        analytes=[e["analyte"] for e in evidence if e["analyte"]],
        not_recorded=flag["finding"]["not_recorded"],
    )
    name = who.identity.name or _("name not recorded")
    return html.Div(
        [
            banner(who, clock=clock, heading=False),
            html.Div(
                [
                    html.P(
                        [
                            dcc.Link(_("Back to the flag"), href=f"/flag/{flag_id}"),
                            html.Button(_("Print"), type="button", className="button", **{"data-print": ""}),
                        ],
                        className="visit-ways no-print",
                    ),
                    html.H1(_("For the next visit of {name} ({mrn})", name=name, mrn=who.identity.mrn)),
                    html.Section(
                        [
                            html.P([severity(flag["severity"]), " ", html.Strong(tell(flag["title"]))]),
                            html.P(tell(flag["question"]), className="question"),
                            html.P(tell(flag["why"])),
                        ],
                        className="card flag-question",
                    ),
                    html.Section([_part(kind, items) for kind in KIND_WORDS], className="card visit-list"),
                    html.P(
                        _(
                            "Read off rule {rule} on {at}. Nadir proposes no dose: what is done, the team decides.",
                            rule=flag["rule"],
                            at=moment_text(clock.now, clock.zone),
                        ),
                        className="soft small",
                    ),
                ],
                className="page flag-page visit-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """The list is only read; it has no callbacks."""


def _part(kind: Kind, items: Sequence[VisitItem]) -> Component:
    lines = [_line(item) for item in items if item.kind == kind]
    blank = html.Li("", className="blank", **{"aria-label": _("room for more")})
    return html.Div([html.H2(_(KIND_WORDS[kind])), html.Ul([*lines, blank], className="boxes")])


def _line(item: VisitItem) -> Component:
    text = tell(item.text)
    shown = f"{text[:1].upper()}{text[1:]}"
    return html.Li([shown, html.Span(tell(item.why), className="soft small")] if item.why else shown)
