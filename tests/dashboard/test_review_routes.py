"""The dose review as the application answers: who may do what, what a password signs, and nothing done twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from clinical.rules.registry import registered
from clinical.visit_items import visit_items
from dashboard.pages import flag, flag_visit, patient, worklist
from dashboard.parts.flag_actions import SNOOZES
from data.flag_moves import LONGEST_SNOOZE
from data.flags import list_flags
from data.models import Audit, Flag, FlagDecision, PatientTeam, Person, PersonTeam
from data.people import Actor, add_person, redeem
from tests.dashboard.conftest import PASSWORD, Web
from tests.data.findings import finding, judge_as

ONCOLOGIST = "onc@north.example"
STRANGER = "nurse@south.example"
NURSE = "nurse@north.example"
KEY = "a-key-the-page-was-given"
ACTIONS = {
    "flag-acknowledge": ("on it",),
    "flag-decide": ("no-change", None, "stable", PASSWORD, KEY),
    "flag-assign": ("1", "please call"),
    "flag-snooze": ("60", "next visit is near"),
}


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    """The pages of a flag, with an open flag of the patient of North and a nurse of that team."""
    made = assembled(worklist, patient, flag, flag_visit)
    now, root = datetime.now(UTC), Actor.system("test")
    with made.database.write() as session:
        redeem(session, add_person(session, root, email=NURSE, role="nurse", teams=["North"], now=now), PASSWORD, now)
    with made.database.write() as session:
        judge_as(session, 1, [finding(not_recorded=("fasting state",))], now=now)
    return made


def flag_id(web: Web) -> str:
    with web.database.read() as session:
        return str(list_flags(session, Actor.system("test"), mrn="N1")[0]["id"])


def standing(web: Web) -> tuple[str, int]:
    with web.database.read() as session:
        return tuple(session.execute(select(Flag.status, Flag.version)).one())  # type: ignore[return-value]


def act(web: Web, email: str, button: str, *given: Any, version: int = 1) -> TestResponse:
    """Press a button of the flag page with what its form holds."""
    name = next(n for n, e in web.app.callback_map.items() if e["inputs"] and e["inputs"][0]["id"] == button)
    client: FlaskClient = web.client(email)
    return web.call(client, name, 1, *given, flag_id(web), version)


@pytest.mark.parametrize("button", ACTIONS)
def test_nobody_of_another_team_acts_on_a_flag_or_learns_that_it_is_there(web: Web, button: str) -> None:
    refused = act(web, STRANGER, button, *ACTIONS[button])
    assert refused.status_code == (403 if button == "flag-decide" else 404) and "CNRY" not in refused.text
    for path in (f"/flag/{flag_id(web)}", f"/flag/{flag_id(web)}/visit"):
        assert web.call(web.client(STRANGER), "shell-page.children", path).status_code == 404
    assert standing(web) == ("open", 1)


def test_a_nurse_takes_hands_over_and_puts_aside_but_neither_sees_nor_sends_a_decision(web: Web) -> None:
    page = web.call(web.client(NURSE), "shell-page.children", f"/flag/{flag_id(web)}").text
    assert "flag-decide" not in page and "flag-assign" in page and "flag-snooze" in page
    assert act(web, NURSE, "flag-decide", *ACTIONS["flag-decide"]).status_code == 403
    assert "Acknowledged by" in act(web, NURSE, "flag-acknowledge", "calling her").text
    with web.database.read() as session:
        to = session.scalars(select(Person.id).where(Person.email == ONCOLOGIST)).one()
    assert "Handed over" in act(web, NURSE, "flag-assign", str(to), "your question", version=2).text
    assert "Put aside until" in act(web, NURSE, "flag-snooze", "4320", "visit on Monday", version=3).text
    assert standing(web) == ("snoozed", 4)


def test_a_decision_needs_the_password_again_is_kept_once_and_names_no_password(web: Web) -> None:
    said = ("dose-up", None, "escape of the skin, agreed in the board")
    unsigned = act(web, ONCOLOGIST, "flag-decide", *said, "", KEY)
    wrong = act(web, ONCOLOGIST, "flag-decide", *said, "not my password at all", KEY)
    assert "type your password once more" in unsigned.text and "that is not your password" in wrong.text
    assert standing(web) == ("open", 1)
    for _ in range(2):
        answer = act(web, ONCOLOGIST, "flag-decide", *said, PASSWORD, KEY)
        assert "Recorded: Dose raised. No regimen has changed by it" in answer.text and PASSWORD not in answer.text
    assert standing(web) == ("resolved", 4)
    with web.database.read() as session:
        assert len(session.scalars(select(FlagDecision)).all()) == 1
        details = str(session.execute(select(Audit.action, Audit.detail)).all())
    assert "flag.decide" in details and PASSWORD not in details and "escape" not in details
    page = web.call(web.client(ONCOLOGIST), "shell-page.children", f"/flag/{flag_id(web)}").text
    assert "Decided: Dose raised" in page and "no change of the analogue is entered since" in page
    therapy = web.call(web.client(ONCOLOGIST), "patient-tab.children", "?tab=therapy", None, "/p/N1", "N1").text
    assert "patient-decisions-table" in therapy and "not entered since" in therapy


def test_who_read_an_older_version_sees_both_and_keeps_what_was_typed(web: Web) -> None:
    act(web, NURSE, "flag-acknowledge", "calling her")
    answer = act(web, ONCOLOGIST, "flag-decide", "stop", None, "severe side effects", PASSWORD, KEY)
    for part in ("you read version 1", "version 2 (acknowledged)", "Stopped: severe side effects", "calling her"):
        assert part in answer.text
    assert "flag-actions" not in answer.get_json()["response"]
    assert standing(web) == ("acknowledged", 2)


@pytest.mark.parametrize("minutes", ["", "x", "-5", "4321", "99999999999", "１"])
def test_a_flag_is_put_aside_only_within_the_bounds_of_its_severity(web: Web, minutes: str) -> None:
    assert "Not saved" in act(web, NURSE, "flag-snooze", minutes, "later, surely").text
    assert standing(web) == ("open", 1)


def test_nobody_is_handed_a_flag_of_a_patient_they_do_not_follow(web: Web) -> None:
    with web.database.read() as session:
        stranger = session.scalars(select(Person.id).where(Person.email == STRANGER)).one()
    for to in (str(stranger), "0", "", "x", "9" * 30):
        assert "choose somebody else" in act(web, ONCOLOGIST, "flag-assign", to, "please").text
    with web.database.write() as session:
        team = session.scalars(select(PatientTeam.team_id).where(PatientTeam.patient_id == 1)).one()
        session.add(PersonTeam(person_id=stranger, team_id=team))
    assert "Handed over" in act(web, ONCOLOGIST, "flag-assign", str(stranger), "please").text


def test_what_is_offered_to_put_aside_ends_at_what_the_data_allow() -> None:
    assert {severity: offered[-1] for severity, offered in SNOOZES.items()} == dict(LONGEST_SNOOZE)


def test_the_list_for_the_visit_says_what_the_rule_rests_on_and_missed_and_names_no_dose(web: Web) -> None:
    page = web.call(web.client(NURSE), "shell-page.children", f"/flag/{flag_id(web)}/visit").text
    for part in ("Glucagon", "in the same laboratory", "Fasting state", "did not find it", "SSTR PET?"):
        assert part in page
    for rule in registered():
        for axis in ("marker", "imaging", "skin", "toxicity", "process"):
            items = visit_items(rule=rule.id, axis=axis, analytes=("glucagon",), not_recorded=())
            assert {"measure", "bring"} <= {item.kind for item in items}
            words = " ".join(f"{item.text} {item.why or ''}" for item in items).lower()
            assert not any(word in words for word in (" mg", "increase", "raise", "reduce", "lower the", "shorten"))
