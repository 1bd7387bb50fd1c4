"""The tumour-board summary: two sheets whatever stands there, the page's own words, nothing fetched, always noted."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from clinical.protocol import Protocol
from dashboard.board import pdf
from dashboard.board.case import Case, read_case
from dashboard.board.content import board
from dashboard.language import speaking
from dashboard.pages import patient
from dashboard.parts.readouts import readouts, summary
from dashboard.parts.times import Clock
from dashboard.parts.units import Units
from data.db import Database
from data.exports.patient_record import EXPORTED
from data.models import Audit
from data.people import Actor
from tests.dashboard.conftest import Web
from tests.data.ward import Ward, coded, relapsing

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
CANONICAL = Units()


@pytest.fixture
def case(sqlite_database: Database, protocol: Protocol) -> Case:
    with sqlite_database.write() as session:
        skin = coded("skin", "2026-01-10", iga=3, bsa=12.0, overall="worse")
        Ward.open(session).patient("P<1>", *relapsing("2026-02-01", lab="=cmd <b>"), skin)
    with sqlite_database.read() as session:
        return read_case(session, Actor.system("test"), "P<1>", protocol=protocol, now=NOW)


def flag(number: int) -> dict[str, object]:
    return {
        "id": str(number),
        "severity": "high",
        "status": "open",
        "rule": "R03",
        "title": f"Glucagon rises {number}",
        "why": "Glucagon 330 pg/mL against a nadir of 59 pg/mL, " * 8,
        "opened_at": "2026-05-01T08:00:00+00:00",
        "first_evidence_at": "2026-05-01T08:00:00+00:00",
    }


def made(case: Case, protocol: Protocol, units: Units = CANONICAL) -> bytes:
    return pdf.tumour_board_pdf(case, protocol, units, zone=BERLIN, now=NOW, by="Dr N")


def opened(document: bytes) -> bytes:
    """The objects of a PDF, unpacked."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    return document + b"".join(zlib.decompressobj().decompress(p) for p in packed if p[:1] == b"x")


def sheets(document: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", opened(document)))


def test_the_summary_says_what_the_page_says(case: Case, protocol: Protocol) -> None:
    clock = Clock(NOW, BERLIN)
    content = board(case, protocol, clock, CANONICAL, by="Dr N", most_flags=9, most_results=9)
    assert content.channels == readouts(case.trends, clock, CANONICAL)
    assert content.summary == summary(content.channels)
    assert content.generated == "1 Jun 2026 14:00 CEST"
    assert content.newest == "newest entry 1 Feb 2026 (4 months ago)"
    assert content.results[0]["value"] == "330 pg/mL"
    assert content.results[0]["mark"] == "↑↑"


def test_it_speaks_in_the_units_of_whoever_asks(case: Case, protocol: Protocol) -> None:
    units = Units(glucagon="pmol/L")
    content = board(case, protocol, Clock(NOW, BERLIN), units, by="Dr N", most_flags=9, most_results=9)
    assert content.results[0]["value"] == content.channels[0].latest + " pmol/L" == "94.75 pmol/L"
    assert "pmol/L" in content.chart


def test_it_speaks_the_language_of_whoever_asks(case: Case, protocol: Protocol) -> None:
    with speaking("de"):
        content = board(case, protocol, Clock(NOW, BERLIN), CANONICAL, by="Dr N", most_flags=9, most_results=9)
        assert content.newest == "neuester Eintrag 1. Feb. 2026 (vor 4 Monaten)"
        assert "Glukagon" in content.summary
        document = made(case, protocol)
    assert sheets(document) == 2
    assert b"/Lang (de)" in opened(document)


def test_many_flags_still_make_two_sheets_and_the_rest_is_counted(case: Case, protocol: Protocol) -> None:
    crowded = replace(case, trends=replace(case.trends, flags=tuple(flag(n) for n in range(30))))
    assert sheets(made(crowded, protocol)) == 2
    content = board(crowded, protocol, Clock(NOW, BERLIN), CANONICAL, by="Dr N", most_flags=4, most_results=0)
    assert (content.flags_standing, len(content.flags), content.flags_beyond) == (30, 4, 26)


def test_a_patient_with_nothing_has_a_summary_that_says_so(sqlite_database: Database, protocol: Protocol) -> None:
    with sqlite_database.write() as session:
        Ward.open(session).patient("P0")
    with sqlite_database.read() as session:
        empty = read_case(session, Actor.system("test"), "P0", protocol=protocol, now=NOW)
    content = board(empty, protocol, Clock(NOW, BERLIN), CANONICAL, by="Dr N", most_flags=9, most_results=9)
    assert content.newest == "nothing is recorded of this patient"
    assert {c.state for c in content.channels} == {"unknown"}
    assert sheets(made(empty, protocol)) == 2


def test_it_is_tagged_for_screen_readers_and_holds_no_address(case: Case, protocol: Protocol) -> None:
    document = opened(made(case, protocol))
    assert b"/StructTreeRoot" in document
    assert b"pdfuaid" in document
    assert b"/URI" not in document


def test_nothing_is_fetched() -> None:
    for address in ("http://127.0.0.1:9/x", "file:///etc/passwd", "data:image/png;base64,AA"):
        with pytest.raises(ValueError, match="nothing is fetched"):
            pdf.fetch_nothing(address)


def test_the_route_gives_it_to_the_team_alone_and_notes_it(assembled: Callable[..., Web], clinic: Database) -> None:
    web = assembled(patient)
    answer = web.client("onc@north.example").get("/p/N1/summary.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "N1" not in answer.headers["Content-Disposition"]
    assert web.client("nurse@south.example").get("/p/N1/summary.pdf").status_code == 404
    assert web.client("admin@clinic.example").get("/p/N1/summary.pdf").status_code == 403
    assert web.anonymous().get("/p/N1/summary.pdf").status_code == 302
    with clinic.read() as session:
        rows = session.execute(select(Audit.actor, Audit.object, Audit.patient_uuid).where(Audit.action == EXPORTED))
        assert list(rows) == [("onc@north.example", "pdf", "uuid-N1")]
