"""What an imaging form comes to while it is typed: computed by the rules' own functions, nothing is stored."""

from __future__ import annotations

from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from dashboard.language import tell
from dashboard.parts.imaging_words import reckoned_words
from dashboard.policy import CLINICAL, Policy, note_activity, require_scope
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from data.entry.imaging_save import reckon
from data.entry.said import NotSaved, texts

ENDPOINT = "entry.reckon"
RECKONING = Policy(CLINICAL, patient_argument="mrn")


def install_reckoning(server: Flask) -> None:
    """Add the route."""
    server.add_url_rule("/p/<mrn>/entry/imaging/reckoned", ENDPOINT, _reckoned, methods=["POST"])


def _reckoned(mrn: str) -> ResponseReturnValue:
    require_scope(RECKONING, {"mrn": mrn}, str(request.url_rule), noting="once")
    note_activity()
    sent: Any = request.get_json()
    try:
        said = texts(sent.get("said") if isinstance(sent, dict) else None)
    except NotSaved as refused:
        problems = [{"field": p.field, "why": tell(p.why)} for p in refused.problems]
        return jsonify(outcome="refused", problems=problems), 400
    protocol, zone = current_protocol(), current_settings().zone
    with current_database().read() as session:
        found = reckon(session, current_actor(), mrn, said, protocol=protocol, zone=zone, now=request_now())
    return jsonify(outcome="reckoned", **reckoned_words(found)), 200
