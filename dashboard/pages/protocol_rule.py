"""The page of one rule: in words, with its thresholds, who signed them, and what was done to them."""

from __future__ import annotations

from dash import Dash, dcc, html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.protocol_lists import history_list
from dashboard.parts.protocol_rule import rule_panel, rule_words
from dashboard.parts.protocol_words import OTHER, rule_thresholds
from dashboard.parts.times import Clock
from dashboard.policy import PEOPLE, Policy
from dashboard.protocol_acts import read_draft, register_rule
from dashboard.request import current_database, current_settings, request_now
from dashboard.routing import Route
from data.people import NotFound
from data.protocol.history import protocol_history

ROUTE = Route("/protocol/<rule>", title="Rule", policy=Policy(PEOPLE))


def layout(rule: str) -> Component:
    """The page of the rule with this id, or of the thresholds no rule names; raises NotFound for another id."""
    names = rule_thresholds(rule)
    if names is None:
        raise NotFound(f"no rule {rule!r}")
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        drafting = read_draft(session)
        steps = [step for step in protocol_history(session) if step.threshold in names]
    title = _("Thresholds of no single rule") if rule == OTHER else _("Rule {rule}", rule=rule)
    return html.Div(
        [
            dcc.Store(id="protocol-rule", data=rule),
            html.P(dcc.Link(_("The whole protocol"), href="/protocol"), className="small no-print"),
            html.H1(title),
            rule_words(rule),
            html.Div(id="protocol-said", role="status"),
            html.Div(rule_panel(rule, drafting, clock), id="protocol-rule-panel", className="stacked"),
            html.Section([html.Header(html.H2(_("History"))), history_list(steps, clock)], className="card"),
        ],
        className="page protocol-page",
    )


def register(app: Dash) -> None:
    """Signing and proposing, see `dashboard.protocol_acts`."""
    register_rule(app)
