"""One question on a value: what is recorded, what was said, and the next step."""

from __future__ import annotations

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from dashboard.language import _, message
from dashboard.parts.as_recorded import correct_address, what
from dashboard.parts.banner import banner
from dashboard.parts.correction import standing_value
from dashboard.parts.form_guard import unsaved
from dashboard.parts.queries import state_pill, thread, words_field
from dashboard.parts.times import Clock
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.errors import BadInput
from data.people import Forbidden, NotFound
from data.provenance import provenance
from data.queries import Action, Query, advance, show_query
from data.trends import head

POLICY = Policy(CLINICAL, patient_argument="mrn")
ROUTE = Route("/p/<mrn>/query/<query>", title="Question", policy=POLICY)
LONGEST_ID = 18
STEPS: dict[str, tuple[Action, str]] = {
    "query-answer": ("answer", message("Answer")),
    "query-again": ("again", message("Ask again")),
    "query-close": ("close", message("Close the question")),
}
"""By button what it does, and the words on it."""


def layout(mrn: str, query: str) -> Component:
    """The page of one question; raises NotFound when the actor may not see it."""
    clock, actor = _clock(), current_actor()
    with current_database().read() as session:
        asked = _query(session, mrn, query)
        found = provenance(session, actor, mrn, asked.about)
        who = head(session, actor, mrn, now=clock.now)
    named = f"{who.identity.name or _('name not recorded')} ({who.identity.mrn})"
    about = what(asked.kind, asked.analyte) if found.sensor is None else _("a day of the glucose sensor")
    correct = (
        dcc.Link(_("Correct this value"), href=correct_address(mrn, found.versions[-1].id)) if found.versions else None
    )
    return html.Div(
        [
            dcc.Store(id="query-mrn", data=who.identity.mrn),
            dcc.Store(id="query-id", data=query),
            dcc.Store(id="query-version", data=asked.version),
            banner(who, clock=clock, heading=False),
            html.Div(
                [
                    html.P(dcc.Link(_("All questions"), href="/queries"), className="small no-print"),
                    html.H1(_("Question on {what} of {patient}", what=about, patient=named)),
                    html.Div(_standing(asked, clock), id="query-standing"),
                    standing_value(found, clock) if found.versions else None,
                    None if correct is None else html.P(correct, className="no-print"),
                    html.Div(id="query-said", role="status"),
                    html.Section(
                        [
                            html.Header(html.H2(_("Go on"))),
                            words_field("query-words", _("Answer, question or reason (required)")),
                            html.Div(
                                [
                                    html.Button(
                                        _(words),
                                        id=id,
                                        type="button",
                                        className="button",
                                        hidden=not _open_to(asked, action),
                                    )
                                    for id, (action, words) in STEPS.items()
                                ],
                                className="import-actions",
                            ),
                        ],
                        id="query-form",
                        className="card stacked no-print",
                        hidden=asked.state == "closed",
                        **unsaved(named),
                    ),
                ],
                className="page form-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """One callback for each step; each shows what then stands."""
    for button, (action, _words) in STEPS.items():
        _register(app, button, action)


def _register(app: Dash, button: str, action: Action) -> None:
    @guarded(
        app,
        Output("query-said", "children", allow_duplicate=True),
        Output("query-standing", "children", allow_duplicate=True),
        Output("query-version", "data", allow_duplicate=True),
        Output("query-words", "value", allow_duplicate=True),
        Output("query-form", "hidden", allow_duplicate=True),
        *(Output(id, "hidden", allow_duplicate=True) for id in STEPS),
        Input(button, "n_clicks"),
        State("query-mrn", "data"),
        State("query-id", "data"),
        State("query-version", "data"),
        State("query-words", "value"),
        policy=POLICY,
        running=[(Output(button, "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def take(clicks: int | None, mrn: str, query: str, version: int, words: str | None) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * (5 + len(STEPS))
        said, kept = html.P(html.Strong(_("Stored.")), className="done"), ""
        try:
            with current_database().write() as session:
                advance(
                    session,
                    current_actor(),
                    mrn,
                    _number(query),
                    action,
                    words=words or "",
                    version=version,
                    now=request_now(),
                )
        except (BadInput, Forbidden) as refused:
            said, kept = html.P(_("Not stored: {why}.", why=_(str(refused))), className="error"), words or ""
        with current_database().read() as session:
            asked = _query(session, mrn, query)
        hidden = [not _open_to(asked, then) for then, _text in STEPS.values()]
        return said, _standing(asked, _clock()), asked.version, kept, asked.state == "closed", *hidden


def _standing(asked: Query, clock: Clock) -> Component:
    return html.Section(
        [html.Header([html.H2(_("Question")), state_pill(asked.state)]), thread(asked, clock)], className="card"
    )


def _open_to(asked: Query, action: Action) -> bool:
    """Whether the reader may take this step now."""
    if action == "close":
        return asked.state != "closed" and asked.may_close
    return asked.state == ("open" if action == "answer" else "answered")


def _query(session: Session, mrn: str, query: str) -> Query:
    return show_query(session, current_actor(), mrn, _number(query))


def _number(query: str) -> int:
    if not (query.isascii() and query.isdigit() and len(query) <= LONGEST_ID):
        raise NotFound("no such question")
    return int(query)


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
