"""One merge: what it shows together, why, and taking it back - first what that would leave, then the confirmation."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.language import _, tell
from dashboard.pages.identity import DECIDING
from dashboard.parts.identity import holding_lines, person_lines, reason_field, side_by_side, when
from dashboard.parts.import_words import rows_text
from dashboard.parts.times import Clock
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.access import note_read
from data.errors import BadInput
from data.merge_preview import preview_unmerge
from data.merges import merge_history, unmerge_patient
from data.people import NotFound

POLICY = Policy(DECIDING, scoped=True)
ROUTE = Route("/identity/merge/<merge>", title="Merge", policy=POLICY)


def layout(merge: str) -> Component:
    """The page of one merge; raises NotFound for one whose two sides the actor does not both see."""
    clock, actor = Clock(request_now(), current_settings().zone), current_actor()
    with current_database().read() as session:
        one = _merge(merge_history(session, actor), merge)
        left = preview_unmerge(session, actor, merged=one["from"]) if one["unmerged_at"] is None else None
    if left is not None:
        with current_database().write() as session:
            for side in (left["merged"], left["survivor"]):
                note_read(session, actor, side["uuid"], ROUTE.pattern, now=clock.now)
    facts = [(_("Why"), one["reason"]), (_("By"), one["by"]), (_("When"), when(one["at"], clock))]
    return html.Div(
        [
            dcc.Store(id="merge-id", data=merge),
            html.P(dcc.Link(_("Who is who"), href="/identity"), className="small no-print"),
            html.H1(_("{one} was merged into {other}", one=one["from"], other=one["into"])),
            html.Dl([html.Div([html.Dt(n), html.Dd(v)], className="card") for n, v in facts], className="strip"),
            _back(one, clock) if left is None else _take_back(one, left),
            html.Div(id="merge-said", role="status"),
        ],
        className="page form-page",
    )


def register(app: Dash) -> None:
    """Taking back."""

    @guarded(
        app,
        Output("merge-said", "children"),
        Output("merge-form", "hidden"),
        Input("merge-undo", "n_clicks"),
        State("merge-id", "data"),
        State("merge-reason", "value"),
        policy=POLICY,
        running=[(Output("merge-undo", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def undo(clicks: int | None, merge: str, reason: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        actor = current_actor()
        try:
            with current_database().write() as session:
                one = _merge(merge_history(session, actor), merge)
                if one["unmerged_at"] is not None:
                    return html.P(_("It was taken back already. Nothing was changed."), className="error"), True
                unmerge_patient(session, actor, merged=one["from"], reason=reason or "", now=request_now())
        except BadInput as refused:
            return html.P(_("Not taken back: {why}.", why=tell(refused.args[0])), className="error"), no_update
        return html.P(
            _("Taken back. {one} and {other} stand for themselves again.", one=one["from"], other=one["into"]),
            className="done",
        ), True


def _merge(merges: list[dict[str, Any]], merge: str) -> dict[str, Any]:
    found = [one for one in merges if str(one["id"]) == merge]
    if not found:
        raise NotFound("no such merge")
    return found[0]


def _take_back(one: dict[str, Any], left: dict[str, Any]) -> Component:
    sides = left["merged"], left["survivor"]
    came = rows_text(left["since"], "record")
    return html.Section(
        [
            html.Header(html.H2(_("Take it back"))),
            html.P(_("Both would stand for themselves again, each with what came under its own numbers:")),
            side_by_side(
                _("What each would hold again"),
                tuple(side["mrn"] for side in sides),
                [*person_lines(*sides), *holding_lines(*sides)],
            ),
            html.P(
                _(
                    "{records} came under {number} after the merge and would go with it. The history keeps the merge "
                    "and that it was taken back.",
                    records=came,
                    number=one["from"],
                ),
                className="soft small",
            ),
            reason_field("merge-reason"),
            html.Button(
                _("Part {one} from {other}", one=one["from"], other=one["into"]),
                id="merge-undo",
                type="button",
                className="button primary",
            ),
        ],
        id="merge-form",
        className="card stacked",
    )


def _back(one: dict[str, Any], clock: Clock) -> Component:
    return html.P(
        [
            html.Strong(_("Taken back.") + " "),
            f"{one['unmerged_reason']} ({one['unmerged_by']}, {when(one['unmerged_at'], clock)})",
        ],
        className="done",
    )
