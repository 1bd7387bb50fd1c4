"""The protocol: every rule and threshold, what is proposed to change, what the rules cost, which are muted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

import msgspec
from dash import Dash, dcc, html
from dash.development.base_component import Component

from dashboard.language import _, counted, message, whole
from dashboard.parts.grid import read_view
from dashboard.parts.protocol_burden import burden_table, mute_panel
from dashboard.parts.protocol_draft import draft_panel
from dashboard.parts.protocol_lists import history_list, rule_list, threshold_list
from dashboard.parts.times import Clock
from dashboard.policy import PEOPLE, Policy
from dashboard.protocol_acts import POLL_MS, read_draft, register_draft, register_mutes
from dashboard.request import current_actor, current_database, current_settings, current_standing, request_now
from dashboard.routing import Route
from data.burden import burden
from data.mutes import MUTERS, list_mutes, own_teams
from data.protocol.history import protocol_history
from data.protocol.in_force import Standing

ROUTE = Route("/protocol", title="Protocol", policy=Policy(PEOPLE, scoped=True), nav="Protocol", viewed=True)
SPANS = {"30": message("30 days"), "90": message("90 days"), "365": message("a year")}


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What the address of the page may say."""

    tab: Literal["rules", "thresholds", "change", "burden", "mutes", "history"] = "rules"
    days: Literal["30", "90", "365"] = "90"


def layout(search: str | None = None) -> Component:
    """The page, opened at the tab the address names."""
    asked, standing = read_view(search, Asked), current_standing()
    _word, made = TABS[asked.tab]
    return html.Div(
        [
            html.H1(_("Protocol")),
            _strip(standing),
            html.Div(_tabs(asked.tab), className="tab-row no-print"),
            html.Div(id="protocol-said", role="status"),
            html.Div(made(asked), id="protocol-part", className="stacked"),
        ],
        className="page wide protocol-page",
    )


def register(app: Dash) -> None:
    """The acts on the draft and on mutes, see `dashboard.protocol_acts`."""
    register_draft(app)
    register_mutes(app)


def _strip(standing: Standing) -> Component:
    protocol = standing.protocol
    unsigned, all = len(protocol.unsigned()), len(protocol.thresholds)
    with current_database().read() as session:
        draft = read_draft(session).draft
    drafted = (
        _("none") if draft is None else counted("{n} changed threshold", "{n} changed thresholds", len(draft.changes))
    )
    facts = [
        (_("In force"), html.Code(protocol.version)),
        (_("Signed off by an oncologist"), _("{n} of {all} thresholds", n=whole(all - unsigned), all=whole(all))),
        (_("Changed by this site"), whole(len(standing.activations))),
        (_("Draft"), dcc.Link(drafted, href="/protocol?tab=change") if draft is not None else drafted),
    ]
    note = _(
        "A threshold that is not signed off is a proposal of Nadir, not a decision of this hospital. Rules judge by it "
        "all the same, and every flag says so."
    )
    return html.Div(
        [
            html.Dl(
                [html.Div([html.Dt(name), html.Dd(value)], className="card") for name, value in facts],
                className="strip",
            ),
            html.P(note, className="notice") if unsigned else None,
        ],
        className="stacked",
    )


def _tabs(chosen: str) -> Component:
    links = [
        html.A(
            _(word),
            href=f"/protocol?{urlencode({'tab': name})}",
            **{"data-in-app": "", **({"aria-current": "page"} if name == chosen else {})},
        )
        for name, (word, _made) in TABS.items()
    ]
    return html.Nav(links, className="tabs", **{"aria-label": _("Parts of the protocol")})


def _rules(_asked: Asked) -> list[Component | None]:
    with current_database().read() as session:
        mutes = list_mutes(session, current_actor(), now=request_now())
    return [rule_list(current_standing(), mutes)]


def _thresholds(_asked: Asked) -> list[Component | None]:
    return [threshold_list(current_standing(), _clock())]


def _change(_asked: Asked) -> list[Component | None]:
    with current_database().read() as session:
        drafting = read_draft(session)
    draft = drafting.draft
    return [
        dcc.Store(id="protocol-draft-version", data=0 if draft is None else draft.version),
        dcc.Store(id="protocol-seen", data=""),
        dcc.Interval(id="protocol-clock", interval=POLL_MS, disabled=draft is None or draft.state != "trying"),
        html.Div(draft_panel(drafting, _clock()), id="protocol-draft", className="stacked"),
    ]


def _burden(asked: Asked) -> list[Component | None]:
    clock = _clock()
    with current_database().read() as session:
        found = burden(session, current_actor(), since=clock.now - timedelta(days=int(asked.days)), until=clock.now)
    links = [
        html.A(
            _(word),
            href=f"/protocol?{urlencode({'tab': 'burden', 'days': days})}",
            className="chip",
            **{"data-in-app": "", **({"aria-current": "true"} if days == asked.days else {})},
        )
        for days, word in SPANS.items()
    ]
    said = _(
        "Flags opened in the span chosen here. Acted on: a decision was recorded that is not 'does not apply'. A flag "
        "counts for each team that follows its patient."
    )
    return [
        html.Nav(links, className="chips no-print", **{"aria-label": _("Span")}),
        html.P(said, className="soft"),
        burden_table(found),
    ]


def _mutes(_asked: Asked) -> list[Component | None]:
    actor, clock = current_actor(), _clock()
    with current_database().read() as session:
        mutes, teams = list_mutes(session, actor, now=clock.now), own_teams(session, actor)
    return [
        html.Div(
            mute_panel(mutes, teams, may=actor.role in MUTERS, clock=clock), id="protocol-mutes", className="stacked"
        )
    ]


def _history(_asked: Asked) -> list[Component | None]:
    with current_database().read() as session:
        return [history_list(protocol_history(session), _clock())]


TABS: dict[str, tuple[str, Callable[[Asked], list[Component | None]]]] = {
    "rules": (message("Rules"), _rules),
    "thresholds": (message("Thresholds"), _thresholds),
    "change": (message("Draft"), _change),
    "burden": (message("Burden"), _burden),
    "mutes": (message("Muted"), _mutes),
    "history": (message("History"), _history),
}


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
