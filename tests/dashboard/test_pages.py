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


def test_an_empty_worklist_before_the_first_sweep_says_that_nothing_was_judged(web: Web) -> None:
    answer = page(web, ONCOLOGIST, "/")
    assert answer.status_code == 200
    assert "nothing has been judged" in answer.text
    assert "all clear" not in answer.text.lower()


def test_the_cohort_lists_only_the_patients_of_ones_teams_and_says_never_measured(web: Web) -> None:
    answer = page(web, ONCOLOGIST, "/patients")
    assert "CNRY-N1-name" in answer.text
    assert "CNRY-S1-name" not in answer.text
    assert "never measured" in answer.text


def test_a_patient_without_any_record_has_a_page_that_says_so(web: Web) -> None:
    answer = page(web, ONCOLOGIST, "/p/N1")
    assert answer.status_code == 200
    for said in ("CNRY-N1-name", "not recorded", "never measured", "never scanned", "never assessed", "never examined"):
        assert said in answer.text
    assert "Draft protocol" in answer.text


def test_every_graph_is_sent_with_the_upload_to_the_cloud_switched_off(web: Web) -> None:
    content = json.dumps(page(web, ONCOLOGIST, "/p/N1").get_json())
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
