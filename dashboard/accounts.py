"""Signing in and out, and choosing a password from a one-time link: plain pages, no script needed."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from dashboard.cookie import drop_cookie, read_cookie, set_cookie
from dashboard.gate import safe_next
from dashboard.language import LANGUAGES, _
from dashboard.request import current_actor, current_database, current_origin, current_settings, request_now
from data.passwords import MIN_LENGTH, WeakPassword
from data.people import AccountError, invited, redeem
from data.person_language import choose_language
from data.sessions import SignInRefused, TooManyTries, end, sign_in

accounts = Blueprint("accounts", __name__)


@accounts.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in page."""
    return _sign_in_page()


@accounts.post("/login")
def sign_in_with_password() -> ResponseReturnValue:
    """Check a password; the session id is always a new one."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    target = safe_next(request.form.get("next"))
    settings = current_settings()
    try:
        cookie = sign_in(
            current_database(),
            email,
            password,
            origin=current_origin(),
            now=request_now(),
            previous=read_cookie(settings),
        )
    except SignInRefused as refused:
        return _sign_in_page(error=_(str(refused)), email=email[:200], target=target), 401
    except TooManyTries as busy:
        error = _("Too many tries. Wait {n} s, then try again.", n=busy.wait_s)
        page = make_response(_sign_in_page(error=error, email=email[:200], target=target), 429)
        page.headers["Retry-After"] = str(busy.wait_s)
        return page
    response = make_response(redirect(target, 303))
    set_cookie(response, settings, cookie)
    return response


@accounts.post("/logout")
def logout() -> ResponseReturnValue:
    """End the sign-in and tell the browser to forget what pages of ours kept there."""
    settings = current_settings()
    cookie = read_cookie(settings)
    if cookie is not None:
        with current_database().write() as session:
            end(session, cookie, request_now())
    response = make_response(redirect("/login?left=1", 303))
    drop_cookie(response, settings)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


@accounts.get("/welcome/<token>")
def welcome(token: str) -> ResponseReturnValue:
    """The page of a one-time link; opening it uses nothing up."""
    try:
        with current_database().read() as session:
            email = invited(session, token, request_now()).email
    except AccountError as gone:
        return render_template("welcome.html", gone=_(str(gone))), 404
    return _welcome_page(email)


@accounts.post("/welcome/<token>")
def choose_password(token: str) -> ResponseReturnValue:
    """Choose the password; it must be typed twice alike."""
    password, again = request.form.get("password", ""), request.form.get("again", "")
    try:
        with current_database().write() as session:
            email = invited(session, token, request_now()).email
            if password != again:
                return _welcome_page(email, _("The two passwords are not alike.")), 400
            redeem(session, token, password, request_now())
    except WeakPassword as weak:
        return _welcome_page(email, _(str(weak))), 400
    except AccountError as gone:
        return render_template("welcome.html", gone=_(str(gone))), 404
    return redirect("/login?chosen=1", 303)


@accounts.post("/language")
def language_chosen() -> ResponseReturnValue:
    """Remember the language the signed-in person chose and go on where they were."""
    code = request.form.get("language", "")
    if code not in LANGUAGES:
        raise BadRequest
    with current_database().write() as session:
        choose_language(session, current_actor(), code, now=request_now())
    return redirect(safe_next(request.form.get("next")), 303)


def _sign_in_page(*, error: str | None = None, email: str = "", target: str | None = None) -> str:
    notice = None
    if request.method == "GET":
        target = safe_next(request.args.get("next"))
        if "left" in request.args:
            notice = _("You are signed out.")
        elif "chosen" in request.args:
            notice = _("Your password is set. Sign in with it.")
        elif "expired" in request.args:
            notice = _("You were signed out after a time without activity.")
    return render_template("signin.html", error=error, notice=notice, email=email, target=target or "/")


def _welcome_page(email: str, error: str | None = None) -> str:
    return render_template("welcome.html", email=email, error=error, min_length=MIN_LENGTH)
