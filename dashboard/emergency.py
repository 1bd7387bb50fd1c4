"""Emergency access: the way to a patient of another team, by number, with a reason, for an hour.

Every number gets the same answer - the way to that patient's page - so that the page tells nobody who is known here.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from dashboard.accounts import too_many, wait_text
from dashboard.language import _
from dashboard.own_account import sentence
from dashboard.policy import CLINICAL, Policy, note_activity
from dashboard.proving import prove_again
from dashboard.request import current_actor, current_database, current_settings, request_now
from data.emergency import LIFE, REASON_MAX, REASON_MIN, EmergencyRefused, Privacy, check_reason, open_in_emergency
from data.outbox import mail_policy
from data.step_up import ProofRefused
from data.throttle import TooManyTries
from data.turned_away import note_turned_away

emergency = Blueprint("emergency", __name__, url_prefix="/emergency")
EMERGENCY_POLICIES: dict[str, Policy] = {"emergency.page": Policy(CLINICAL), "emergency.enter": Policy(CLINICAL)}
MRN_MAX = 120
emergency.before_request(note_activity)


@emergency.get("")
def page() -> ResponseReturnValue:
    """The page that asks for number, reason and password."""
    return _page()


@emergency.post("")
def enter() -> ResponseReturnValue:
    """Open the patient, where there is one, and lead to the page of that number in any case."""
    mrn, reason = request.form.get("mrn", "").strip(), request.form.get("reason", "")
    if not mrn or len(mrn) > MRN_MAX or "/" in mrn:
        return _page(_("Type the hospital number as it stands on the patient's papers.")), 400
    try:
        check_reason(reason)
    except EmergencyRefused as refused:
        return _page(sentence(refused)), 400
    settings = current_settings()
    privacy = Privacy(mail_policy(settings), settings.privacy_mail)
    try:
        prove_again(request.form.get("password", ""))
        _open(mrn, reason, privacy)
    except ProofRefused:
        return _page(_("That is not your password, nor a code of your authenticator.")), 403
    except TooManyTries as busy:
        return too_many(_page(wait_text(busy)), busy)
    return redirect(f"/p/{quote(mrn, safe='')}", 303)


def _open(mrn: str, reason: str, privacy: Privacy) -> None:
    database, actor, now = current_database(), current_actor(), request_now()
    try:
        with database.write() as session:
            open_in_emergency(session, actor, mrn, reason, privacy=privacy, now=now)
    except TooManyTries as turned_away:
        note_turned_away(database, actor, turned_away, now)
        raise


def _page(error: str | None = None) -> str:
    return render_template(
        "emergency.html",
        error=error,
        mrn=request.form.get("mrn", request.args.get("mrn", ""))[:MRN_MAX],
        reason=request.form.get("reason", "")[:REASON_MAX],
        least=REASON_MIN,
        most=REASON_MAX,
        minutes=LIFE // timedelta(minutes=1),
    )
