"""Asking about one value: what is recorded, what was asked before, and the question."""

from __future__ import annotations

from uuid import uuid4

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.as_recorded import query_address
from dashboard.parts.banner import banner
from dashboard.parts.correction import standing_value
from dashboard.parts.form_guard import other_tabs, unsaved
from dashboard.parts.provenance import title_of
from dashboard.parts.queries import query_lines, words_field
from dashboard.parts.tabs.view import patient_address
from dashboard.parts.times import Clock
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.entry.save import checked_key
from data.errors import BadInput
from data.people import NotFound
from data.provenance import provenance
from data.queries import ask, queries_about
from data.trends import head

POLICY = Policy(CLINICAL, patient_argument="mrn")
ROUTE = Route("/p/<mrn>/record/<record>/ask", title="Question", policy=POLICY)


def layout(mrn: str, record: str) -> Component:
    """The page of one value; raises NotFound for a record or patient the actor may not see."""
    clock, actor = Clock(request_now(), current_settings().zone), current_actor()
    with current_database().read() as session:
        found = provenance(session, actor, mrn, record)
        who = head(session, actor, mrn, now=clock.now)
        about = [version.id for version in found.versions] or [record]
        before = queries_about(session, actor, mrn, about)
    named = f"{who.identity.name or _('name not recorded')} ({who.identity.mrn})"
    return html.Div(
        [
            dcc.Store(id="ask-mrn", data=who.identity.mrn),
            dcc.Store(id="ask-record", data=record),
            dcc.Store(id="ask-key", data=uuid4().hex),
            banner(who, clock=clock, heading=False),
            html.Div(
                [
                    html.P(dcc.Link(_("Back to the record"), href=patient_address(mrn, "record")), className="small"),
                    html.H1(_("Ask about: {what} of {patient}", what=title_of(found), patient=named)),
                    other_tabs(who.identity.mrn, named),
                    standing_value(found, clock) if found.versions else None,
                    _before(query_lines(before, clock)) if before else None,
                    html.Div(id="ask-said", role="status"),
                    html.Section(
                        [
                            html.Header(html.H2(_("Your question"))),
                            words_field("ask-words", _("What is unclear about this value? (required)")),
                            html.P(_("Your team answers it; it stands on its list of questions."), className="soft"),
                            html.Button(
                                _("Ask about {patient}", patient=named),
                                id="ask-send",
                                type="button",
                                className="button primary",
                            ),
                        ],
                        id="ask-form",
                        className="card stacked no-print",
                        **unsaved(named),
                    ),
                ],
                className="page form-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """Asking, once."""

    @guarded(
        app,
        Output("ask-said", "children"),
        Output("ask-form", "hidden"),
        Input("ask-send", "n_clicks"),
        State("ask-mrn", "data"),
        State("ask-record", "data"),
        State("ask-key", "data"),
        State("ask-words", "value"),
        policy=POLICY,
        running=[(Output("ask-send", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def send(clicks: int | None, mrn: str, record: str, key: str, words: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        try:
            with current_database().write() as session:
                query = ask(
                    session, current_actor(), mrn, record, words=words or "", key=checked_key(key), now=request_now()
                )
        except (BadInput, NotFound) as refused:
            return html.P(_("Not asked: {why}.", why=_(str(refused))), className="error"), no_update
        link = dcc.Link(_("Open the question"), href=query_address(mrn, query))
        return html.P([html.Strong(_("Asked.")), " ", link], className="done"), True


def _before(lines: Component) -> Component:
    return html.Section([html.Header(html.H2(_("Asked before"))), lines], className="card")
