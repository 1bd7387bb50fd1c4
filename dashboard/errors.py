"""What a reply says when something is refused or fails: enough to act on, nothing about the inside."""

from __future__ import annotations

import logging
import traceback

from dash.exceptions import CallbackException, InvalidCallbackReturnValue
from flask import Flask, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from data.audit import AuditUnavailable
from data.people import Forbidden, NotFound

log = logging.getLogger("nadir.web")

WORDS = {
    400: ("This request cannot be read", "Reload the page and try again."),
    401: ("You are not signed in", "Sign in and try again."),
    403: ("This is not open to you", "Your role does not open this page or action."),
    404: ("There is nothing here", "The address is wrong, or it belongs to a patient your teams do not follow."),
    405: ("This address takes no such request", "Go back and try again."),
    413: ("That is too large", "Send less at once."),
    415: ("This request cannot be read", "Reload the page and try again."),
    503: ("Nadir cannot answer now", "The database is away. Nothing was changed. Try again in a minute."),
}
FAILED = (
    "Something went wrong",
    "Nothing was changed by this request. If it happens again, give an admin this number.",
)


def install_errors(server: Flask) -> None:
    """Answer every failure in our own words: JSON to scripts, a page to people."""
    server.register_error_handler(HTTPException, _http)
    server.register_error_handler(NotFound, lambda _error: _answer(404))
    server.register_error_handler(Forbidden, lambda _error: _answer(403))
    server.register_error_handler(OperationalError, _away)
    server.register_error_handler(InterfaceError, _away)
    server.register_error_handler(AuditUnavailable, _away)
    server.register_error_handler(CallbackException, _callback)
    server.register_error_handler(Exception, _failed)


def _http(error: HTTPException) -> ResponseReturnValue:
    return _answer(error.code or 500)


def _callback(error: Exception) -> ResponseReturnValue:
    # Dash raises this family both for what the browser sent and for what our own callback returned.
    return _failed(error) if isinstance(error, InvalidCallbackReturnValue) else _answer(400)


def _away(error: Exception) -> ResponseReturnValue:
    _note(error)
    return _answer(503)


def _failed(error: Exception) -> ResponseReturnValue:
    _note(error)
    return _answer(500)


def _note(error: Exception) -> None:
    # Where, not what: the message of an exception may hold the values it failed on.
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "request failed",
        extra={
            "request_id": _request_id(),
            "error": type(error).__name__,
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
        },
    )


def _answer(code: int) -> ResponseReturnValue:
    title, advice = WORDS.get(code, FAILED)
    if request.path.startswith("/_") or request.method not in ("GET", "HEAD"):
        return jsonify(error=title, advice=advice, request=_request_id()), code
    signed_in = g.get("signed_in")
    page = render_template("error.html", title=title, advice=advice, request_id=_request_id(), signed_in=signed_in)
    return page, code


def _request_id() -> str:
    origin = g.get("origin")
    return "" if origin is None else str(origin.request_id)
