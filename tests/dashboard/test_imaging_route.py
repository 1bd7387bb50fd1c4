"""The routes of the imaging page: scope, strange values on every numeric field, German, and an answer as one types."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.language import speaking
from dashboard.pages import imaging_entry
from data.models import Audit, Record
from tests.dashboard.conftest import Web
from tests.dashboard.test_entry_route import KEY, ONC, STRANGE

BLNS = Path(__file__).parents[3] / "shared/data/robustness/blns.json"
BASELINE = {"when": "2025-06-01", "study.modality": "CT"} | {
    **{"new.1.role": "target", "new.1.organ": "liver", "new.1.mm": "30"},
    **{"new.2.role": "target", "new.2.node": "yes", "new.2.mm": "20"},
}
ROW = {"when": "2026-01-05", "study.modality": "CT", "lesion.1.name": "liver-1"}
NUMERIC = {
    "lesion.1.mm": ROW,
    "lesion.1.parts": ROW | {"lesion.1.state": "split"},
    "new.1.mm": {"when": "2026-01-05", "study.modality": "CT", "new.1.role": "new", "new.1.organ": "bone"},
    "us.wall_mm": {"when": "2026-01-05", "us.stones": "single"},
    "us.cbd_mm": {"when": "2026-01-05", "us.stones": "single"},
    "us.max_mm": {"when": "2026-01-05", "us.stones": "single"},
}


def body(said: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"patient": "uuid-N1", "key": KEY, "version": 0, "said": said, "confirmed": [], "wristband": ""} | changes


def records(web: Web) -> int:
    with web.database.read() as session:
        return session.scalar(select(func.count()).select_from(Record)) or 0


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    """The patient N1 with a baseline that was entered by the page."""
    made = assembled(imaging_entry)
    answer = made.client(ONC).post("/p/N1/entry/imaging", json=body(BASELINE))
    assert answer.json is not None and (answer.json["outcome"], answer.json["stored"]) == ("saved", 3)
    return made


def test_the_answer_follows_what_is_typed_and_stores_nothing(web: Web) -> None:
    said = ROW | {"lesion.1.mm": "36,0", "lesion.2.name": "node-1", "lesion.2.mm": "24"}
    answer = web.client(ONC).post("/p/N1/entry/imaging/reckoned", json={"said": said}).json
    assert answer is not None
    assert (answer["letters"], answer["words"]) == ("PD", "progression")
    assert [(line["value"], line["change"]) for line in answer["sums"]] == [
        *(("60 mm", ""), ("50 mm", "+20.0 %"), ("50 mm", "+20.0 % (+10.0 mm, +34 % a year)")),
    ]
    assert answer["changes"] == {"lesion.1": "+20.0 % since 1 Jun 2025", "lesion.2": "+20.0 % since 1 Jun 2025"}
    assert answer["reasons"] == ["The sum is at least 20 % and 5 mm above the nadir."]
    just = web.client(ONC).post("/p/N1/entry/imaging/reckoned", json={"said": said | {"lesion.1.mm": "35.9"}}).json
    assert just is not None and just["letters"] == "SD"
    assert just["sums"][1]["change"] == "+19.8 %"
    partly = web.client(ONC).post("/p/N1/entry/imaging/reckoned", json={"said": ROW | {"lesion.1.mm": "12,"}}).json
    assert partly is not None and partly["problems"] == [{"field": "lesion.1.mm", "why": partly["problems"][0]["why"]}]
    assert records(web) == 3


def test_an_urgent_ultrasound_is_answered_with_its_question_at_once(web: Web) -> None:
    said = {"when": datetime.now(UTC).date().isoformat(), "us.stones": "multiple", "us.murphy": "yes"}
    answer = web.client(ONC).post("/p/N1/entry/imaging", json=body(said, key=KEY[::-1], version=1)).json
    assert answer is not None and (answer["outcome"], answer["stored"]) == ("saved", 1)
    assert answer["urgent"][0]["question"] and answer["urgent"][0]["address"].startswith("/flag/")


def test_only_clinicians_of_the_patients_team_reach_it(web: Web) -> None:
    sent = {"said": ROW}
    assert web.anonymous().post("/p/N1/entry/imaging/reckoned", json=sent).status_code == 401
    assert web.client("admin@clinic.example").post("/p/N1/entry/imaging/reckoned", json=sent).status_code == 403
    for mrn in ("S1", "nobody"):
        assert web.client(ONC).post(f"/p/{mrn}/entry/imaging/reckoned", json=sent).status_code == 404
    with web.database.read() as session:
        read = select(func.count()).where(Audit.action == "patient.read", Audit.patient_uuid == "uuid-N1")
        assert session.scalar(read) == 1


def test_nothing_but_text_is_reckoned(web: Web) -> None:
    for strange in STRANGE:
        for sent in (strange, {"said": strange}, {"said": ROW | {"lesion.1.mm": strange}}):
            answer = web.client(ONC).post("/p/N1/entry/imaging/reckoned", json=sent)
            assert answer.status_code in (200, 400, 415), str(sent)[:60]


@pytest.mark.parametrize("field", NUMERIC)
def test_no_numeric_field_takes_what_is_no_length(web: Web, field: str) -> None:
    client, before = web.client(ONC), records(web)
    naughty = json.loads(BLNS.read_text()) if BLNS.exists() else []
    share = naughty[list(NUMERIC).index(field) :: len(NUMERIC)]
    for strange in [*STRANGE, "0", "-0", "1e-9", "0x1F", "1'000", "12 mm", "３", *share]:
        if isinstance(strange, str) and strange not in STRANGE and (not strange.strip() or _length(strange)):
            continue
        said = NUMERIC[field] | {field: strange}
        answer = client.post("/p/N1/entry/imaging", json=body(said, key=KEY[::-1], version=1))
        assert answer.status_code == 400, (field, str(strange)[:60], answer.status_code)
        assert answer.json is not None and answer.json["problems"][0]["why"]
        assert client.post("/p/N1/entry/imaging/reckoned", json={"said": said}).status_code in (200, 400)
    assert records(web) == before


def test_a_german_reader_is_answered_in_german(web: Web) -> None:
    german, client = {"Accept-Language": "de"}, web.client(ONC)
    said = ROW | {"lesion.1.mm": "35,5", "lesion.2.name": "node-1", "lesion.2.state": "absent"}
    wrong = body(ROW | {"lesion.1.mm": "0"}, key=KEY[::-1], version=1)
    with speaking("en"):
        answer = client.post("/p/N1/entry/imaging/reckoned", json={"said": said}, headers=german).json
        refused = client.post("/p/N1/entry/imaging", json=wrong, headers=german).json
    assert answer is not None and (answer["letters"], answer["words"]) == ("SD", "stabile Erkrankung")
    assert answer["sums"][1] == {"name": "Baseline, 1. Juni 2025", "value": "50 mm", "change": "-29,0 %"}
    assert refused is not None and "ist keine Länge" in refused["problems"][0]["why"]


def _length(text: str) -> bool:
    try:
        return text.isascii() and 0.1 <= float(text.strip().replace(",", ".")) <= 400
    except ValueError:
        return False
