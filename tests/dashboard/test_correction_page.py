"""The correction page and its routes: every way, both versions, scope of both patients, strange input, never a 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from dashboard.language import speaking
from dashboard.pages import correct, patient, visit
from data.models import Audit, Correction, Flag, Patient, PatientTeam, Record
from data.people import Actor
from data.provenance import provenance
from tests.dashboard.conftest import Web
from tests.dashboard.test_entry_route import STRANGE

ONC, NURSE, ADMIN = "onc@north.example", "nurse@south.example", "admin@clinic.example"
BLNS = Path(__file__).parents[3] / "shared/data/robustness/blns.json"
WHY = "typed the neighbour's value"
KEY = "0123456789abcdef0123456789abcdef"


class Desk:
    """Patient N1 with a weight of 61 kg and N2 of the same team, and the page at which it is corrected."""

    def __init__(self, web: Web) -> None:
        self.web, self.client = web, web.client(ONC)
        now = datetime.now(UTC)
        with web.database.write() as session:
            session.add(Patient(id=7, uuid="uuid-N2", mrn="N2", name="CNRY-N2-name", created_at=now))
            session.flush()
            session.add(PatientTeam(patient_id=7, team_id=1))
        self.record = self.enter({"weight": "61"}, "weight")

    def enter(self, said: dict[str, str], place: str, version: int = 0) -> str:
        when = (datetime.now(UTC) - timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M")
        body = {"patient": "uuid-N1", "key": uuid4().hex, "version": version, "said": {"when": when} | said}
        assert self.client.post("/p/N1/entry/visit", json=body).status_code == 200
        with self.web.database.read() as session:
            return str(session.scalars(select(Record.id).where(Record.place == place)).one())

    def page(self, record: str | None = None, mrn: str = "N1", email: str = ONC, way: str = "correct") -> Any:
        path = f"/p/{mrn}/record/{record or self.record}/{way}"
        return self.web.call(self.web.client(email), "shell-page.children", path)

    def value(self, value: Any = "64.5", unit: Any = "kg", reason: Any = WHY, **other: Any) -> Any:
        sent = {"mrn": "N1", "record": self.record, "key": KEY, "confirmed": []} | other
        return self.send("value", sent, reason, value, unit, sent.get("when", ""), sent["confirmed"])

    def retract(self, reason: Any = WHY, **other: Any) -> Any:
        return self.send("retract", {"mrn": "N1", "record": self.record, "key": KEY} | other, reason)

    def move(self, to: Any, same: Any, reason: Any = WHY, **other: Any) -> Any:
        return self.send("move", {"mrn": "N1", "record": self.record, "key": KEY} | other, reason, to, same)

    def send(self, way: str, sent: dict[str, Any], reason: Any, *fields: Any) -> Any:
        callback = next(
            name
            for name, entry in self.web.app.callback_map.items()
            if entry["inputs"] and entry["inputs"][0]["id"] == f"correct-save-{way}"
        )
        opened = sent.get("opened", {"record": sent["record"], "key": sent["key"]})
        return self.web.call(self.client, callback, 1, sent["mrn"], opened, reason, *fields)

    def tab(self, search: str) -> str:
        return text(self.web.call(self.client, "patient-tab.children", search, None, "/p/N1", "N1"))

    def values(self, patient_id: int = 1) -> list[str | None]:
        with self.web.database.read() as session:
            rows = select(Record.value).where(
                Record.patient_id == patient_id, Record.superseded_by.is_(None), Record.status != "entered-in-error"
            )
            return list(session.scalars(rows))

    def corrections(self) -> int:
        with self.web.database.read() as session:
            return session.scalar(select(func.count()).select_from(Correction)) or 0


def text(answer: Any) -> str:
    """What an answer says, as a person reads it."""
    assert answer.status_code == 200, answer.text
    return json.dumps(answer.get_json(), ensure_ascii=False)


@pytest.fixture
def desk(assembled: Callable[..., Web]) -> Desk:
    return Desk(assembled(visit, patient, correct, contact_line="+49 30 1234"))


def test_a_value_is_corrected_once_and_the_old_one_stays_struck_with_who_when_and_why(desk: Desk) -> None:
    assert "61 kg" in text(desk.page())
    for answer in (desk.value(), desk.value()):
        assert "Stored: 64.5 kg." in text(answer)
    assert (desk.corrections(), desk.values()) == (1, ["64.5"])
    with desk.web.database.read() as session:
        stands = str(session.scalars(select(Record.id).where(Record.superseded_by.is_(None))).one())
    drawer = text(desk.web.call(desk.client, "patient-provenance.children", {"record": stands, "count": 1}, "N1"))
    for shown in (text(desk.page(stands)), drawer):
        assert '"type": "S"' in shown and "61 kg" in shown and f"by {ONC}: {WHY}" in shown
    for search in ("?tab=record", "?tab=grid"):
        tab = desk.tab(search)
        assert "61 kg" in tab and f"by {ONC}: {WHY}" in tab and "struck" in tab, search
    for way in ("correct", "ask"):
        address = f"/p/N1/record/{stands}/{way}"
        assert address in drawer and address in desk.tab("?tab=record")


def test_who_is_late_sees_both_versions(desk: Desk) -> None:
    desk.value("64")
    late = text(desk.value("70", key=KEY[::-1]))
    for said in ("You wanted: 70 kg", "You opened", "Stands now", "61 kg", "64 kg", WHY):
        assert said in late
    assert desk.values() == ["64"]
    assert "was changed meanwhile" in desk.page().text


def test_what_is_taken_back_stays_struck_in_the_record_and_cannot_be_corrected_again(desk: Desk) -> None:
    assert "Taken back." in desk.retract().text
    assert desk.values() == []
    for search in ("?tab=record", "?tab=grid"):
        tab = desk.tab(search)
        assert "61 kg" in tab and "taken back" in tab and WHY in tab
    assert "nothing left to correct" in desk.page().text
    assert "changed it meanwhile" in text(desk.retract(key=KEY[::-1]))


def test_both_patients_are_shown_compared_and_checked_before_a_value_moves(desk: Desk) -> None:
    shown = desk.web.call(desk.client, "correct-both.children", 1, "N1", "N2").text
    for said in ("CNRY-N1-name", "CNRY-N2-name", "It would go to", "uuid-N2"):
        assert said in shown
    for to, same in (("N2", []), ("N2", ["uuid-N1"]), ("N1", ["uuid-N1"]), ("N2", None)):
        assert "Not stored" in desk.move(to, same).text
    assert (desk.values(), desk.values(7)) == (["61"], [])
    assert "Moved to N2." in desk.move("N2", ["uuid-N2"]).text
    assert "Moved to N2." in desk.move("N2", ["uuid-N2"]).text
    assert (desk.values(), desk.values(7), desk.corrections()) == ([], ["61"], 1)
    for mrn, said in (("N1", "moved to N2"), ("N2", "moved here from N1")):
        with desk.web.database.read() as session:
            own = select(Record.id).join(Patient, Patient.id == Record.patient_id).where(Patient.mrn == mrn)
            record = str(session.scalars(own.where(Record.superseded_by.is_(None))).one())
        assert said in desk.page(record, mrn).text
    with desk.web.database.read() as session:
        rows = session.execute(select(Audit.action, Audit.patient_uuid)).all()
    assert {("record.move", "uuid-N1"), ("record.move", "uuid-N2"), ("patient.read", "uuid-N2")} <= {
        tuple(r) for r in rows
    }


def test_a_patient_of_another_team_is_neither_shown_nor_reached(desk: Desk) -> None:
    for number in ("S1", "nobody"):
        shown = desk.web.call(desk.client, "correct-both.children", 1, "N1", number)
        assert shown.status_code == 200 and "no such value or patient" in shown.text and "CNRY-S1" not in shown.text
        assert "no such value or patient" in desk.move(number, ["uuid-S1"]).text
    assert desk.page(mrn="S1").status_code == 404
    assert desk.page(email=NURSE).status_code == 404
    assert desk.page(email=ADMIN).status_code == 403
    for mrn in ("S1", "nobody"):
        assert desk.value(mrn=mrn).status_code == 404
        assert desk.web.call(desk.client, "correct-both.children", 1, mrn, "N2").status_code == 404
    with desk.web.database.read() as session:
        denied = session.scalars(select(Audit.patient_uuid).where(Audit.outcome == "denied")).all()
    assert "uuid-S1" in denied and (desk.values(), desk.values(2)) == (["61"], [])
    assert "no such value or patient" in desk.value(record="999").text


def test_a_closed_review_is_open_again_and_an_urgent_finding_stands_at_once(desk: Desk) -> None:
    reading = desk.enter({"glucose.1.value": "104", "glucose.1.unit": "mg/dL"}, "glucose.1", 1)
    answer = desk.value("38", "mg/dL", record=reading).text
    assert "Urgent findings stand" in answer or "Flags that changed" in answer
    with desk.web.database.read() as session:
        stands = str(session.scalars(select(Record.id).where(Record.value == "38")).one())
        assert session.scalars(select(Flag.status)).all()
        found = provenance(session, Actor.system("test"), "N1", stands)
    assert found.flags


@pytest.mark.parametrize("field", ["value", "unit", "when", "reason"])
def test_no_field_takes_what_it_cannot_mean(desk: Desk, field: str) -> None:
    naughty = json.loads(BLNS.read_text()) if BLNS.exists() else []
    for strange in [*STRANGE, *naughty]:
        if field == "reason" and isinstance(strange, str) and 3 <= len(strange.strip()) <= 2000:
            continue
        if isinstance(strange, str) and (_number(strange) or (field == "when" and not strange.strip())):
            continue
        if field == "when" and strange is None:
            continue
        answer = desk.value(**{field: strange})
        assert answer.status_code in (200, 400), (field, str(strange)[:60], answer.status_code)
        if answer.status_code == 200:
            assert "Not stored" in answer.text, (field, strange)
    assert (desk.values(), desk.corrections()) == (["61"], 0)


@pytest.mark.parametrize("name", ["mrn", "record", "key", "opened", "confirmed"])
def test_no_part_of_a_correction_takes_another_kind_of_value(desk: Desk, name: str) -> None:
    for strange in STRANGE:
        if name == "confirmed" and (strange is None or strange == [] or strange == ["61"]):
            continue
        answer = desk.value(**{name: strange})
        assert answer.status_code in (200, 400, 404), (name, str(strange)[:40], answer.status_code)
        assert answer.status_code != 200 or "Not stored" in answer.text
    for strange in (*STRANGE, ["uuid-N2", 7]):
        assert desk.move("N2", strange).status_code in (200, 400)
        assert desk.move(strange, ["uuid-N2"]).status_code in (200, 400)
    assert (desk.values(), desk.corrections()) == (["61"], 0)


@pytest.mark.parametrize("record", ["0", "-1", "1e3", "9" * 30, "x", "sensor:D:2026-01-01", "１"])
def test_a_record_that_is_none_has_no_page(desk: Desk, record: str) -> None:
    assert desk.page(record).status_code in (400, 404)


def test_the_page_speaks_german(desk: Desk) -> None:
    with speaking("en"):
        desk.client.post("/language", data={"language": "de"})
        assert "Was ist falsch?" in text(desk.page())
        assert "Nicht gespeichert: das ist der Wert, der eingetragen ist." in text(desk.value("61"))


def _number(text: str) -> bool:
    try:
        return float(text.strip().replace(",", ".")) >= 0 and text.isascii() and text[0].isdigit()
    except ValueError:
        return False


def test_a_coded_entry_is_corrected_by_its_fields(desk: Desk) -> None:
    symptom = desk.enter({"symptom.fever": "yes"}, "symptom.fever", 1)
    assert "correct-field" in text(desk.page(symptom)) and "correct-field" not in text(desk.page())

    def store(names: Any, values: Any, key: str = KEY) -> Any:
        named = [{"type": "correct-field", "name": name} for name in names] if isinstance(names, list) else names
        return desk.send("fields", {"mrn": "N1", "record": symptom, "key": key}, WHY, "", values, named)

    for strange in STRANGE:
        assert store(["name", "present"], ["fever", strange]).status_code in (200, 400)
        assert store(strange, ["fever", "no"]).status_code in (200, 400)
        assert store(["name", "present"], strange).status_code in (200, 400)
    for values, why in ((["fever", "perhaps"], "neither yes nor no"), (["plague", "no"], "not known")):
        assert why in text(store(["name", "present"], values))
    assert "no such field" in text(store(["name", "colour"], ["fever", "red"]))
    assert desk.corrections() == 0
    assert "Stored: name fever; present no." in text(store(["name", "present"], ["fever", "no"]))
    assert "Stored" in text(store(["name", "present"], ["fever", "no"])) and desk.corrections() == 1
