"""Who is who: what messages propose, merging two numbers, the merges in force, possible duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.language import _, message, tell
from dashboard.listed import note_list
from dashboard.parts import rows
from dashboard.parts.identity import (
    KIND_WORDS,
    contradiction,
    holding_lines,
    identity_address,
    person_lines,
    reason_field,
    sentence,
    side_by_side,
    when,
)
from dashboard.parts.import_words import rows_text
from dashboard.parts.times import Clock, since_text
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.access import note_read
from data.duplicates import count_duplicates
from data.errors import BadInput
from data.identity_proposals import count_proposals, list_proposals
from data.merge_preview import preview_merge
from data.merges import merge_history, merge_patients
from data.people import CLINICAL_ROLES, NotFound

DECIDING = CLINICAL_ROLES | {"admin"}
POLICY = Policy(DECIDING, scoped=True)
ROUTE = Route("/identity", title="Who is who", policy=POLICY, nav="Identity", count=count_proposals)
SHOWN = 200
DECISIONS = {"accepted": message("Accepted"), "refused": message("Refused"), "expired": message("Expired")}


def layout() -> Component:
    """The page for the person who asks: everything about who is who that they may decide."""
    clock, actor = Clock(request_now(), current_settings().zone), current_actor()
    with current_database().read() as session:
        proposals = list_proposals(session, actor, all=True, newest=SHOWN)
        count = count_proposals(session, actor)
        merges = merge_history(session, actor)
    note_list([str(one[side]) for one in (*proposals, *merges) for side in ("from", "into")], ROUTE.pattern)
    waiting = [one for one in proposals if one["state"] == "open"]
    return html.Div(
        [
            html.H1(_("Who is who")),
            _waiting(waiting, count, clock),
            _merge(),
            _merges(merges, clock),
            _duplicates() if actor.role in CLINICAL_ROLES else None,
            _decided([one for one in proposals if one["state"] != "open"], clock),
        ],
        className="page form-page",
    )


def register(app: Dash) -> None:
    """Showing what a merge would do, merging, and looking for duplicates once the page is there."""
    _register_merge(app)

    @guarded(
        app,
        Output("identity-duplicates", "children"),
        Input("identity-arrived", "data"),
        policy=Policy(CLINICAL_ROLES, scoped=True),
    )
    def duplicates(arrived: bool | None) -> object:
        if not arrived:
            return no_update
        with current_database().read() as session:
            found = count_duplicates(session, current_actor())
        note_list((str(one["patient"]) for one in found), ROUTE.pattern)
        if not found:
            return html.P(_("No two results of a patient look like one."), className="soft")
        listed = [
            rows.row(
                [
                    rows.cell(
                        rows.link(one["name"] or _("Name not recorded"), identity_address(one["patient"])), heads=True
                    ),
                    rows.cell(one["patient"], name=_("MRN")),
                    rows.cell(rows_text(one["pairs"], "pair"), name=_("Pairs")),
                ]
            )
            for one in found
        ]
        columns = (_("Patient"), _("MRN"), _("Possible duplicates"))
        return rows.table(
            "duplicates-table", columns, listed, caption=_("Patients with possible duplicates"), css="dense stacking"
        )


def _register_merge(app: Dash) -> None:
    @guarded(
        app,
        Output("identity-pair", "data"),
        Output("identity-preview", "children"),
        Output("identity-confirm", "hidden"),
        Output("identity-merge", "children"),
        Output("identity-said", "children"),
        Input("identity-show", "n_clicks"),
        State("identity-from", "value"),
        State("identity-into", "value"),
        policy=POLICY,
        running=[(Output("identity-show", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def show(clicks: int | None, merged: str | None, into: str | None) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 5
        numbers = ((merged or "").strip(), (into or "").strip())
        if not all(numbers):
            return None, None, True, no_update, html.P(_("Give both hospital numbers."), className="error")
        actor = current_actor()
        try:
            with current_database().read() as session:
                found = preview_merge(session, actor, merged=numbers[0], into=numbers[1])
        except BadInput as refused:
            return None, None, True, no_update, html.P(f"{tell(refused.args[0])}.", className="error")
        except NotFound as missing:
            return None, None, True, no_update, html.P(_nobody(missing, numbers), className="error")
        sides = found["merged"], found["survivor"]
        with current_database().write() as session:
            for side in sides:
                note_read(session, actor, side["uuid"], "identity.preview", now=request_now())
        one, other = (side["mrn"] for side in sides)
        return [one, other], _preview(found), False, _("Merge {one} into {other}", one=one, other=other), None

    @guarded(
        app,
        Output("identity-said", "children", allow_duplicate=True),
        Output("identity-preview", "children", allow_duplicate=True),
        Output("identity-confirm", "hidden", allow_duplicate=True),
        Output("identity-reason", "value"),
        Input("identity-merge", "n_clicks"),
        State("identity-pair", "data"),
        State("identity-reason", "value"),
        policy=POLICY,
        running=[(Output("identity-merge", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def merge(clicks: int | None, pair: list[str] | None, reason: str | None) -> tuple[object, ...]:
        if not clicks or pair is None or len(pair) != 2:
            return (no_update,) * 4
        try:
            with current_database().write() as session:
                done = merge_patients(
                    session, current_actor(), merged=pair[0], into=pair[1], reason=reason or "", now=request_now()
                )
        except BadInput as refused:
            return (
                html.P(_("Not merged: {why}.", why=tell(refused.args[0])), className="error"),
                no_update,
                no_update,
                no_update,
            )
        said = [
            html.Strong(_("{one} is shown as {other} from now on.", one=done.merged, other=done.survivor) + " "),
            _("It can be taken back:") + " ",
            dcc.Link(_("this merge"), href=f"/identity/merge/{done.id}"),
        ]
        return html.P(said, className="done"), None, True, ""


def _nobody(missing: NotFound, numbers: tuple[str, str]) -> str:
    meant = [number for number in numbers if repr(number) in str(missing)]
    number = meant[0] if meant else _("{one} or {other}", one=numbers[0], other=numbers[1])
    return _("No patient your teams follow has the number {number}.", number=number)


def _waiting(proposals: Sequence[dict[str, Any]], count: int, clock: Clock) -> Component:
    table = rows.table(
        "proposals-table",
        (_("What a message says"), _("Kind"), _("From"), _("Since")),
        [_proposal(one, clock) for one in proposals],
        caption=_("Open proposals, newest first"),
        css="dense stacking held",
    )
    shown = (
        _("the newest {n} of {all}", n=len(proposals), all=count) if count > len(proposals) else _("{n} open", n=count)
    )
    return html.Section(
        [
            html.Header([html.H2(_("Proposals")), html.Span(shown, className="soft small")]),
            html.P(
                _("What messages say about who somebody is. Nothing of it is done before a person accepts it."),
                className="soft small",
            ),
            table if proposals else html.P(_("Nothing waits for a decision."), className="soft"),
        ],
        className="card stacked",
        id="proposals",
    )


def _proposal(one: dict[str, Any], clock: Clock) -> dict[str, Any]:
    return rows.row(
        [
            rows.cell(rows.link(sentence(tell(one["why"])), f"/identity/proposal/{one['id']}"), css="what"),
            rows.cell(rows.span(_(KIND_WORDS[one["kind"]]), "pill")),
            rows.cell(rows.span(one["where"], "place"), name=_("From")),
            rows.cell(since_text(datetime.fromisoformat(one["created_at"]), clock.now), css="when", name=_("Since")),
        ]
    )


def _decided(proposals: Sequence[dict[str, Any]], clock: Clock) -> Component | None:
    if not proposals:
        return None
    listed = [
        rows.row(
            [
                rows.cell(rows.link(sentence(tell(one["why"])), f"/identity/proposal/{one['id']}"), css="what"),
                rows.cell(rows.span(_(DECISIONS[one["state"]]), "pill")),
                rows.cell(one["decided_by"] or "", rows.below(one["reason"] or ""), name=_("By")),
                rows.cell(when(one["decided_at"], clock), css="when", name=_("On")),
            ]
        )
        for one in proposals
    ]
    table = rows.table(
        "decided-table",
        (_("What a message said"), _("Decision"), _("By and why"), _("When")),
        listed,
        caption=_("Decided proposals, newest first"),
        css="dense stacking held",
    )
    return html.Details([html.Summary(_("Decided lately: {n}", n=len(proposals))), table], className="card")


def _merge() -> Component:
    return html.Section(
        [
            html.Header(html.H2(_("Merge two numbers of one person"))),
            html.P(
                _(
                    "First you see what that would show together; nothing is done before you confirm. "
                    "Nothing is moved, so a merge can be taken back exactly."
                ),
                className="soft small",
            ),
            html.Div(
                [_number("identity-from", _("Number given up")), _number("identity-into", _("Number that stays"))],
                className="import-fields",
            ),
            html.Button(_("Show what this would do"), id="identity-show", type="button", className="button"),
            dcc.Store(id="identity-pair"),
            html.Div(id="identity-preview"),
            html.Div(
                [
                    reason_field("identity-reason"),
                    html.Button(_("Merge"), id="identity-merge", type="button", className="button primary"),
                ],
                id="identity-confirm",
                className="stacked",
                hidden=True,
            ),
            html.Div(id="identity-said", role="status"),
        ],
        className="card stacked no-print",
    )


def _number(id: str, label: str) -> Component:
    return html.Div(
        [
            html.Label(label, htmlFor=id),
            dcc.Input(id=id, type="text", value="", autoComplete="off", maxLength=120),
        ],
        className="field",
    )


def _preview(found: dict[str, Any]) -> Component:
    sides = found["merged"], found["survivor"]
    one, other = (side["mrn"] for side in sides)
    return html.Div(
        [
            contradiction(found["contradictions"]),
            side_by_side(
                _("The two patients side by side"),
                (_("{one} (given up)", one=one), _("{other} (stays)", other=other)),
                [*person_lines(*sides), *holding_lines(*sides)],
            ),
            html.P(
                _(
                    "From then on everything under {one} is shown under {other}, by the teams of both; {one} "
                    "leads to {other} and stands in no list. Flags of both stand on.",
                    one=one,
                    other=other,
                ),
                className="soft small",
            ),
        ],
        className="stacked",
    )


def _merges(merges: Sequence[dict[str, Any]], clock: Clock) -> Component:
    listed = [
        rows.row(
            [
                rows.cell(
                    rows.link(
                        _("{one} into {other}", one=one["from"], other=one["into"]), f"/identity/merge/{one['id']}"
                    ),
                    heads=True,
                ),
                rows.cell(one["reason"], rows.below(f"{one['by']}, {when(one['at'], clock)}"), name=_("Why")),
                rows.cell(*_taken_back(one, clock), name=_("State")),
            ]
        )
        for one in reversed(merges)
    ]
    table = rows.table(
        "merges-table",
        (_("Merge"), _("Why"), _("State")),
        listed,
        caption=_("Merges, newest first"),
        css="dense stacking held",
    )
    standing = sum(one["unmerged_at"] is None for one in merges)
    return html.Section(
        [
            html.Header([html.H2(_("Merges")), html.Span(_("{n} in force", n=standing), className="soft small")]),
            table if merges else html.P(_("Nobody has been merged."), className="soft"),
        ],
        className="card",
    )


def _taken_back(one: dict[str, Any], clock: Clock) -> list[rows.Part]:
    if one["unmerged_at"] is None:
        return [rows.span(_("In force"), "pill")]
    return [
        rows.span(_("Taken back"), "pill"),
        rows.below(f"{one['unmerged_reason']} ({one['unmerged_by']}, {when(one['unmerged_at'], clock)})"),
    ]


def _duplicates() -> Component:
    return html.Section(
        [
            html.Header(html.H2(_("Possible duplicates"))),
            html.P(
                _(
                    "The same result twice, but for a time, laboratory or number that one of the two lacks. "
                    "Both are kept until somebody retracts one."
                ),
                className="soft small",
            ),
            dcc.Store(id="identity-arrived", data=True),
            html.Div(html.P(_("Looking through the records ..."), className="soft"), id="identity-duplicates"),
        ],
        className="card stacked",
    )
