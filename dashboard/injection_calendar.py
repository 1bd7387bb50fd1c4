"""The address of a patient's planned injections as a calendar file: read like their page, noted as an export."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, Response, request

from dashboard.language import _
from dashboard.policy import CLINICAL, Policy, note_activity, require_scope
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from data.exports.injection_calendar import Wording, injection_calendar, revision_of
from data.exports.pace import count_file
from data.exports.patient_record import note_export
from data.injection_lists import injections_of
from data.patients import find_by_mrn
from data.people import NotFound

PATTERN = "/p/<mrn>/injections.ics"
ENDPOINT = "patient.injections"
CALENDAR = Policy(CLINICAL, patient_argument="mrn")
NUMBERED = "number"


def install_injection_calendar(server: Flask) -> None:
    """Add the route."""
    server.add_url_rule(PATTERN, ENDPOINT, _calendar, methods=["GET"])


def calendar_address(mrn: str, *, numbered: bool) -> str:
    """Where the calendar file of this patient is; `numbered`: its entries carry the hospital number."""
    return f"/p/{quote(mrn, safe='')}/injections.ics" + (f"?say={NUMBERED}" if numbered else "")


def _calendar(mrn: str) -> Response:
    require_scope(CALENDAR, {"mrn": mrn}, PATTERN, noting="always")
    note_activity()
    actor, now, zone = current_actor(), request_now(), current_settings().zone
    count_file(current_database(), actor, now)
    with current_database().read() as session:
        patient = find_by_mrn(session, actor, mrn)
        of = injections_of(session, patient.id, protocol=current_protocol(), zone=zone, now=now)
        revision = revision_of(session, patient.id)
    made = injection_calendar(
        of,
        patient=patient.uuid,
        revision=revision,
        wording=_wording(patient.mrn if request.args.get("say") == NUMBERED else ""),
        now=now,
    )
    if made is None:
        raise NotFound("No injection is planned or recorded, so there is no calendar.")
    with current_database().write() as session:
        note_export(session, actor, mrn, "ics", records=made.count(b"BEGIN:VEVENT"), now=now)
    answer = Response(made, content_type="text/calendar; charset=utf-8; method=PUBLISH")
    answer.headers["Content-Disposition"] = 'attachment; filename="injections.ics"'
    return answer


def _wording(number: str) -> Wording:
    return Wording(
        planned=_("Injection planned"),
        given=_("Injection given"),
        description=_("The day moves when an injection is given on another day. Your clinic knows the day."),
        number=number,
    )
