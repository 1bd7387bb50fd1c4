"""The address of the tumour-board summary as PDF: read like the patient's page, and noted as an export."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, Response

from dashboard.board.case import read_case
from dashboard.board.pdf import tumour_board_pdf
from dashboard.parts.units import units_of
from dashboard.policy import CLINICAL, Policy, note_activity, require_scope
from dashboard.request import (
    current_actor,
    current_database,
    current_protocol,
    current_settings,
    current_sign_in,
    request_now,
)
from data.exports.pace import count_file
from data.exports.patient_record import note_export

PATTERN = "/p/<mrn>/summary.pdf"
ENDPOINT = "patient.summary"
SUMMARY = Policy(CLINICAL, patient_argument="mrn")


def install_summary(server: Flask) -> None:
    """Add the route."""
    server.add_url_rule(PATTERN, ENDPOINT, _summary, methods=["GET"])


def summary_address(mrn: str) -> str:
    """Where the summary of this patient is."""
    return f"/p/{quote(mrn, safe='')}/summary.pdf"


def _summary(mrn: str) -> Response:
    require_scope(SUMMARY, {"mrn": mrn}, PATTERN, noting="always")
    note_activity()
    actor, now, protocol = current_actor(), request_now(), current_protocol()
    count_file(current_database(), actor, now)
    with current_database().read() as session:
        case = read_case(session, actor, mrn, protocol=protocol, now=now)
    zone, who = current_settings().zone, current_sign_in()
    made = tumour_board_pdf(case, protocol, units_of(who.preferences), zone=zone, now=now, by=who.person_name)
    with current_database().write() as session:
        note_export(session, actor, mrn, "pdf", records=len(case.trends.chart.results), now=now)
    answer = Response(made, mimetype="application/pdf")
    # The name of a file is seen by who looks over a shoulder or into a folder: it names nobody.
    answer.headers["Content-Disposition"] = 'inline; filename="tumour-board-summary.pdf"'
    return answer
