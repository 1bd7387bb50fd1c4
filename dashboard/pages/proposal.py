"""One proposal about who somebody is: what the message says, what is stored beside it, and the decision on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from clinical.wording import listed
from dashboard.language import _, message, tell
from dashboard.pages.identity import DECIDING, DECISIONS
from dashboard.parts.identity import (
    FACT_WORDS,
    KIND_WORDS,
    contradiction,
    fact_text,
    holding_lines,
    person_lines,
    reason_field,
    sentence,
    side_by_side,
    when,
)
from dashboard.parts.import_words import FORMAT_WORDS
from dashboard.parts.times import Clock, since_text
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.access import note_read
from data.errors import BadInput
from data.identity_proposals import accept_proposal, refuse_proposal, show_proposal
from data.merge_preview import preview_merge
from data.people import NotFound

POLICY = Policy(DECIDING, scoped=True)
ROUTE = Route("/identity/proposal/<proposal>", title="Proposal", policy=POLICY)
LONGEST_NUMBER = 18


def layout(proposal: str) -> Component:
    """The page of one proposal; raises NotFound for one about patients the actor does not see."""
    clock, actor = Clock(request_now(), current_settings().zone), current_actor()
    why_not = together = None
    with current_database().read() as session:
        found = show_proposal(session, actor, _number(proposal))
        if found["kind"] == "merge" and len(found["people"]) == 2 and found["state"] == "open":
            try:
                together = preview_merge(session, actor, merged=found["from"], into=found["into"])
            except BadInput as refused:
                why_not = tell(refused.args[0])
    with current_database().write() as session:
        for one in found["people"].values():
            note_read(session, actor, one["uuid"], ROUTE.pattern, now=clock.now)
    if found["hidden"]:
        numbers = tell(listed(found["hidden"]))
        why_not = _("{numbers} is followed by teams you do not belong to; an admin can decide", numbers=numbers)
    return html.Div(
        [
            dcc.Store(id="proposal-id", data=proposal),
            html.P(dcc.Link(_("Who is who"), href="/identity"), className="small no-print"),
            html.H1(sentence(tell(found["why"]))),
            _source(found, clock),
            html.Section(
                [html.Header(html.H2(_("What is stored, and what the message says"))), *_compared(found, together)],
                className="card stacked",
            ),
            html.Div(id="proposal-said", role="status"),
            _decision(found, why_not) if found["state"] == "open" else _decided(found, clock),
        ],
        className="page form-page",
    )


def register(app: Dash) -> None:
    """Accepting and refusing: each once, with a reason."""
    for button, decide, done in (
        ("proposal-accept", accept_proposal, message("Accepted and done.")),
        ("proposal-refuse", refuse_proposal, message("Refused. Nothing was changed.")),
    ):
        _register(app, button, decide, done)


def _register(app: Dash, button: str, decide: Callable[..., dict[str, Any]], done: str) -> None:
    @guarded(
        app,
        Output("proposal-said", "children", allow_duplicate=True),
        Output("proposal-form", "hidden", allow_duplicate=True),
        Input(button, "n_clicks"),
        State("proposal-id", "data"),
        State("proposal-reason", "value"),
        policy=POLICY,
        running=[(Output(button, "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def settle(clicks: int | None, proposal: str, reason: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        try:
            with current_database().write() as session:
                decide(session, current_actor(), _number(proposal), reason=reason or "", now=request_now())
        except BadInput as refused:
            return html.P(_("Not decided: {why}.", why=tell(refused.args[0])), className="error"), no_update
        waits = [
            " " + _("What was held for it can be read again:") + " ",
            dcc.Link(_("imports and quarantine"), href="/import"),
            ".",
        ]
        return html.P([html.Strong(_(done)), *waits], className="done"), True


def _source(found: dict[str, Any], clock: Clock) -> Component:
    came = datetime.fromisoformat(found["created_at"])
    facts = [
        (_("Kind"), _(KIND_WORDS[found["kind"]])),
        (_("From"), found["where"]),
        (_("Format"), _(FORMAT_WORDS.get(found["format"], found["format"]))),
        (_("Taken in by"), found["brought_by"]),
        (_("When"), f"{when(found['created_at'], clock)}, {since_text(came, clock.now)}"),
    ]
    return html.Dl([html.Div([html.Dt(n), html.Dd(v)], className="card") for n, v in facts], className="strip")


def _compared(found: dict[str, Any], together: dict[str, Any] | None) -> list[Component | None]:
    if found["kind"] == "update":
        return _changes(found)
    numbers = [number for number in (found["from"], found["into"]) if number is not None]
    people = [together["merged"], together["survivor"]] if together else [found["people"].get(n) for n in numbers]
    sent = found["facts"] if found["facts"].get("mrn") else None
    lines = person_lines(*people, *([sent] if sent else []))
    if together is not None:
        lines += [(name, [*cells, *([""] if sent else [])], differs) for name, cells, differs in holding_lines(*people)]
    heads = [
        _("{number}, stored", number=number)
        if number in found["people"]
        else _("{number}, no patient here", number=number)
        for number in numbers
    ]
    if found["hidden"]:
        heads = [
            _("{number}, of another team", number=number) if number in found["hidden"] else head
            for number, head in zip(numbers, heads, strict=True)
        ]
    return [
        contradiction(together["contradictions"]) if together else None,
        side_by_side(
            _("Both patients, and the message"),
            [*heads, *([_("Message about {mrn}", mrn=sent["mrn"])] if sent else [])],
            lines,
        ),
        html.P(_effect(found), className="soft small"),
    ]


def _changes(found: dict[str, Any]) -> list[Component | None]:
    stored = found["people"].get(found["into"], {})
    lines, moved = [], False
    for name, (before, after) in found["facts"]["changes"].items():
        now = stored.get(name)
        moved = moved or (name != "system" and now != before)
        lines.append((_(FACT_WORDS[name]), [fact_text(name, now), fact_text(name, after)], now != after))
    same = [line for line in person_lines(stored) if line[0] not in {name for name, *_ in lines}]
    return [
        side_by_side(
            _("What is stored and what the message says"),
            (_("{number}, stored", number=found["into"]), _("Message")),
            [*lines, *((name, [*cells, _("says nothing else")], False) for name, cells, _differs in same)],
        ),
        html.P(_("What is stored has changed since the message came."), className="notice") if moved else None,
    ]


def _effect(found: dict[str, Any]) -> str:
    if found["kind"] == "link":
        return _("Accepting notes in the audit trail that you know of the link. Nothing else is changed.")
    one, other = found["from"], found["into"]
    missing = [number for number in (one, other) if number not in found["people"] and number not in found["hidden"]]
    effect = _(
        "Accepting shows everything under {one} under {other}, by the teams of both. Nothing is moved, and it can be "
        "taken back.",
        one=one,
        other=other,
    )
    if not missing:
        return effect
    numbers = tell(listed(missing))
    return effect + " " + _("{numbers} is registered first, in the teams of the other.", numbers=numbers)


def _decision(found: dict[str, Any], why_not: str | None) -> Component:
    accept = {
        "merge": _("Merge {one} into {other}", one=found["from"], other=found["into"]),
        "update": _("Take this over for {number}", number=found["into"]),
        "link": _("Note the link"),
    }[found["kind"]]
    return html.Section(
        [
            html.Header(html.H2(_("Decide"))),
            None
            if why_not is None
            else html.P(_("It cannot be accepted here: {why}.", why=why_not), className="notice"),
            reason_field("proposal-reason"),
            html.Div(
                [
                    html.Button(
                        accept,
                        id="proposal-accept",
                        type="button",
                        className="button primary",
                        hidden=why_not is not None,
                    ),
                    html.Button(_("Refuse it"), id="proposal-refuse", type="button", className="button"),
                ],
                className="import-actions",
            ),
        ],
        id="proposal-form",
        className="card stacked no-print",
    )


def _decided(found: dict[str, Any], clock: Clock) -> Component:
    said = f"{found['reason']} ({found['decided_by']}, {when(found['decided_at'], clock)})"
    return html.P([html.Strong(f"{_(DECISIONS[found['state']])}. "), said], className="done")


def _number(proposal: str) -> int:
    if not (proposal.isascii() and proposal.isdecimal() and len(proposal) <= LONGEST_NUMBER):
        raise NotFound("no such proposal")
    return int(proposal)
