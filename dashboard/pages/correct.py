"""The correction page: another value, taking it back, or another patient - with a reason, and nothing erased."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import uuid4

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from dashboard.language import _, message
from dashboard.parts.as_recorded import correct_address, stated
from dashboard.parts.banner import banner
from dashboard.parts.correction import (
    WAYS,
    both_versions,
    correction_form,
    done,
    flags_that_used_it,
    questions,
    standing_value,
    two_people,
)
from dashboard.parts.form_guard import other_tabs
from dashboard.parts.provenance import title_of
from dashboard.parts.tabs.view import patient_address
from dashboard.parts.times import Clock
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.access import note_denied, note_read, reach_patient
from data.entry.attempt import Attempt, ChangedMeanwhile, Corrected, NewFields, NewValue
from data.entry.corrections import correct_fields, correct_value, move_record, retract
from data.entry.judged import Heard, judge_now
from data.entry.said import Unsure, texts
from data.entry.save import checked_key
from data.entry.target import find_target
from data.errors import BadInput
from data.intake.item import RETRACTIONS
from data.outbox import mail_policy
from data.people import NotFound
from data.provenance import Provenance, provenance
from data.trends import Identity, head, identity

Opened = dict[Literal["record", "key"], str]
"""What the page was opened for: the record, and the key of what is stored from it."""

POLICY = Policy(CLINICAL, patient_argument="mrn")
ROUTE = Route("/p/<mrn>/record/<record>/correct", title="Correction", policy=POLICY)
LONGEST_ID = 18
NOBODY = message("there is no such value or patient among those your teams follow")


def layout(mrn: str, record: str) -> Component:
    """The page of one record; raises NotFound for a record or patient the actor may not see."""
    clock = _clock()
    with current_database().read() as session:
        found = _found(session, mrn, record)
        who = head(session, current_actor(), mrn, now=clock.now)
    named, version = _named(who.identity), found.versions[-1]
    stands = version.id == record and version.status not in RETRACTIONS
    return html.Div(
        [
            dcc.Store(id="correct-mrn", data=who.identity.mrn),
            dcc.Store(id="correct-opened", data={"record": record, "key": uuid4().hex}),
            banner(who, clock=clock, heading=False),
            html.Div(
                [
                    html.P(dcc.Link(_("Back to the record"), href=patient_address(mrn, "record")), className="small"),
                    html.H1(_("Correct: {what} of {patient}", what=title_of(found), patient=named)),
                    other_tabs(who.identity.mrn, named),
                    None if stands else _gone(mrn, found, record),
                    html.Div(
                        [standing_value(found, clock), flags_that_used_it(found) if stands else None],
                        id="correct-standing",
                        className="stacked",
                    ),
                    html.Div(id="correct-said", role="status"),
                    correction_form(found, named, clock.zone) if stands else None,
                ],
                className="page form-page",
            ),
        ]
    )


def register(app: Dash) -> None:
    """Choosing the way, showing both patients, and storing: a callback for each way."""
    app.clientside_callback(
        ClientsideFunction("nadir_correct", "chosen"),
        Output("correct-value-part", "hidden"),
        Output("correct-move-part", "hidden"),
        *(Output(f"correct-save-{way}", "hidden") for way in WAYS),
        Input("correct-what", "value"),
        prevent_initial_call=True,
    )

    @guarded(
        app,
        Output("correct-both", "children"),
        Output("correct-same-choice", "children"),
        Output("correct-same", "value"),
        Input("correct-show", "n_clicks"),
        State("correct-mrn", "data"),
        State("correct-to", "value"),
        policy=POLICY,
        prevent_initial_call=True,
    )
    def show_both(clicks: int | None, mrn: str, to: str | None) -> tuple[object, ...]:
        return _both_patients(mrn, to or "") if clicks else (no_update,) * 3

    @_storing(app, "value", *(State(f"correct-{field}", "value") for field in ("value", "unit", "when", "confirmed")))
    def store_value(
        clicks: int | None,
        mrn: str,
        opened: Opened,
        reason: str | None,
        value: str | None,
        unit: str | None,
        when: str | None,
        confirmed: list[str] | None,
    ) -> tuple[object, ...]:
        typed = NewValue(
            value=value or "",
            unit=unit or "",
            when=when or "",
            zone=current_settings().zone,
            confirmed=frozenset(confirmed or ()),
        )
        meant = " ".join((typed.value, typed.unit, typed.when)).strip()

        def correct(session: Session, attempt: Attempt) -> Corrected:
            return correct_value(session, current_actor(), mrn, _number(opened.get("record", "")), attempt, typed)

        return _store(clicks, mrn, opened, reason, meant, message("Stored: {value}."), correct)

    @_storing(
        app,
        "fields",
        State("correct-when", "value"),
        State({"type": "correct-field", "name": ALL}, "value"),
        State({"type": "correct-field", "name": ALL}, "id"),
    )
    def store_fields(
        clicks: int | None,
        mrn: str,
        opened: Opened,
        reason: str | None,
        when: str | None,
        values: list[str | None],
        names: list[dict[str, str]],
    ) -> tuple[object, ...]:
        def correct(session: Session, attempt: Attempt) -> Corrected:
            said = texts({name.get("name", ""): value or "" for name, value in zip(names, values, strict=False)})
            typed = NewFields(said=said, when=when or "", zone=current_settings().zone)
            return correct_fields(session, current_actor(), mrn, _number(opened.get("record", "")), attempt, typed)

        meant = "; ".join(value for value in values if value)
        return _store(clicks, mrn, opened, reason, meant, message("Stored: {value}."), correct)

    @_storing(app, "retract")
    def store_retraction(clicks: int | None, mrn: str, opened: Opened, reason: str | None) -> tuple[object, ...]:
        def take_back(session: Session, attempt: Attempt) -> Corrected:
            return retract(session, current_actor(), mrn, _number(opened.get("record", "")), attempt)

        return _store(clicks, mrn, opened, reason, _("take it back"), message("Taken back."), take_back)

    @_storing(app, "move", State("correct-to", "value"), State("correct-same", "value"))
    def store_move(
        clicks: int | None, mrn: str, opened: Opened, reason: str | None, to: str | None, same: list[str] | None
    ) -> tuple[object, ...]:
        number, seen = to or "", (same or [""])[0]

        def move(session: Session, attempt: Attempt) -> Corrected:
            record = _number(opened.get("record", ""))
            return move_record(session, current_actor(), mrn, record, attempt, to=number, seen=seen)

        return _store(clicks, mrn, opened, reason, number, message("Moved to {meant}."), move)


def _storing(app: Dash, way: str, *fields: State) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what the button of a way calls: with the record that was opened, the reason and these fields."""
    button = f"correct-save-{way}"
    return guarded(
        app,
        Output("correct-said", "children", allow_duplicate=True),
        Output("correct-form", "hidden", allow_duplicate=True),
        Output("correct-questions", "children", allow_duplicate=True),
        Output("correct-standing", "children", allow_duplicate=True),
        Input(button, "n_clicks"),
        State("correct-mrn", "data"),
        State("correct-opened", "data"),
        State("correct-reason", "value"),
        *fields,
        policy=POLICY,
        running=[(Output(button, "disabled"), True, False)],
        prevent_initial_call=True,
    )


