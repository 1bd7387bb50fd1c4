"""What a reply says when something is refused or fails: enough to act on, nothing about the inside."""

from __future__ import annotations

import logging
import traceback

from dash.exceptions import CallbackException, DependencyException, InvalidCallbackReturnValue
from flask import Flask, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from dashboard.board.pdf import PdfUnavailable
from dashboard.language import _, message
from data.audit import AuditUnavailable
from data.db import DatabaseUnavailable
from data.exports.pace import TooManyFiles
from data.people import CLINICAL_ROLES, Forbidden, NotFound
from data.read_only import ReadOnly

log = logging.getLogger("nadir.web")

WORDS = {
    400: (message("This request cannot be read"), message("Reload the page and try again.")),
    401: (message("You are not signed in"), message("Sign in and try again.")),
    403: (message("This is not open to you"), message("Your role does not open this page or action.")),
    404: (
        message("There is nothing here"),
        message("The address is wrong, or it belongs to a patient your teams do not follow."),
    ),
    405: (message("This address takes no such request"), message("Go back and try again.")),
    413: (message("That is too large"), message("Send less at once.")),
    415: (message("This request cannot be read"), message("Reload the page and try again.")),
    503: (
        message("Nadir cannot answer now"),
        message("The database is away. Nothing was changed. Try again in a minute."),
    ),
}
NO_PDF = (
    message("This machine cannot make PDFs"),
    message(
        "The libraries of Pango are missing: ask an admin to install them. The patient's page can be printed meanwhile."
    ),
)
MANY_FILES = (
    message("No more files within this hour"),
    message(
        "Nobody takes out so many by hand. Patients' pages stay open to you; an admin can make an export meanwhile."
    ),
)
READ_ONLY = (
    message("Nadir is read-only now"),
    message(
        "Nothing was changed. You can look at everything; write down what is to be entered, and enter it afterwards."
    ),
)
FAILED = (
    message("Something went wrong"),
    message("Nothing was changed by this request. If it happens again, give an admin this number."),
)


def install_errors(server: Flask) -> None:
    """Answer every failure in our own words: JSON to scripts, a page to people."""
    server.register_error_handler(HTTPException, _http)
    server.register_error_handler(NotFound, lambda _error: _answer(404))
    server.register_error_handler(Forbidden, lambda _error: _answer(403))
    server.register_error_handler(OperationalError, _away)
    server.register_error_handler(InterfaceError, _away)
    server.register_error_handler(AuditUnavailable, _away)
    server.register_error_handler(DatabaseUnavailable, _away)
    # Not 503: forms would go on trying.
    server.register_error_handler(ReadOnly, lambda _error: _say(423, *READ_ONLY))
    server.register_error_handler(CallbackException, _callback)
    # Dash has no such script; it would answer 500 and write a line, to anybody.
    server.register_error_handler(DependencyException, lambda _error: _answer(404))
    server.register_error_handler(PdfUnavailable, _no_pdf)
    server.register_error_handler(TooManyFiles, _many_files)
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


def _no_pdf(error: Exception) -> ResponseReturnValue:
    _note(error)
    return _say(503, *NO_PDF)


def _many_files(error: TooManyFiles) -> ResponseReturnValue:
    answer = make_response(_say(429, *MANY_FILES))
    answer.headers["Retry-After"] = str(error.wait_s)
    return answer


def _answer(code: int) -> ResponseReturnValue:
    return _say(code, *WORDS.get(code, FAILED))


def _say(code: int, heading: str, remedy: str) -> ResponseReturnValue:
    title, advice = _(heading), _(remedy)
    if request.path.startswith("/_") or request.method not in ("GET", "HEAD"):
        return jsonify(error=title, advice=advice, request=_request_id()), code
    signed_in = g.get("signed_in")
    # Also where there is no such patient: the way does not say which.
    emergency = code == 404 and signed_in is not None and signed_in.actor.role in CLINICAL_ROLES
    page = render_template(
        "error.html",
        title=title,
        advice=advice,
        request_id=_request_id(),
        signed_in=signed_in,
        emergency=emergency and request.path.startswith("/p/"),
    )
    return page, code


def _request_id() -> str:
    origin = g.get("origin")
    return "" if origin is None else str(origin.request_id)
