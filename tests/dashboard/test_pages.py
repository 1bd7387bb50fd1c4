"""The pages as the application answers with them: complete for who may see, nothing for who may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.pages import cohort, flag, patient, worklist
from tests.dashboard.conftest import Web

ONCOLOGIST = "onc@north.example"
NURSE = "nurse@south.example"
ADMIN = "admin@clinic.example"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    """The application with its real pages."""
    return assembled(worklist, cohort, patient, flag)


def page(web: Web, email: str, path: str) -> Any:
    return web.call(web.client(email), "shell-page.children", path)


def patient_page(web: Web, email: str, mrn: str, search: str = "") -> Any:
    return web.call(web.client(email), "patient-tab.children", search, None, f"/p/{mrn}", mrn)


def test_an_empty_worklist_before_the_first_sweep_says_that_nothing_was_judged(web: Web) -> None:
    answer = page(web, ONCOLOGIST, "/")
    assert answer.status_code == 200
    assert "nothing has been judged" in answer.text
    assert "all clear" not in answer.text.lower()


def test_the_frame_of_the_cohort_holds_no_patient_yet(web: Web) -> None:
    answer = page(web, ONCOLOGIST, "/patients")
    assert answer.status_code == 200
    assert "cohort-grid" in answer.text and "CNRY" not in answer.text


def test_a_patient_without_any_record_has_a_page_that_says_so(web: Web) -> None:
    head, content = page(web, ONCOLOGIST, "/p/N1"), patient_page(web, ONCOLOGIST, "N1")
    assert (head.status_code, content.status_code) == (200, 200)
    for said in ("CNRY-N1-name", "not recorded", "Draft protocol"):
        assert said in head.text
    for said in ("never measured", "never scanned", "never assessed", "never examined"):
        assert said in content.text


def test_every_graph_is_sent_with_the_upload_to_the_cloud_switched_off(web: Web) -> None:
    content = json.dumps(patient_page(web, ONCOLOGIST, "N1").get_json())
    assert '"showSendToCloud": false' in content
    assert '"plotlyServerURL": ""' in content


@pytest.mark.parametrize("path", ["/p/S1", "/p/nobody", "/flag/none"])
def test_what_one_may_not_see_answers_like_what_does_not_exist(web: Web, path: str) -> None:
    answer = page(web, ONCOLOGIST, path)
    assert answer.status_code == 404
    assert "CNRY" not in answer.text


@pytest.mark.parametrize("path", ["/", "/patients", "/p/N1"])
def test_an_administrator_sees_no_clinical_page(web: Web, path: str) -> None:
    answer = page(web, ADMIN, path)
    assert answer.status_code == 403
    assert "CNRY" not in answer.text


def test_the_record_of_another_teams_patient_is_not_sent(web: Web) -> None:
    answer = web.call(web.client(NURSE), "patient-record.children", 1, "N1")
    assert answer.status_code == 404


def test_the_record_is_sent_at_the_first_opening_only(web: Web) -> None:
    client = web.client(ONCOLOGIST)
    assert "data-table" in web.call(client, "patient-record.children", 1, "N1").text
    assert "data-table" not in web.call(client, "patient-record.children", 2, "N1").text


@pytest.mark.parametrize(
    ("callback", "values"),
    [
        ("patient-tab.children", ("", None, "/p/N1", "N1")),
        ("patient-stretch.data", ([1.7e12, 1.71e12, 300.0], "N1")),
        ("patient-provenance.opened", ({"record": "1", "count": 1}, "N1")),
        ("patient-download.data", (1, "N1")),
        ("patient-changed.children@", (1, "N1", "0")),
    ],
)
def test_nothing_of_the_patient_page_is_given_to_another_team(web: Web, callback: str, values: tuple[Any, ...]) -> None:
    answer = web.call(web.client(NURSE), callback, *values)
    assert answer.status_code == 404
    assert "CNRY" not in answer.text


@pytest.mark.parametrize("window", [[], [1.0], [2e12, 1e12, 300.0], [1e12, 2e12, -1.0], [1e300, 2e300, 1.0]])
def test_a_stretch_that_makes_no_sense_changes_nothing(web: Web, window: list[float]) -> None:
    answer = web.call(web.client(ONCOLOGIST), "patient-stretch.data", window, "N1")
    assert answer.status_code < 300
    assert "Sensor" not in answer.text


def test_the_units_a_person_chose_hold_for_them_alone_and_only_for_what_is_a_choice(web: Web) -> None:
    client = web.client(ONCOLOGIST)
    chosen = {"name": "glucagon-unit", "value": "pmol/L"}
    assert web.call(client, "patient-refresh.data", chosen).status_code == 200
    refused = web.call(client, "patient-refresh.data", {"name": "role", "value": "admin"})
    assert "patient-refresh" not in refused.text
    assert pressed_units(page(web, ONCOLOGIST, "/p/N1").get_json()) == {"glucagon-unit=pmol/L", "glucose-unit=mg/dL"}
    assert pressed_units(page(web, NURSE, "/p/S1").get_json()) == {"glucagon-unit=pg/mL", "glucose-unit=mg/dL"}


def pressed_units(part: Any) -> set[str]:
    """The units whose buttons are pressed, wherever they are in an answer."""
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    found = {unit for one in inside for unit in pressed_units(one)}
    if isinstance(part, dict) and part.get("aria-pressed") == "true" and "data-unit" in part:
        found.add(part["data-unit"])
    return found


def test_the_page_says_when_the_data_have_changed_since_it_was_drawn(web: Web) -> None:
    client = web.client(ONCOLOGIST)
    version = patient_page(web, ONCOLOGIST, "N1").get_json()["response"]["patient-version"]["data"]
    assert "have changed" not in web.call(client, "patient-changed.children@", 1, "N1", version).text
    assert "have changed since" in web.call(client, "patient-changed.children@", 1, "N1", version + "0").text
