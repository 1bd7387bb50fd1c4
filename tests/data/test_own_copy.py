"""The patient's own copy holds everything and who saw it; research data hold nobody, and only who agreed."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from data.access import note_read
from data.consent import NotRecorded, consents, record_consent
from data.db import Database
from data.exports.patient_copy import patient_copy
from data.exports.research import pseudonym, research_sheet, shift
from data.models import Audit, Patient, Record
from data.people import Actor, Forbidden, NotFound
from tests.data.ward import Ward, coded, lab

SYSTEM = Actor.system("cli")
KEY, OTHER_KEY = b"a key of the tests, long enough 1", b"a key of the tests, long enough 2"
HOSTILE = "</script><script>window.__x=1</script>"


@pytest.fixture
def clinic(database: Database, now: datetime) -> Database:
    """A patient with a value, a replaced one, a note nobody should execute, and somebody who looked."""
    with database.write() as session:
        ward = Ward.open(session)
        person = ward.person("onc@clinic.example")
        ward.patient(
            "P1",
            lab("glucagon", 60.0, "pg/mL", "2026-01-01", detail={"note": HOSTILE}),
            coded("skin", "2026-01-02", iga=2, note="CNRY-note", rater="CNRY-rater"),
            birth_date=date(1930, 5, 1),
            sex="female",
        )
        ward.patient("P2", lab("glucagon", 61.0, "pg/mL", "2026-01-01"))
        uuid = session.scalars(select(Patient.uuid).where(Patient.mrn == "P1")).one()
        note_read(session, person, uuid, "/p/<mrn>", now=now)
    return database


def test_everything_and_who_saw_it_is_in_one_file_for_people_and_programs(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        page = patient_copy(session, SYSTEM, "P1", zone=ZoneInfo("Europe/Berlin"), now=now)
        ids = list(session.scalars(select(Record.id).join(Patient).where(Patient.mrn == "P1")))
    assert HOSTILE not in page
    assert page.count("<script") == page.count("</script>") == 1
    [machine] = re.findall(r'<script type="application/json" id="nadir">(.*)</script>', page, re.DOTALL)
    whole = json.loads(machine)
    assert [row["id"] for row in whole["tables"]["record"]] == ids
    assert whole["tables"]["record"][0]["detail"] == {"note": HOSTILE}
    assert [row["mrn"] for row in whole["tables"]["patient"]] == ["P1"]
    assert [(row["who"], row["action"]) for row in whole["trail"]] == [
        ("onc@clinic.example", "patient.read"),
        ("cli", "patient.copy"),
    ]
    assert "Patient P1" in page
    assert "<td>onc</td><td>oncologist</td><td>1</td>" in page
    assert "61.0" not in page


def test_nobody_takes_the_copy_of_a_patient_of_another_team(clinic: Database, now: datetime) -> None:
    for role in ("oncologist", "admin", "auditor"):
        with clinic.write() as session, pytest.raises(NotFound):
            patient_copy(session, Actor("x@x", role, 9, frozenset({99})), "P1", zone=ZoneInfo("UTC"), now=now)


def test_consent_is_recorded_with_its_day_and_the_newest_word_counts(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        for given in (True, False):
            record_consent(session, SYSTEM, "P1", "research", given=given, on=now.date(), said="form 7", now=now)
        assert [(one["purpose"], one["given"]) for one in consents(session, SYSTEM, "P1")] == [
            ("research", True),
            ("research", False),
        ]
        assert research_sheet(session, SYSTEM, KEY, now=now)[1] == 0
    for purpose, on, said in (
        ("sale", now.date(), "form"),
        ("research", date(2099, 1, 1), "form"),
        ("research", now.date(), ""),
    ):
        with clinic.write() as session, pytest.raises(NotRecorded):
            record_consent(session, SYSTEM, "P1", purpose, given=True, on=on, said=said, now=now)


def test_research_data_hold_nobody_and_only_who_agreed(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        record_consent(session, SYSTEM, "P1", "research", given=True, on=now.date(), said="form 7", now=now)
        text, patients = research_sheet(session, SYSTEM, KEY, now=now)
        other, _ = research_sheet(session, SYSTEM, OTHER_KEY, now=now)
        uuid = session.scalars(select(Patient.uuid).where(Patient.mrn == "P1")).one()
        audited = session.scalars(select(Audit).where(Audit.action == "research.export")).first()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (patients, len(rows)) == (1, 2)
    for secret in ("P1", "P2", "Patient", uuid, "CNRY", "script"):
        assert secret not in text, secret
    assert {row["value"] for row in rows} == {"60.0", ""}, "nothing of who did not agree"
    assert {row["pseudonym"] for row in rows} == {pseudonym(uuid, KEY)}
    assert pseudonym(uuid, KEY) not in other
    assert {row["age_at_sample"] for row in rows} == {"89"}, "the oldest are told as 89"
    days = [date.fromisoformat(row["shifted_day"]) for row in rows]
    assert abs((days[1] - days[0]).days) == 1, "distances of days stand"
    assert date(2026, 1, 1) - shift(uuid, KEY) in days
    assert json.loads(next(row["coded"] for row in rows if row["kind"] == "skin")) == {"iga": 2}
    assert audited is not None
    assert audited.detail is not None
    assert audited.detail["patients"] == [uuid]
    with clinic.write() as session, pytest.raises(Forbidden):
        research_sheet(session, Actor("admin@x", "admin", 1), KEY, now=now)
