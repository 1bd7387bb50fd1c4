"""Taking rows of the audit trail out as CSV: signed with the password, written down before the first row leaves."""

from __future__ import annotations

from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue

from dashboard.parts.audit import EXPORT_PATH
from dashboard.parts.audit_asking import asked_in
from dashboard.policy import Policy, note_activity
from dashboard.proving import prove_again
from dashboard.request import current_actor, current_database, current_settings, request_now
from data.audit_search import READERS
from data.exports.audit_sheet import audit_sheet
from data.exports.pace import count_file
from data.step_up import ProofRefused
from data.throttle import TooManyTries

ENDPOINT = "audit.export"
EXPORTING = Policy(READERS)


def install_audit_export(server: Flask) -> None:
    """Add the route."""
    server.add_url_rule(EXPORT_PATH, ENDPOINT, _export, methods=["POST"])


def _export() -> ResponseReturnValue:
    note_activity()
    now, asked = request_now(), asked_in(request.form)
    database, actor = current_database(), current_actor()
    try:
        prove_again(request.form.get("password", ""))
        count_file(database, actor, now)
    except TooManyTries:
        return redirect("/audit?refused=wait", 303)
    except ProofRefused:
        return redirect("/audit?refused=password", 303)
    made = audit_sheet(database, actor, asked, zone=current_settings().zone, now=now)
    answer = Response((part.encode() for part in made), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer
