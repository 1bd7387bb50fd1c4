"""The routes of the entry pages: scope, type confusion, identity, drafts; never a 500 and nothing stored in refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.pages import regimen, visit
from data.models import Audit, EntryDraft, EntrySave, Patient, PatientTeam, Record
from tests.dashboard.conftest import Web
from tests.dashboard.forms import BESIDE, NUMERIC

ONC = "onc@north.example"
KEY = "0123456789abcdef0123456789abcdef"
STRANGE = [
    None,
    [],
    {},
    7,
    True,
    ["61"],
    {"a": 1},
    "１",
    "1\x00",
    "1e309",
    "NaN",
    "Infinity",
    "-",
    "x" * 1_000_000,
]


def body(**changes: Any) -> dict[str, Any]:
    said = {"when": "2026-01-05T09:30", "weight": "61"}
    return {"patient": "uuid-N1", "key": KEY, "version": 0, "said": said, "confirmed": [], "wristband": ""} | changes


def counts(web: Web) -> tuple[int, int, int]:
    with web.database.read() as session:
        record, save, draft = (
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (Record, EntrySave, EntryDraft)
        )
        return record, save, draft


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(visit, contact_line="+49 30 1234")


def test_a_save_is_answered_when_it_is_stored_and_twice_is_once(web: Web) -> None:
    client = web.client(ONC)
    first = client.post("/p/N1/entry/visit", json=body())
    assert first.status_code == 200 and first.json is not None
    assert (first.json["outcome"], first.json["stored"], first.json["again"]) == ("saved", 1, False)
    again = client.post("/p/N1/entry/visit", json=body())
    assert again.json is not None and again.json["again"] is True
    assert counts(web) == (1, 1, 0)


def test_an_urgent_finding_comes_with_the_answer_and_the_contact_line(web: Web) -> None:
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M")
    said = {"when": today, "symptom.chest-pain": "yes"}
    answer = web.client(ONC).post("/p/N1/entry/visit", json=body(said=said)).json
    assert answer is not None and answer["contact"] == "+49 30 1234"
    assert answer["urgent"][0]["question"] and answer["urgent"][0]["address"].startswith("/flag/")


@pytest.mark.parametrize("form", ["visit", "visit/draft"])
def test_only_clinicians_of_the_patients_team_reach_it(web: Web, form: str) -> None:
    assert web.anonymous().post(f"/p/N1/entry/{form}", json=body()).status_code == 401
    assert web.client("admin@clinic.example").post(f"/p/N1/entry/{form}", json=body()).status_code == 403
    for mrn in ("S1", "nobody"):
        assert web.client(ONC).post(f"/p/{mrn}/entry/{form}", json=body()).status_code == 404
    assert web.client(ONC).post("/p/N1/entry/dose", json=body()).status_code == 404
    assert counts(web) == (0, 0, 0)


def test_a_form_of_another_patient_is_refused(web: Web) -> None:
    for changes in ({"patient": "uuid-S1"}, {"wristband": "S1"}):
        answer = web.client(ONC).post("/p/N1/entry/visit", json=body(**changes))
        assert answer.status_code == 409 and answer.json is not None and answer.json["outcome"] == "wrong"
    assert counts(web) == (0, 0, 0)


def test_a_second_version_shows_what_the_first_said(web: Web) -> None:
    client = web.client(ONC)
    client.post("/p/N1/entry/visit", json=body())
    answer = client.post("/p/N1/entry/visit", json=body(key=KEY[::-1]))
    assert answer.status_code == 409 and answer.json is not None
    assert answer.json["theirs"][0]["said"]["weight"] == "61" and answer.json["version"] == 1


@pytest.mark.parametrize("name", ["patient", "key", "version", "said", "confirmed", "wristband"])
def test_no_part_of_a_save_takes_another_kind_of_value(web: Web, name: str) -> None:
    client = web.client(ONC)
    for strange in STRANGE:
        if name == "confirmed" and isinstance(strange, list):
            continue
        answer = client.post("/p/N1/entry/visit", json=body(**{name: strange}))
        assert answer.status_code in (400, 409), (name, str(strange)[:40], answer.status_code)
    assert counts(web) == (0, 0, 0)


def test_json_that_is_none_is_refused(web: Web) -> None:
    client = web.client(ONC)
    for raw in ("", "[", "7", "null", '{"said": NaN}', '{"version": 1e999}', "[" * 100_000):
        answer = client.post("/p/N1/entry/visit", data=raw, content_type="application/json")
        assert answer.status_code == 400, raw[:20]
    assert counts(web) == (0, 0, 0)


@pytest.mark.parametrize(("form", "field"), [(form, field) for form in NUMERIC for field in NUMERIC[form]])
def test_no_numeric_field_takes_another_kind_of_value(clinic_pages: Web, form: str, field: str) -> None:
    client = clinic_pages.client(ONC)
    for strange in STRANGE:
        answer = client.post(f"/p/N1/entry/{form}", json=body(said={**BESIDE[form](field), field: strange}))
        assert answer.status_code == 400, (field, str(strange)[:60], answer.status_code)
        assert answer.json is not None and answer.json["problems"]
    assert counts(clinic_pages)[0] == 0


def test_a_draft_is_kept_and_goes_with_its_save(web: Web) -> None:
    client = web.client(ONC)
    assert client.post("/p/N1/entry/visit/draft", json=body(number=1)).status_code == 200
    assert counts(web) == (0, 0, 1)
    assert client.post("/p/N1/entry/visit/draft", json=body(number=2, patient="uuid-S1")).status_code == 409
    for strange in STRANGE:
        assert client.post("/p/N1/entry/visit/draft", json=body(number=strange)).status_code in (200, 400)
    client.post("/p/N1/entry/visit", json=body())
    assert counts(web) == (1, 1, 0)


def test_a_decision_on_therapy_is_saved_and_the_calendar_is_for_the_team_alone(clinic_pages: Web) -> None:
    client = clinic_pages.client(ONC)
    today = datetime.now(UTC).date().isoformat()
    said = {"when": today, "decided_by": "Dr Weiss", "analogue.what": "start", "analogue.drug": "lanreotide"}
    said |= {"analogue.dose": "120", "analogue.unit": "mg", "analogue.interval_days": "28"}
    assert client.get("/p/N1/injections.ics").status_code == 404
    refused = client.post("/p/N1/entry/therapy", json=body(said=said))
    assert refused.status_code == 400 and refused.json is not None
    assert refused.json["problems"][0]["field"] == "analogue.reason"
    saved = client.post("/p/N1/entry/therapy", json=body(said={**said, "analogue.reason": "Diarrhoea"}))
    assert saved.status_code == 200 and counts(clinic_pages)[0] == 1
    file = client.get("/p/N1/injections.ics")
    assert file.status_code == 200 and file.headers["Content-Type"].startswith("text/calendar")
    assert file.headers["Content-Disposition"] == 'attachment; filename="injections.ics"'
    assert file.data.count(b"BEGIN:VEVENT") == 6 and b"N1" not in file.data
    assert b"SUMMARY:Injection planned N1" in client.get("/p/N1/injections.ics?say=number").data
    assert clinic_pages.client("nurse@south.example").get("/p/N1/injections.ics").status_code == 404
    assert clinic_pages.client("admin@clinic.example").get("/p/N1/injections.ics").status_code in (403, 404)
    assert clinic_pages.anonymous().get("/p/N1/injections.ics").status_code in (302, 401)
    with clinic_pages.database.read() as session:
        exports = session.scalars(select(Audit.object).where(Audit.action == "patient.export")).all()
    assert exports == ["ics", "ics"]


@pytest.fixture
def clinic_pages(assembled: Callable[..., Web]) -> Web:
    return assembled(regimen, visit)


@pytest.mark.parametrize("form", ["visit", "regimen"])
def test_an_entry_page_says_whose_it_is_and_who_has_a_like_name(clinic_pages: Web, form: str) -> None:
    with clinic_pages.database.write() as session:
        north = session.scalars(select(PatientTeam.team_id).where(PatientTeam.patient_id == 1)).one()
        like = Patient(uuid="uuid-N2", mrn="N2", name="CNRY-N1-nane", created_at=datetime.now(UTC))
        session.add(like)
        session.flush()
        session.add(PatientTeam(patient_id=like.id, team_id=north))
    shown = clinic_pages.call(clinic_pages.client(ONC), "shell-page.children", f"/p/N1/{form}").text
    assert '"banner"' in shown and '"born"' in shown and '"MRN"' in shown
    assert "CNRY-N1-name (N1)" in shown and '\\"patient\\":\\"uuid-N1\\"' in shown
    assert "entry-namesakes" in shown and "CNRY-N1-nane (N2, born not recorded)" in shown
    with clinic_pages.database.write() as session:
        session.get_one(Patient, like.id).name = "Somebody Else"
    shown = clinic_pages.call(clinic_pages.client(ONC), "shell-page.children", f"/p/N1/{form}").text
    assert "entry-namesakes" not in shown
