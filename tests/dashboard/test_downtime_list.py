"""The list for downtime: a page a patient whatever stands there, values with units and times, who left is not on it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from clinical.protocol import Protocol
from dashboard.board.downtime import list_pdf, sheet_of, team_lists
from dashboard.language import speaking
from dashboard.parts.times import Clock
from data.db import Database
from data.judge import judge
from data.models import Patient
from data.people import Actor
from tests.dashboard.test_summary_pdf import opened, sheets
from tests.data.ward import POLICY, Ward, coded, lab, relapsing, well

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
SYSTEM = Actor.system("test")
ANALYTES = ("zinc", "copper", "vitamin-a", "vitamin-d", "b12", "folate", "albumin", "haemoglobin", "creatinine", "crp")


@pytest.fixture
def clinic(database: Database, protocol: Protocol) -> Database:
    """Two teams, a patient with much and one with nothing, one who died, one of no team."""
    with database.write() as session:
        ward = Ward.open(session, "NET")
        much = (
            *relapsing("2026-02-01T06:30"),
            coded("therapy", "2026-01-05", kind="start", drug="octreotide-lar", dose=30.0, unit="mg", interval_days=28),
            coded("therapy", "2026-05-20", kind="injection", drug="octreotide-lar", dose=30.0, unit="mg"),
            coded("therapy", "2026-03-01", kind="start", drug="metformin", dose=500.0, unit="mg"),
            *(lab(name, 1.0, "mg/L", "2026-05-01", lab="A laboratory with a long name") for name in ANALYTES),
        )
        first = ward.patient("P1", *much)
        ward.patient("P2")
        gone = ward.patient("P3", *well())
        session.execute(update(Patient).where(Patient.id == gone).values(deceased_at=NOW))
        session.add(Patient(id=900, uuid="u-9", mrn="P9", created_at=NOW))
        judge(session, [first], protocol=protocol, mail=POLICY, as_of=NOW, now=NOW, actor=SYSTEM)
    return database


def test_each_team_has_who_is_followed_and_nobody_is_left_out(clinic: Database) -> None:
    with clinic.read() as session:
        assert {one.team: one.mrns for one in team_lists(session)} == {"NET": ("P1", "P2"), None: ("P9",)}


def test_a_page_says_regimen_values_and_flags_with_units_and_times(clinic: Database, protocol: Protocol) -> None:
    with clinic.read() as session:
        sheet = sheet_of(session, SYSTEM, "P1", protocol=protocol, clock=Clock(NOW, BERLIN))
        empty = sheet_of(session, SYSTEM, "P9", protocol=protocol, clock=Clock(NOW, BERLIN))
    regimen = dict(sheet.regimen)
    assert "octreotide" in regimen["In force"].lower() and "30 mg" in regimen["In force"]
    assert "17 Jun 2026" in regimen["Next injection planned"] and "20 May 2026" in regimen["Last injections"]
    assert "500 mg" in regimen["Beside it"]
    glucagon = next(one for one in sheet.results if one["what"] == "Glucagon")
    assert glucagon["value"] == "330 pg/mL" and glucagon["when"] == "1 Feb 2026 07:30"
    assert any(flag["rule"] == "R03" and "330" in flag["why"] for flag in sheet.flags)
    assert ("MRN", "P1") in sheet.facts
    assert empty.name == "Name not recorded" and (empty.flags, empty.results) == ((), ())


def test_one_page_a_patient_in_the_language_of_the_site(clinic: Database, protocol: Protocol) -> None:
    with clinic.read() as session:
        (net, _nobody) = team_lists(session)
    with speaking("de"):
        document = list_pdf(clinic, net, protocol, zone=BERLIN, now=NOW)
    assert sheets(document) == 2
    assert b"/Lang (de)" in opened(document)
