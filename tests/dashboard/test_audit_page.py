"""The audit trail is searched by auditor and admin, page by page, and every look and export is a row of it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.pages import audit
from data.audit import GIVEN, verify, write_audit
from data.audit_search import PAGE
from data.models import Audit
from data.people import Actor
from tests.dashboard.conftest import PASSWORD, Web

ADMIN, AUDITOR, ONC, NURSE = (
    "admin@clinic.example",
    "auditor@clinic.example",
    "onc@north.example",
    "nurse@south.example",
)
HELD = "=HYPERLINK(1)"


@pytest.fixture
def web(assembled: Any) -> Web:
    """The page over some readings of N1, one of S1, and an import with a name that a spreadsheet would calculate."""
    web: Web = assembled(audit)
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    onc, nurse = Actor(ONC, "oncologist", 1), Actor(NURSE, "nurse", 2, source="192.0.2.7")
    with web.database.write() as session:
        for minute in range(PAGE + 10):
            at = now + timedelta(minutes=minute)
            write_audit(session, onc, "patient.read", now=at, patient_uuid="uuid-N1", object=f"look {minute}")
        write_audit(session, nurse, "access", now=now, patient_uuid="uuid-N1", outcome="denied")
        write_audit(session, nurse, "patient.read", now=now, patient_uuid="uuid-N1", detail={"emergency": True, "n": 1})
        write_audit(session, nurse, "patient.read", now=now, patient_uuid="uuid-S1")
        write_audit(session, nurse, "import.upload", now=now + timedelta(days=1), object=HELD)
        write_audit(
            session, onc, "cohort.export", now=now, detail={"patients": ["uuid-N1"], "rows": 1, "find": "CNRY-asked"}
        )
        write_audit(session, onc, "patient.merge", now=now, patient_uuid="uuid-N1", detail={GIVEN: "CNRY-reason"})
    return web


def shown(web: Web, email: str, search: str | None = None) -> str:
    answer = web.call(web.client(email), "shell-page.children", "/audit", search)
    assert answer.status_code == 200, answer.text
    return answer.text


def rows_of(web: Web, action: str) -> list[Audit]:
    with web.database.read() as session:
        return list(session.scalars(select(Audit).where(Audit.action == action).order_by(Audit.seq)))


def test_it_is_found_by_person_action_time_and_patient(web: Web) -> None:
    by_person = shown(web, AUDITOR, "?person=NURSE")
    assert "import.upload" in by_person
    assert "look 3" not in by_person
    assert "import.upload" in shown(web, AUDITOR, "?action=import.")
    of_the_day = shown(web, AUDITOR, "?since=2026-03-03&until=2026-03-03")
    assert "import.upload" in of_the_day
    assert "look 3" not in of_the_day
    of_south = shown(web, AUDITOR, "?patient=S1&person=nurse")
    assert "1 row" in of_south
    assert "Reason: CNRY-reason" in shown(web, AUDITOR, "?action=patient.merge")
    assert "look 3" not in of_south
    assert "No row is like that" in shown(web, AUDITOR, "?patient=NOBODY&person=x")


def test_pages_follow_the_number_of_the_row_and_not_a_count(web: Web) -> None:
    first = shown(web, AUDITOR, "?action=patient.read&person=onc")
    assert ("look 59" in first, "look 10" in first, "look 9\\" in first) == (True, True, False)
    before = first.partition("before=")[2].partition('"')[0].partition("\\")[0]
    with web.database.write() as session:
        write_audit(session, Actor(ONC, "oncologist", 1), "patient.read", now=datetime.now(UTC), object="look 60")
    second = shown(web, AUDITOR, f"?action=patient.read&person=onc&before={before}")
    assert ("look 9\\" in second, "look 0\\" in second, "look 10" in second) == (True, True, False)
    assert "before=" not in second.replace(f"before={before}", "")


def test_it_says_who_saw_one_record_and_is_itself_in_the_record(web: Web) -> None:
    text = shown(web, AUDITOR, "?patient=N1")
    assert "Who saw the record of N1" in text
    assert "3 people" in text, "the auditor who looks is one of them"
    assert "emergency access" in text
    [row] = rows_of(web, "audit.who-saw")
    assert (row.actor, row.patient_uuid) == (AUDITOR, "uuid-N1")
    assert [row.patient_uuid for row in rows_of(web, "audit.search")] == ["uuid-N1"]


@pytest.mark.parametrize("action", ["patients.listed", "downtime.list"])
def test_who_had_the_patient_in_a_list_is_among_them(web: Web, action: str) -> None:
    with web.database.write() as session:
        reader = Actor("reader@clinic.example", "nurse", 1)
        write_audit(session, reader, action, now=datetime.now(UTC), object="/", detail={"patients": ["uuid-N1"]})
    assert "reader@clinic.example" in shown(web, AUDITOR, "?patient=N1")


def test_an_admin_sees_that_a_row_is_about_a_patient_and_not_about_whom(web: Web) -> None:
    text = shown(web, ADMIN)
    assert "look 59" in text
    for hidden in ("N1", "S1", "uuid-", "CNRY", "emergency"):
        assert hidden not in text, hidden
    refused = web.call(web.client(ADMIN), "shell-page.children", "/audit", "?patient=N1")
    assert refused.status_code == 403
    assert rows_of(web, "audit.search")[-1].actor == ADMIN


@pytest.mark.parametrize("email", [ONC, NURSE])
def test_it_is_closed_to_who_follows_patients(web: Web, email: str) -> None:
    client = web.client(email)
    assert client.get("/audit").status_code == 403
    assert client.post("/audit/export", data={"password": PASSWORD}).status_code == 403
    assert rows_of(web, "audit.search") == []


@pytest.mark.parametrize(
    "search", ["?before=x", "?since=1.2.2026", "?person=" + "a" * 300, "?action=%00", "?before=" + "9" * 40]
)
def test_what_is_no_search_is_refused(web: Web, search: str) -> None:
    assert web.call(web.client(AUDITOR), "shell-page.children", "/audit", search).status_code == 400
    assert rows_of(web, "audit.search") == []


def test_an_export_is_signed_harmless_and_written_down_before_it_leaves(web: Web) -> None:
    client = web.client(AUDITOR)
    wrong = client.post("/audit/export", data={"password": "not it, not it at all"})
    assert (wrong.status_code, wrong.location) == (303, "/audit?refused=password")
    assert rows_of(web, "audit.export") == []
    assert "not your password" in shown(web, AUDITOR, "?refused=password")
    answer = client.post("/audit/export", data={"password": PASSWORD, "person": "nurse"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert "no-store" in answer.headers["Cache-Control"]
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in found if row["action"] != "signin"][-4:] == [
        "access",
        "patient.read",
        "patient.read",
        "import.upload",
    ]
    assert found[-1]["object"] == f"'{HELD}"
    assert {row["patient"] for row in found} >= {"N1", "S1"}
    [row] = rows_of(web, "audit.export")
    assert (row.actor, row.detail) == (AUDITOR, {"person": "nurse"})
    with web.database.read() as session:
        assert verify(session).ok


def test_an_admin_takes_no_patient_out(web: Web) -> None:
    answer = web.client(ADMIN).post("/audit/export", data={"password": PASSWORD})
    assert answer.status_code == 200
    assert "look 59" in answer.text
    for hidden in ("N1", "S1", "uuid-", "CNRY"):
        assert hidden not in answer.text, hidden
    assert web.client(ADMIN).post("/audit/export", data={"password": PASSWORD, "patient": "N1"}).status_code == 403
