"""One item in quarantine: what is wrong, the item as it came, and the two ways out: read it again, or drop it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.language import _, tell, told_in
from dashboard.parts.import_words import FORMAT_WORDS
from dashboard.parts.times import moment_text, since_text
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.access import note_held
from data.errors import BadInput
from data.intake.quarantine import discard_quarantined, retry_quarantined, show_quarantined
from data.intake.sheet_format import SHEET_FORMATS
from data.people import IMPORTING_ROLES, NotFound

ROUTE = Route("/import/held/<item>", title="Held item", policy=Policy(IMPORTING_ROLES, scoped=True))
RAW_SHOWN = 20_000
LONGEST_NUMBER = 18


def layout(item: str) -> Component:
    """The page of one held item; raises NotFound for one that came in for other teams."""
    with current_database().read() as session:
        held = show_quarantined(session, current_actor(), _number(item))
    with current_database().write() as session:
        note_held(session, current_actor(), [held["id"]], ROUTE.pattern, now=request_now())
    since = datetime.fromisoformat(held["created_at"])
    zone, now = current_settings().zone, request_now()
    facts = [
        (_("Where"), held["where"]),
        (_("Format"), _(FORMAT_WORDS.get(held["format"], held["format"]))),
        (_("Held since"), f"{moment_text(since, zone)}, {since_text(since, now)}"),
        (_("Import"), held["batch"]),
    ]
    return html.Div(
        [
            dcc.Store(id="held-item", data=item),
            html.P(dcc.Link(_("All imports and the quarantine"), href="/import"), className="small no-print"),
            html.H1(_("Held item")),
            html.P(tell(held["why"]), className="error", lang=told_in(held["why"])),
            _help(held["suggestion"]),
            html.Dl([html.Div([html.Dt(n), html.Dd(v)], className="card") for n, v in facts], className="strip"),
            html.Section(
                [
                    html.Header(html.H2(_("As it came"))),
                    html.Pre(
                        held["raw"][:RAW_SHOWN] or _("Nothing of it could be kept."),
                        className="raw-item",
                        tabIndex=0,
                        role="region",
                        **{"aria-label": _("The item as it came")},
                    ),
                ],
                className="card",
            ),
            html.Div(id="held-said", role="status"),
            html.Div(
                [_retry(held), _discard()], id="held-ways", className="columns no-print", hidden=held["state"] != "held"
            ),
        ],
        className="page form-page",
    )


def _help(suggestion: str | None) -> Component | None:
    if suggestion is None:
        return None
    return html.P([html.Strong(_("What would help:") + " "), html.Span(tell(suggestion), lang=told_in(suggestion))])


def register(app: Dash) -> None:
    """Reading again and discarding."""
    policy = Policy(IMPORTING_ROLES, scoped=True)

    @guarded(
        app,
        Output("held-said", "children"),
        Output("held-ways", "hidden"),
        Input("held-retry", "n_clicks"),
        State("held-item", "data"),
        State("held-mrn", "value"),
        policy=policy,
        running=[(Output("held-retry", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def retry(clicks: int | None, item: str, mrn: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        # Before it is read: what it still lacks is said with words of its own.
        with current_database().write() as session:
            held = show_quarantined(session, current_actor(), _number(item))
            note_held(session, current_actor(), [held["id"]], ROUTE.pattern, now=request_now())
        try:
            summary = retry_quarantined(
                current_database(), current_actor(), _number(item), now=request_now(), mrn=(mrn or "").strip() or None
            )
        except BadInput as refused:
            return html.P(_("Not read: {why}.", why=refused), className="error"), no_update
        if summary.quarantined:
            return html.P(_("Still held: {why}.", why=tell(summary.quarantined[0].why)), className="error"), no_update
        came = _(
            "Read again: {stored} stored, {unchanged} already there, {superseded} newer versions. The item is settled.",
            stored=summary.stored,
            unchanged=summary.unchanged,
            superseded=summary.superseded,
        )
        return html.P(came, className="done"), True

    @guarded(
        app,
        Output("held-said", "children", allow_duplicate=True),
        Output("held-ways", "hidden", allow_duplicate=True),
        Input("held-discard", "n_clicks"),
        State("held-item", "data"),
        State("held-reason", "value"),
        policy=policy,
        running=[(Output("held-discard", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def discard(clicks: int | None, item: str, reason: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        try:
            with current_database().write() as session:
                discard_quarantined(session, current_actor(), _number(item), now=request_now(), reason=reason)
        except BadInput as refused:
            return html.P(_("Not discarded: {why}.", why=refused), className="error"), no_update
        return html.P(_("Discarded. The audit trail keeps who did it and why."), className="done"), True


def _retry(held: dict[str, Any]) -> Component:
    row = held["format"] in SHEET_FORMATS
    asked = (
        _("Hospital number of the patient it is given to instead")
        if row
        else _("Hospital number of the patient, if it names none")
    )
    return html.Section(
        [
            html.Header(html.H2(_("Read it again"))),
            html.P(
                _("After what was wrong has been mended: the patient registered, the team changed."), className="soft"
            ),
            html.Div(
                [
                    html.Label(asked, htmlFor="held-mrn"),
                    dcc.Input(id="held-mrn", type="text", value="", autoComplete="off", maxLength=120),
                ],
                className="field",
            ),
            html.Button(_("Read it again"), id="held-retry", type="button", className="button primary"),
        ],
        className="card stacked",
    )


def _discard() -> Component:
    return html.Section(
        [
            html.Header(html.H2(_("Discard it"))),
            html.P(_("It is never stored. That cannot be taken back."), className="soft"),
            html.Div(
                [
                    html.Label(_("Why it is not needed (required)"), htmlFor="held-reason"),
                    dcc.Textarea(id="held-reason", maxLength=2000),
                ],
                className="field",
            ),
            html.Button(_("Discard this item"), id="held-discard", type="button", className="button"),
        ],
        className="card stacked",
    )


def _number(item: str) -> int:
    if not (item.isascii() and item.isdecimal() and len(item) <= LONGEST_NUMBER):
        raise NotFound("no such item")
    return int(item)
