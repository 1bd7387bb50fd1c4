"""The page of one's own account: password, authenticator, and where one is signed in. Plain pages, no script needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import segno
from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from dashboard.accounts import too_many, wait_text
from dashboard.cookie import set_cookie
from dashboard.language import _, date_words, message, tell
from dashboard.policy import CLINICAL, SIGNED_IN, Policy, note_activity
from dashboard.proving import prove_again
from dashboard.request import (
    current_database,
    current_origin,
    current_settings,
    current_sign_in,
    request_now,
    session_limits,
)
from dashboard.shell import ROLE_WORDS
from data.cohort import team_names
from data.errors import BadInput
from data.own_account import (
    begin_own_factor,
    change_password,
    drop_own_factor,
    end_elsewhere,
    own_account,
    own_person,
    renew_own_recovery_codes,
)
from data.passwords import WeakPassword
from data.second_factor import Enrolment, SecondFactorError, begun_second_factor, confirm_second_factor
from data.step_up import ProofMissing, ProofRefused, require_proof
from data.throttle import TooManyTries

own = Blueprint("own", __name__, url_prefix="/account")
OWN_POLICIES: dict[str, Policy] = {
    f"own.{name}": SIGNED_IN
    for name in ("page", "password", "factor", "begin", "confirm", "drop", "recovery", "elsewhere")
}
QR_SCALE = 5
DONE = {
    "password": message("Your password is changed. You are signed out everywhere else."),
    "dropped": message("The authenticator is taken away. The password alone opens your account now."),
    "elsewhere": message("You are signed out everywhere else, and no other browser is known any more."),
    "owed": message("Your role needs an authenticator here. Set one up, and everything opens."),
    "ready": message("The authenticator is set up. You are asked for a code each time you sign in."),
}
own.before_request(note_activity)


@own.get("")
def page() -> ResponseReturnValue:
    """The account of who is signed in."""
    return _page()


@own.post("/password")
def password() -> ResponseReturnValue:
    """Change the password: the old one, and the new one twice. Every sign-in ends and this one begins anew."""
    current, new = request.form.get("current", ""), request.form.get("password", "")
    if new != request.form.get("again", ""):
        return _page(at="password", error=_("The two passwords are not alike.")), 400

    def change() -> ResponseReturnValue:
        cookie = change_password(
            current_database(), current_sign_in(), current, new, origin=current_origin(), now=request_now()
        )
        response = make_response(redirect("/account?done=password", 303))
        set_cookie(response, current_settings(), cookie)
        return response

    return _tried("password", change)


@own.post("/authenticator")
def begin() -> ResponseReturnValue:
    """Begin to set up an authenticator, after the password."""

    def start() -> ResponseReturnValue:
        _prove_where_given()
        with current_database().write() as session:
            begin_own_factor(session, current_sign_in(), request_now())
        return redirect("/account/authenticator", 303)

    return _tried("factor", start)


@own.get("/authenticator")
def factor() -> ResponseReturnValue:
    """The QR code of an authenticator that was begun."""
    try:
        return _factor_page(_begun())
    except (SecondFactorError, ProofMissing):
        return redirect("/account", 303)


@own.post("/authenticator/confirm")
def confirm() -> ResponseReturnValue:
    """Put the authenticator in force with its first code; the recovery codes are shown this once."""
    signed_in, now = current_sign_in(), request_now()
    try:
        with current_database().write() as session:
            person = own_person(session, signed_in)
            codes = confirm_second_factor(session, signed_in.actor, person, request.form.get("code", ""), now)
    except SecondFactorError as wrong:
        try:
            return _factor_page(_begun(), sentence(wrong)), 400
        except (SecondFactorError, ProofMissing):
            return redirect("/account", 303)
    return render_template("recovery.html", codes=codes, notice=_(DONE["ready"]))


@own.post("/authenticator/drop")
def drop() -> ResponseReturnValue:
    """Take the authenticator away, after the password."""

    def take_away() -> ResponseReturnValue:
        typed = _prove()
        with current_database().write() as session:
            drop_own_factor(session, current_sign_in(), typed, request_now())
        return redirect("/account?done=dropped", 303)

    return _tried("factor", take_away)


@own.post("/recovery")
def recovery() -> ResponseReturnValue:
    """New recovery codes, after the password; the old ones stop working."""

    def renew() -> ResponseReturnValue:
        _prove()
        with current_database().write() as session:
            codes = renew_own_recovery_codes(session, current_sign_in(), request_now())
        return render_template("recovery.html", codes=codes, notice=None)

    return _tried("factor", renew)


@own.post("/elsewhere")
def elsewhere() -> ResponseReturnValue:
    """Sign out everywhere but here, after the password; who has nothing to prove it with is vouched for elsewhere."""

    def end() -> ResponseReturnValue:
        if _can_prove():
            _prove()
        with current_database().write() as session:
            end_elsewhere(session, current_sign_in(), request_now())
        return redirect("/account?done=elsewhere", 303)

    return _tried("elsewhere", end)


def sentence(error: BadInput) -> str:
    """What a refusal says, as a sentence in the language in force."""
    said = tell(error.args[0])
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "?")) else ".")


def _tried(at: str, act: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    try:
        return act()
    except TooManyTries as busy:
        return too_many(_page(at=at, error=wait_text(busy)), busy)
    except (ProofRefused, ProofMissing) as refused:
        return _page(at=at, error=sentence(refused)), 403
    except (WeakPassword, BadInput) as bad:
        return _page(at=at, error=sentence(bad)), 400


def _prove() -> str:
    typed = request.form.get("password", "")
    prove_again(typed)
    return typed


def _prove_where_given() -> None:
    # Who has no password is asked for a sign-in of the last minutes instead, by `begin_own_factor`.
    if request.form.get("password"):
        _prove()


def _can_prove() -> bool:
    signed_in = current_sign_in()
    with current_database().read() as session:
        account = own_account(session, signed_in, limits=session_limits(), now=request_now())
    return account.has_password or account.has_factor


def _begun() -> Enrolment:
    signed_in, now = current_sign_in(), request_now()
    with current_database().read() as session:
        person = own_person(session, signed_in)
        if person.password_hash is not None:
            require_proof(session, signed_in, now)
        return begun_second_factor(session, person, now)


def _page(*, at: str | None = None, error: str | None = None) -> str:
    signed_in, now = current_sign_in(), request_now()
    with current_database().read() as session:
        account = own_account(session, signed_in, limits=session_limits(), now=now)
        teams = team_names(session, signed_in.actor)
    done = DONE.get(request.args.get("done", ""))
    return render_template(
        "account.html",
        who=signed_in,
        role=_(ROLE_WORDS[signed_in.actor.role]),
        clinician=signed_in.actor.role in CLINICAL,
        teams=teams,
        account=account,
        notice=_(done) if done else None,
        when=_when,
        at=at,
        error=error,
    )


def _factor_page(enrolment: Enrolment, error: str | None = None) -> str:
    # The picture is made of paths alone: no script, no style, nothing to load.
    picture = segno.make(enrolment.address, error="m").svg_inline(scale=QR_SCALE, border=2, light="#fff")
    groups = [enrolment.secret[i : i + 4] for i in range(0, len(enrolment.secret), 4)]
    return render_template("factor.html", picture=Markup(picture), secret=" ".join(groups), error=error)  # noqa: S704  # nosec B704


def _when(moment: datetime) -> str:
    local = moment.astimezone(current_settings().zone)
    return f"{date_words(local.date())}, {local:%H:%M}"
