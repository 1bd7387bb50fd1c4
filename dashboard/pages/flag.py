"""The flag page: the question, why it is asked, what it rests on, and the acknowledgement with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.figures.evidence import evidence
from dashboard.language import _, tell
from dashboard.parts.badges import STATUS_WORDS
from dashboard.parts.banner import banner
from dashboard.parts.charts import chart
from dashboard.parts.flag_details import history, standing, thresholds_table, unexplained, values_table
from dashboard.parts.notices import draft_protocol
from dashboard.parts.plotted.evidence import shown_evidence, shown_from, summary
from dashboard.parts.times import Clock, moment_text
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.errors import BadInput
from data.flag_moves import StaleVersion
from data.flags import acknowledge, show_flag
from data.trends import Identity, Trends, head, trends

ROUTE = Route("/flag/<flag_id>", title="Flag", policy=Policy(CLINICAL, flag_argument="flag_id"))

Flag = Mapping[str, Any]
"""The language of the rules' own sentences, which are evidence and not translated (decision 0024)."""


def layout(flag_id: str) -> Component:
    """The page of one flag; raises NotFound when the actor may not see it."""
    clock = _clock()
    with current_database().read() as session:
        flag = show_flag(session, current_actor(), flag_id)
        who = head(session, current_actor(), flag["patient"], now=clock.now)
        found = trends(session, current_actor(), flag["patient"], protocol=current_protocol(), now=clock.now)
    return html.Div(
        [
            dcc.Store(id="flag-id", data=flag_id),
            dcc.Store(id="flag-version", data=flag["version"]),
            banner(who, clock=clock, heading=False),
            html.Div(
                [
                    _question(flag, clock),
                    html.Div(
                        [
                            html.Div([_evidence(flag, found, clock), _thresholds(flag)]),
                            html.Div([_action(flag, who.identity), _checked(flag), _history(flag, clock)]),
                        ],
                        className="columns",
                    ),
                ],
                className="page flag-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """Acknowledging: one callback that writes once and shows what then stands."""

    @guarded(
        app,
        Output("flag-result", "children"),
        Output("flag-standing", "children"),
        Output("flag-history", "children"),
        Output("flag-form", "hidden"),
        Output("flag-version", "data"),
        Input("flag-acknowledge", "n_clicks"),
        State("flag-why", "value"),
        State("flag-id", "data"),
        State("flag-version", "data"),
        policy=Policy(CLINICAL, flag_argument="flag_id"),
        running=[(Output("flag-acknowledge", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def take(_clicks: int | None, why: str | None, flag_id: str, version: int) -> tuple[object, ...]:
        clock = _clock()
        try:
            with current_database().write() as session:
                acknowledge(session, current_actor(), flag_id, why=why or "", version=version, now=clock.now)
            said = html.P(
                _("Acknowledged by {person}. The flag is yours now.", person=current_actor().name), className="done"
            )
        except StaleVersion as changed:
            said = html.P(_both(changed, clock), className="error")
        except BadInput as refused:
            return (
                html.P(_("Not saved: {why}.", why=refused), className="error"),
                no_update,
                no_update,
                no_update,
                no_update,
            )
        with current_database().read() as session:
            flag = show_flag(session, current_actor(), flag_id)
        return said, standing(flag, clock), history(flag, clock), flag["status"] != "open", flag["version"]


def _both(changed: StaleVersion, clock: Clock) -> str:
    return _(
        "Not saved: you read version {given}, and {person} changed the flag on {at} to version {current} ({status}). "
        "What now stands is shown here; your reason is kept in the field.",
        given=changed.given,
        person=changed.who,
        at=moment_text(changed.at, clock.zone),
        current=changed.current,
        status=_(STATUS_WORDS[changed.status]).lower(),
    )


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)


def _question(flag: Flag, clock: Clock) -> Component:
    return html.Section(
        [
            html.Div(standing(flag, clock), id="flag-standing", className="flag-head"),
            html.H1(tell(flag["title"])),
            html.P(tell(flag["question"]), className="question"),
            html.P(tell(flag["why"]), className="why"),
        ],
        className="card flag-question",
    )


def _evidence(flag: Flag, found: Trends, clock: Clock) -> Component:
    shown = shown_evidence(flag, found, current_protocol(), clock)
    if shown:
        figure = evidence(shown, start=shown_from(flag, clock), end=clock.at(clock.now))
        drawn = chart(
            "flag-evidence", figure, summary=summary(shown), heading=_("Evidence chart; its values stand below")
        )
    else:
        drawn = html.P(_("This evidence has no series to draw; the table holds it."), className="soft")
    more = dcc.Link(_("Whole course of the patient"), href=f"/p/{quote(flag['patient'], safe='')}", className="small")
    return html.Section(
        [html.Header([html.H2(_("Evidence")), more]), drawn, html.H3(_("Values used")), values_table(flag, clock)],
        className="card",
    )


def _thresholds(flag: Flag) -> Component:
    return html.Section(
        [html.Header(html.H2(_("Thresholds"))), thresholds_table(flag), draft_protocol(current_protocol())],
        className="card",
    )


def _action(flag: Flag, who: Identity) -> Component:
    named = f"{who.name or _('name not recorded')} ({who.mrn})"
    return html.Section(
        [
            html.Header(html.H2(_("Acknowledge"))),
            html.Form(
                [
                    html.P(_("You take the question on; its alert mails stop."), className="soft"),
                    html.Div(
                        [
                            html.Label(_("Why, or what you will do (required)"), htmlFor="flag-why"),
                            dcc.Textarea(id="flag-why", required=True, maxLength=2000),
                        ],
                        className="field",
                    ),
                    html.Button(
                        _("Acknowledge for {patient}", patient=named),
                        id="flag-acknowledge",
                        type="button",
                        className="button primary",
                    ),
                ],
                id="flag-form",
                hidden=flag["status"] != "open",
            ),
            html.Div(_answered(flag), id="flag-result", role="status"),
        ],
        className="card flag-action no-print",
    )


def _answered(flag: Flag) -> Component | None:
    if flag["status"] == "open":
        return None
    return html.P(
        _("This flag is {status}; its history is below.", status=_(STATUS_WORDS[flag["status"]]).lower()),
        className="soft",
    )


def _checked(flag: Flag) -> Component:
    return html.Section([html.Header(html.H2(_("Checked"))), *unexplained(flag)], className="card")


def _history(flag: Flag, clock: Clock) -> Component:
    return html.Section(
        [html.Header(html.H2(_("History"))), html.Div(history(flag, clock), id="flag-history")], className="card"
    )