def _store(
    clicks: int | None,
    mrn: str,
    opened: Opened,
    reason: str | None,
    meant: str,
    said: str,
    change: Callable[[Session, Attempt], Corrected],
) -> tuple[object, ...]:
    """Make the change, have the patients judged and say what came of it; `meant` is what was wanted, in words, `said`
    what is said when it is stored."""
    if not clicks:
        return (no_update,) * 4
    policy = mail_policy(current_settings())
    try:
        attempt = Attempt(
            key=checked_key(opened.get("key")),
            reason=reason or "",
            protocol=current_protocol(),
            mail=policy,
            now=request_now(),
        )
        with current_database().write() as session:
            made = change(session, attempt)
    except ChangedMeanwhile as changed:
        return _both_versions(mrn, changed, meant), no_update, None, no_update
    except Unsure as unsure:
        return None, no_update, questions(unsure.questions), no_update
    except NotFound:
        return _refused(_(NOBODY)), no_update, None, no_update
    except BadInput as refused:
        return _refused(_(str(refused))), no_update, None, no_update
    judged = _judged(made)
    with current_database().read() as session:
        found = provenance(session, current_actor(), mrn, str(made.record))
    told = _(said, value=stated(found.versions[-1]), meant=meant)
    return _done(made, mrn, told, judged), True, None, standing_value(found, _clock())


