"""Who a patient is: numbers and merges, whether they are followed, and results that may be one - each settled here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from clinical.saying import say
from dashboard.language import _, tell
from dashboard.parts.banner import banner
from dashboard.parts.coded import coded
from dashboard.parts.identity import FACT_WORDS, NOTHING, STATUS_WORDS, reason_field, sentence, side_by_side, when
from dashboard.parts.import_words import FORMAT_WORDS
from dashboard.parts.quantities import name_of
from dashboard.parts.times import Clock, day_text
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.duplicates import possible_duplicates, retract_record
from data.errors import BadInput
from data.merge_preview import person
from data.merges import merge_history
from data.patient_status import STATUSES, patient_status, set_status
from data.patients import find_by_mrn
from data.trends import Head, Identity, head

POLICY = Policy(CLINICAL, patient_argument="mrn")
ROUTE = Route("/p/<mrn>/identity", title="Who this is", policy=POLICY)
PAIRS_SHOWN = 50
PARTS = ("time", "laboratory", "number")


def layout(mrn: str) -> Component:
    """The page of the patient `mrn`; raises NotFound when the actor may not see them."""
    clock, actor = _clock(), current_actor()
    with current_database().read() as session:
        found = head(session, actor, mrn, now=clock.now)
        patient = find_by_mrn(session, actor, mrn)
        numbers = person(session, patient)["numbers"]
        merges = merge_history(session, actor, patient.mrn)
        status = patient_status(session, actor, mrn)
        pairs = possible_duplicates(session, actor, mrn)
    who = found.identity
    return html.Div(
        [
            dcc.Store(id="who-mrn", data=who.mrn),
            _banner(found, clock),
            html.Div(
                [
                    html.P(
                        dcc.Link(_("Course of the patient"), href=f"/p/{quote(who.mrn, safe='')}"),
                        className="small no-print",
                    ),
                    _numbers(who.mrn, numbers, merges, clock),
                    html.Section(
                        [
                            html.Header(html.H2(_("Followed or not"))),
                            html.Div(_history(status, clock), id="who-history"),
                            _status_form(who, status["status"], clock),
                        ],
                        className="card stacked",
                    ),
                    html.Section(
                        [
                            html.Header(
                                [
                                    html.H2(_("Possible duplicates")),
                                    html.Span(_shown(pairs), className="soft small", id="who-pairs-shown"),
                                ]
                            ),
                            html.Div(_pairs(pairs, clock), id="who-pairs"),
                            _retract_form(who, pairs),
                        ],
                        className="card stacked",
                    ),
                ],
                className="page form-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """Setting the state, and retracting one of two results that are one."""

    @guarded(
        app,
        Output("who-status-said", "children"),
        Output("who-history", "children"),
        Output("who-status-reason", "value"),
        Output("who-banner", "children"),
        Input("who-status-save", "n_clicks"),
        State("who-mrn", "data"),
        State("who-status", "value"),
        State("who-on", "value"),
        State("who-status-reason", "value"),
        policy=POLICY,
        running=[(Output("who-status-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def save(
        clicks: int | None, mrn: str, status: str | None, on: str | None, reason: str | None
    ) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 4
        try:
            day = _day(on)
            with current_database().write() as session:
                document = set_status(
                    session,
                    current_actor(),
                    mrn=mrn,
                    status=status or "",
                    on=day,
                    reason=reason or "",
                    now=request_now(),
                )
        except BadInput as refused:
            return html.P(_("Not saved: {why}.", why=tell(refused.args[0])), className="error"), *(no_update,) * 3
        state = _(STATUS_WORDS[document["status"]])
        said = _("Saved: {state} from {date}.", state=state, date=day_text(day)) + " " + _means(document["status"])
        clock = _clock()
        with current_database().read() as session:
            found = head(session, current_actor(), mrn, now=clock.now)
        return html.P(said, className="done"), _history(document, clock), "", _banner(found, clock).children

    @guarded(
        app,
        Output("who-retract-said", "children"),
        Output("who-pairs", "children"),
        Output("who-pairs-shown", "children"),
        Output("who-retract-reason", "value"),
        Output("who-retract-form", "hidden"),
        Input("who-retract", "n_clicks"),
        State("who-mrn", "data"),
        State("who-record", "value"),
        State("who-retract-reason", "value"),
        policy=POLICY,
        running=[(Output("who-retract", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def retract(clicks: int | None, mrn: str, record: str | None, reason: str | None) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 5
        actor = current_actor()
        try:
            with current_database().write() as session:
                offered = {id for pair in possible_duplicates(session, actor, mrn) for id in pair["records"]}
                if record is None or record not in offered:
                    raise BadInput(say("choose the one of two results that is wrong"))
                retract_record(session, actor, int(record), reason=reason or "", now=request_now())
        except BadInput as refused:
            return html.P(_("Not retracted: {why}.", why=tell(refused.args[0])), className="error"), *(no_update,) * 4
        with current_database().read() as session:
            pairs = possible_duplicates(session, actor, mrn)
        said = html.P(
            _("Record {id} is retracted as entered in error; it stays in the record.", id=record), className="done"
        )
        return said, _pairs(pairs, _clock()), _shown(pairs), "", not pairs


def _banner(found: Head, clock: Clock) -> Component:
    made = banner(found, clock=clock, heading=True)
    made.id = "who-banner"
    return made


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError as error:
        raise BadInput(say("{text} is not a date; write it as 2026-03-01", text=repr(text))) from error


def _numbers(mrn: str, numbers: Sequence[str], merges: Sequence[dict[str, Any]], clock: Clock) -> Component:
    merged = [
        html.Li(
            [
                dcc.Link(
                    _("{one} into {other}", one=one["from"], other=one["into"]), href=f"/identity/merge/{one['id']}"
                ),
                f": {one['reason']} ({one['by']}, {when(one['at'], clock)})",
                ""
                if one["unmerged_at"] is None
                else "; " + _("taken back: {why} ({who})", why=one["unmerged_reason"], who=one["unmerged_by"]),
            ]
        )
        for one in merges
    ]
    return html.Section(
        [
            html.Header(html.H2(_("Numbers and merges"))),
            html.P(
                _("Hospital number {mrn}. Other numbers: {numbers}.", mrn=mrn, numbers="; ".join(numbers) or _("none"))
            ),
            html.Ul(merged, className="plain-list") if merged else html.P(_("Never merged."), className="soft"),
        ],
        className="card stacked",
    )


def _history(status: dict[str, Any], clock: Clock) -> list[Component]:
    changes = [
        html.Li(
            [
                html.Strong(
                    _(
                        "{state} from {date}",
                        state=sentence(_(STATUS_WORDS[row["status"]])),
                        date=day_text(date.fromisoformat(row["on"])),
                    )
                ),
                html.Span(f"{row['reason']} ({row['by']}, {when(row['at'], clock)})", className="soft"),
            ]
        )
        for row in reversed(status["history"])
    ]
    now = html.P(
        [_("State now:") + " ", html.Strong(_(STATUS_WORDS[status["status"]])), ". ", _means(status["status"])]
    )
    return [now, *([html.Ul(changes, className="timeline")] if changes else [])]


def _means(status: str) -> str:
    if status == "active":
        return _("Reminders and mails go out.")
    return _("Reminders and mails have ended. The record stays, and data are still taken in.")


def _status_form(who: Identity, status: str, clock: Clock) -> Component:
    radios = [dmc.Radio(label=sentence(_(STATUS_WORDS[name])), value=name) for name in STATUSES]
    today = clock.now.astimezone(clock.zone).date().isoformat()
    return html.Div(
        [
            dmc.RadioGroup(
                html.Div(radios, className="radios"), id="who-status", label=_("State"), value=status, className="field"
            ),
            html.Div(
                [
                    html.Label(_("From which day (year-month-day)"), htmlFor="who-on"),
                    dcc.Input(id="who-on", type="text", value=today, autoComplete="off", maxLength=10),
                ],
                className="field",
            ),
            reason_field("who-status-reason"),
            html.Button(_saving(who), id="who-status-save", type="button", className="button primary"),
            html.Div(id="who-status-said", role="status"),
        ],
        className="stacked no-print",
    )


def _saving(who: Identity) -> str:
    return _("Save the state of {patient}", patient=_named(who))


def _named(who: Identity) -> str:
    return f"{who.name or _('name not recorded')} ({who.mrn})"


def _shown(pairs: Sequence[dict[str, Any]]) -> str:
    return (
        _("the first {n} of {all} pairs", n=PAIRS_SHOWN, all=len(pairs))
        if len(pairs) > PAIRS_SHOWN
        else _("{n} found", n=len(pairs))
    )


def _pairs(pairs: Sequence[dict[str, Any]], clock: Clock) -> Component:
    if not pairs:
        return html.P(_("No two results of this patient look like one."), className="soft")
    return dmc.RadioGroup(
        html.Div([_pair(pair, clock) for pair in pairs[:PAIRS_SHOWN]], className="stacked"),
        id="who-record",
        label=_("Which of two is wrong, if one is"),
        className="field",
    )


def _pair(pair: dict[str, Any], clock: Clock) -> Component:
    sides = pair["sides"]
    what = name_of(pair["analyte"]) if pair["analyte"] else coded(pair["kind"])
    value = " ".join(part for part in (pair["value"], pair["unit"]) if part)
    title = f"{what} {value}".strip()
    lines: list[tuple[str, list[Any], bool]] = [
        (
            _(FACT_WORDS[part]),
            [side[part] or _(NOTHING) for side in sides],
            pair["missing"] == part or _apart(sides, part),
        )
        for part in PARTS
    ]
    lines += [
        (_("Came under"), [side["mrn"] for side in sides], False),
        (
            _("From"),
            [f"{_(FORMAT_WORDS.get(side['format'], side['format']))}, {side['where']}" for side in sides],
            False,
        ),
        (_("Taken in"), [f"{side['recorded_by']}, {when(side['recorded_at'], clock)}" for side in sides], False),
        ("", [dmc.Radio(label=_("Record {id} is wrong", id=side["id"]), value=side["id"]) for side in sides], False),
    ]
    heads = [_("Record {id}", id=side["id"]) for side in sides]
    return html.Div(
        [html.H3(title), side_by_side(_("{title}: two records that may be one", title=title), heads, lines)]
    )


def _apart(sides: Sequence[dict[str, Any]], part: str) -> bool:
    return bool(sides[0][part] != sides[1][part])


def _retract_form(who: Identity, pairs: Sequence[dict[str, Any]]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    reason_field("who-retract-reason"),
                    html.Button(
                        _("Retract the chosen result of {patient}", patient=_named(who)),
                        id="who-retract",
                        type="button",
                        className="button",
                    ),
                ],
                id="who-retract-form",
                className="stacked no-print",
                hidden=not pairs,
            ),
            html.Div(id="who-retract-said", role="status"),
        ]
    )
