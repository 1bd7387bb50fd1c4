"""The flag page, where a dose is reviewed: the question, why it is asked, what it rests on, what was decided before,
and what a person does about it. Nadir records a decision; it never proposes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dash import Dash, dcc, html
from dash.development.base_component import Component

from dashboard.figures.evidence import evidence
from dashboard.flag_acts import POLICY, acting_on, read_flag, register_actions
from dashboard.language import _, tell
from dashboard.parts.banner import banner
from dashboard.parts.charts import chart
from dashboard.parts.flag_actions import Acting, actions
from dashboard.parts.flag_details import history, standing, thresholds_table, unexplained, unsigned_note, values_table
from dashboard.parts.flag_mails import mails_section
from dashboard.parts.flag_past import past_section
from dashboard.parts.notices import draft_protocol
from dashboard.parts.plotted.evidence import shown_evidence, shown_from, summary
from dashboard.parts.times import Clock
from dashboard.request import (
    current_actor,
    current_database,
    current_protocol,
    current_settings,
    current_standing,
    request_now,
)
from dashboard.routing import Route
from data.delivery_log import Delivery, deliveries
from data.past_flags import past_flags
from data.trends import Trends, head, trends

ROUTE = Route("/flag/<flag_id>", title="Flag", policy=POLICY)

Flag = Mapping[str, Any]


def layout(flag_id: str) -> Component:
    """The page of one flag; raises NotFound when the actor may not see it."""
    clock = _clock()
    with current_database().read() as session:
        flag = read_flag(session, flag_id)
        who = head(session, current_actor(), flag["patient"], now=clock.now)
        found = trends(session, current_actor(), flag["patient"], protocol=current_protocol(), now=clock.now)
        acting = acting_on(session, flag)
        mails = deliveries(session, flag_id)
    decisions = [decision for decision in found.decisions if decision["flag"] == flag_id]
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
                            html.Div(
                                [_evidence(flag, found, clock), _thresholds(flag, clock), _past(found, flag, clock)]
                            ),
                            html.Div(
                                [
                                    _action(acting, clock),
                                    _checked(flag),
                                    _history(flag, decisions, clock),
                                    _told(mails, clock),
                                ]
                            ),
                        ],
                        className="columns",
                    ),
                ],
                className="page flag-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """The actions, see `dashboard.flag_acts`."""
    register_actions(app)


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)


def _question(flag: Flag, clock: Clock) -> Component:
    return html.Section(
        [
            html.Div(standing(flag, clock), id="flag-standing", className="flag-head"),
            html.H1(tell(flag["title"])),
            html.P(tell(flag["question"]), className="question"),
            html.P(tell(flag["why"]), className="why"),
            unsigned_note(flag, current_standing()),
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


def _thresholds(flag: Flag, clock: Clock) -> Component:
    return html.Section(
        [
            html.Header([html.H2(_("Thresholds")), dcc.Link(_("in the protocol"), href=f"/protocol/{flag['rule']}")]),
            thresholds_table(flag, current_standing(), clock),
            draft_protocol(current_protocol()),
        ],
        className="card",
    )


def _action(acting: Acting, clock: Clock) -> Component:
    return html.Section(
        [
            html.Header(html.H2(_("What to do"))),
            html.Div(id="flag-result", role="status"),
            html.Div(actions(acting, clock), id="flag-actions"),
        ],
        className="card flag-action no-print",
    )


def _past(found: Trends, flag: Flag, clock: Clock) -> Component:
    return html.Section(
        [
            html.Header(html.H2(_("Similar past flags and what was decided"))),
            *past_section(past_flags(found, flag), flag["patient"], clock),
        ],
        className="card",
        id="flag-past",
    )


def _checked(flag: Flag) -> Component:
    return html.Section([html.Header(html.H2(_("Checked"))), *unexplained(flag)], className="card")


def _told(mails: Sequence[Delivery], clock: Clock) -> Component:
    return html.Section(
        [html.Header(html.H2(_("Who was told"))), mails_section(mails, clock)], className="card", id="flag-mails"
    )


def _history(flag: Flag, decisions: Sequence[Mapping[str, Any]], clock: Clock) -> Component:
    return html.Section(
        [html.Header(html.H2(_("History"))), html.Div(history(flag, decisions, clock), id="flag-history")],
        className="card",
    )
