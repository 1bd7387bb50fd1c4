"""Signing in and out, and choosing a password from a one-time link: plain pages, no script needed."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from dashboard.cookie import drop_cookie, read_cookie, read_device, set_cookie, set_device
from dashboard.gate import asked_next
from dashboard.language import LANGUAGES, _, message, tell
from dashboard.request import current_actor, current_database, current_origin, current_settings, request_now
from data.passwords import WeakPassword
from data.people import AccountError, invited, least_length, redeem
from data.person_language import choose_language
from data.sessions import SignInRefused, awaiting_code, end, note_device, sign_in, sign_in_with_code
from data.throttle import TooManyTries

accounts = Blueprint("accounts", __name__)
CODE = "/login/code"
NOTICES = {
    "left": message("You are signed out."),
    "chosen": message("Your password is set. Sign in with it."),
    "expired": message("You were signed out after a time without activity."),
}


@accounts.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in page."""
    return _sign_in_page()


@accounts.post("/login")
def sign_in_with_password() -> ResponseReturnValue:
    """Check a password; the session id is always a new one."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    target = asked_next(request.form.get("next"))
    settings = current_settings()
    try:
        cookie = sign_in(
            current_database(),
            email,
            password,
            origin=current_origin(),
            now=request_now(),
            previous=read_cookie(settings),
            device=read_device(settings),
        )
    except SignInRefused as refused:
        return _sign_in_page(error=_(str(refused)), email=email[:200], target=target), 401
    except TooManyTries as busy:
        return too_many(_sign_in_page(error=wait_text(busy), email=email[:200], target=target), busy)
    return let_in(cookie, target)


@accounts.get(CODE)
def code() -> ResponseReturnValue:
    """The page that asks for the second factor, after the right password."""
    with current_database().read() as session:
        awaited = awaiting_code(session, read_cookie(current_settings()), request_now())
    return _code_page(asked_next(request.args.get("next"))) if awaited else redirect("/login", 303)


@accounts.post(CODE)
def sign_in_with_second_factor() -> ResponseReturnValue:
    """Check a code; the session id is again a new one."""
    target, settings = asked_next(request.form.get("next")), current_settings()
    cookie, typed = read_cookie(settings) or "", request.form.get("code", "")
    try:
        cookie = sign_in_with_code(current_database(), cookie, typed, origin=current_origin(), now=request_now())
    except SignInRefused as refused:
        return _code_page(target, _(str(refused))), 401
    except TooManyTries as busy:
        return too_many(_code_page(target, wait_text(busy)), busy)
    return let_in(cookie, target)


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
            person = invited(session, token, request_now())
            email, least = person.email, least_length(session, person)
    except AccountError as gone:
        return render_template("welcome.html", gone=_(str(gone))), 404
    return _welcome_page(email, least)


@accounts.post("/welcome/<token>")
def choose_password(token: str) -> ResponseReturnValue:
    """Choose the password; it must be typed twice alike."""
    password, again = request.form.get("password", ""), request.form.get("again", "")
    try:
        with current_database().write() as session:
            person = invited(session, token, request_now())
            email, least = person.email, least_length(session, person)
            if password != again:
                return _welcome_page(email, least, _("The two passwords are not alike.")), 400
            redeem(session, token, password, request_now())
    except WeakPassword as weak:
        return _welcome_page(email, least, tell(weak.args[0])), 400
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
    return redirect(asked_next(request.form.get("next")), 303)


def let_in(cookie: str, target: str) -> ResponseReturnValue:
    """Give the browser its new cookie and send it on: to `target`, or first to where the second factor is asked for."""
    settings = current_settings()
    with current_database().write() as session:
        device = note_device(session, cookie, read_device(settings), request_now())
    asked = CODE if target == "/" else f"{CODE}?{urlencode({'next': target})}"
    response = make_response(redirect(asked if device is None else target, 303))
    set_cookie(response, settings, cookie)
    if device is not None:
        set_device(response, settings, device)
    return response


def wait_text(busy: TooManyTries) -> str:
    """How long to wait after too many tries."""
    return _("Too many tries. Wait {n} s, then try again.", n=busy.wait_s)


def too_many(page: str, busy: TooManyTries) -> ResponseReturnValue:
    """The page as the answer to one try too many."""
    response = make_response(page, 429)
    response.headers["Retry-After"] = str(busy.wait_s)
    return response


def _sign_in_page(*, error: str | None = None, email: str = "", target: str | None = None) -> str:
    notice = None
    if request.method == "GET":
        target = asked_next(request.args.get("next"))
        notice = next((_(words) for name, words in NOTICES.items() if name in request.args), None)
    left = request.method == "GET" and "left" in request.args
    return render_template("signin.html", error=error, notice=notice, left=left, email=email, target=target or "/")


def _code_page(target: str, error: str | None = None) -> str:
    return render_template("code.html", target=target, error=error)


def _welcome_page(email: str, least: int, error: str | None = None) -> str:
    return render_template("welcome.html", email=email, error=error, min_length=least)
