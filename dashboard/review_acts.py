"""Recording a review of a patient as a whole, on the patient's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dash import Dash, Input, Output, State, html, no_update
from sqlalchemy.orm import Session

from clinical.saying import say
from dashboard.language import _, tell
from dashboard.parts.patient_review import Reviewing, review_panel
from dashboard.parts.times import Clock
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, current_sign_in, request_now
from data.errors import BadInput
from data.reviews import REVIEWERS, last_review, latest_day, review_patient
from data.trends import identity, patient_ids

REVIEWING = Policy(REVIEWERS, patient_argument="mrn")


def reviewing(session: Session, mrn: str, name: str | None, ids: Sequence[int], latest: date | None) -> Reviewing:
    """The review of a patient as the person who asks may see and make it."""
    return Reviewing(
        last=last_review(session, ids),
        latest=latest,
        may=current_actor().role in REVIEWERS,
        named=f"{name or _('name not recorded')} ({mrn})",
    )


def register_review(app: Dash) -> None:
    """One callback."""

    @guarded(
        app,
        Output("review-said", "children"),
        Output("review-panel", "children"),
        Input("review-record", "n_clicks"),
        State("review-until", "value"),
        State("review-why", "value"),
        State("review-key", "data"),
        State("patient-mrn", "data"),
        policy=REVIEWING,
        running=[(Output("review-record", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def record(clicks: int | None, until: str | None, why: str | None, key: str, mrn: str) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        clock = _clock()
        try:
            with current_database().write() as session:
                review_patient(
                    session,
                    current_sign_in(),
                    mrn,
                    until=_day(until),
                    why=why or "",
                    key=key,
                    now=clock.now,
                    zone=clock.zone,
                )
        except BadInput as refused:
            return html.P(_("Not saved: {why}.", why=tell(refused.args[0])), className="error"), no_update
        with current_database().read() as session:
            actor = current_actor()
            who, ids = identity(session, actor, mrn), patient_ids(session, actor, mrn)
            latest = latest_day(session, ids[0], now=clock.now, zone=clock.zone)
            panel = review_panel(reviewing(session, who.mrn, who.name, ids, latest), clock)
        return html.P(_("Recorded."), className="done"), panel


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError as error:
        raise BadInput(say("choose the day until which nothing is to be done")) from error


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