def _done(made: Corrected, mrn: str, said: str, judged: Sequence[Heard]) -> Component:
    return html.Div(
        [
            done(said, len(made.reopened), judged, current_settings().contact_line),
            html.P(dcc.Link(_("Back to the record"), href=patient_address(mrn, "record"))),
        ]
    )


def _judged(made: Corrected) -> list[Heard]:
    parts = current_database(), current_actor()
    policy = mail_policy(current_settings())
    return [
        judge_now(*parts, patient, protocol=current_protocol(), mail=policy, now=request_now())
        for patient in made.patients
    ]


def _both_patients(mrn: str, to: str) -> tuple[Component, object, list[str]]:
    """Both identities side by side and the tick that says that they were compared; reading the other is noted."""
    actor, now = current_actor(), request_now()
    try:
        with current_database().read() as session:
            other = find_target(session, actor, to)
            uuid, here, there = other.uuid, identity(session, actor, mrn), identity(session, actor, other.mrn)
    except NotFound:
        with current_database().write() as session:
            reach = reach_patient(session, actor, to.strip(), since=now)
            note_denied(session, actor, reach.patient_uuid, ROUTE.pattern, now=now)
        return html.P(_("Not found: {why}.", why=_(NOBODY)), className="error"), None, []
    if there.mrn == here.mrn:
        return html.P(_("That is the patient it stands under."), className="error"), None, []
    with current_database().write() as session:
        note_read(session, actor, uuid, ROUTE.pattern, now=now)
    sure = _("I have compared both. It belongs to {patient}.", patient=_named(there))
    return two_people(here, there), dmc.Checkbox(label=sure, value=uuid), []


def _both_versions(mrn: str, changed: ChangedMeanwhile, meant: str) -> Component:
    with current_database().read() as session:
        versions = {v.id: v for v in provenance(session, current_actor(), mrn, str(changed.opened)).versions}
    opened, stands = versions[str(changed.opened)], versions[str(changed.stands)]
    return both_versions(opened, stands, meant, _clock(), mrn)


def _gone(mrn: str, found: Provenance, record: str) -> Component:
    """What is said of a record that does not stand any more."""
    stands = found.versions[-1]
    if stands.status in RETRACTIONS:
        return html.P(_("This value was taken back or moved; there is nothing left to correct."), className="notice")
    way = dcc.Link(_("Correct what stands now"), href=correct_address(mrn, stands.id))
    return html.P([_("Record {record} was changed meanwhile.", record=record), " ", way], className="notice")


def _found(session: Session, mrn: str, record: str) -> Provenance:
    found = provenance(session, current_actor(), mrn, record)
    if found.sensor is not None:
        raise NotFound("a day of a sensor is not corrected by hand")
    return found


def _number(record: str) -> int:
    if not (record.isascii() and record.isdigit() and len(record) <= LONGEST_ID):
        raise NotFound("no such record")
    return int(record)


def _refused(why: str) -> Component:
    return html.P(_("Not stored: {why}.", why=why), className="error")


def _named(who: Identity) -> str:
    return f"{who.name or _('name not recorded')} ({who.mrn})"


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
