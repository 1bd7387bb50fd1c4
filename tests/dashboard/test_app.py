"""The application with its real pages: it starts, its lists are whole, and no role reaches more than they say."""

from __future__ import annotations

import random
import re
import string
from collections import Counter
from pathlib import Path

import pytest

from clinical.protocol import Protocol
from dashboard.app import PAGES, create_app
from dashboard.inventory import callback_policies, policy_dump, routes
from data.db import Database
from data.settings import Settings, SettingsError
from tests.dashboard.conftest import ROLES_OF, Web

SEED = 20261128


@pytest.fixture
def web(clinic: Database, web_settings: Settings, protocol: Protocol) -> Web:
    return Web(create_app(clinic, web_settings, protocol), clinic, web_settings)


def test_every_page_is_a_route_under_its_own_policy(web: Web) -> None:
    rules = {route["rule"]: route for route in routes(web.app)}
    for page in PAGES:
        assert rules[page.ROUTE.pattern]["methods"] == ["GET"]
        assert not rules[page.ROUTE.pattern]["public"]


def test_nobody_gets_a_page_a_callback_or_a_word_of_either_without_signing_in(web: Web) -> None:
    chance, client = random.Random(SEED), web.anonymous()
    letters = string.ascii_lowercase + string.digits + "/-_.%"
    invented = ["/" + "".join(chance.choices(letters, k=chance.randrange(1, 40))) for _ in range(50)]
    closed = [re.sub(r"<[^>]+>", "N1", route["rule"]) for route in routes(web.app) if not route["public"]]
    ids, answers = set(web.app.callback_map), Counter[int]()
    for path in (*closed, "/_mcp", "/_dash-layout", "/_dash-dependencies", "/assets/x", *invented):
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = client.open(path, method=method)
            answers[answer.status_code] += 1
            assert answer.status_code not in (200, 500), (method, path)
            assert "CNRY-" not in answer.text
            assert not any(name in answer.text for name in ids)
    print(f"B1: {answers.total()} requests, answers {dict(answers)}")


def test_no_callback_runs_without_a_sign_in_whatever_the_body_says(web: Web) -> None:
    client, answers = web.anonymous(), Counter[int]()
    for name, entry in web.app.callback_map.items():
        if "callback" not in entry:
            continue
        body = web.body(name, *[None] * (len(entry["inputs"]) + len(entry["state"])))
        way_in = {"id": "shell-location", "property": "pathname", "value": "/login"}
        for sent in (body, body | {"inputs": [*body["inputs"], way_in]}, body | {"inputs": [way_in]}):
            answers[client.post("/_dash-update-component", json=sent).status_code] += 1
    print(f"B2: {answers.total()} callback requests, answers {dict(answers)}")
    assert set(answers) == {401}
    assert answers[401] >= 60


@pytest.mark.parametrize("email", list(ROLES_OF))
def test_every_callback_answers_each_role_as_the_policy_dump_says(web: Web, email: str) -> None:
    role = ROLES_OF[email][0]
    decisions = {
        cell["target"]: cell["decision"]
        for cell in policy_dump(web.app)
        if cell["role"] == role and cell["kind"] == "callback"
    }
    assert decisions.keys() == callback_policies(web.app).keys()
    client = web.client(email)
    for target, decision in decisions.items():
        entry = web.app.callback_map[target]
        nothing = [None] * (len(entry["inputs"]) + len(entry["state"]))
        answer = web.call(client, target, *nothing)
        if decision == "deny":
            assert answer.status_code == 403, target
        else:
            assert answer.status_code != 403, target
            assert answer.status_code < 500, (target, answer.text)


def test_an_unusable_secret_stops_the_start(
    clinic: Database, web_settings: Settings, protocol: Protocol, tmp_path: Path
) -> None:
    for content, mode, why in [
        (b"short", 0o600, "5 bytes"),
        (b"changeme-changeme-changeme-changeme", 0o600, "sample"),
        (b"0123456789abcdef-secret-of-the-tests", 0o644, "read by others"),
    ]:
        path = tmp_path / "bad.key"
        path.write_bytes(content)
        path.chmod(mode)
        with pytest.raises(SettingsError, match=why):
            create_app(clinic, web_settings.model_copy(update={"secret_key_file": path}), protocol)


@pytest.mark.parametrize("pathname", ["/", "/patients", "/p/N1"])
def test_pages_open_and_show_nothing_of_another_teams_patient(web: Web, pathname: str) -> None:
    client = web.client("onc@north.example")
    assert client.get(pathname).status_code == 200
    answer = web.call(client, "shell-page.children", pathname)
    assert answer.status_code == 200, answer.text
    assert "CNRY-S1" not in answer.text
    assert "CNRY-N1" in web.call(client, "shell-page.children", "/p/N1").text


@pytest.mark.parametrize("pathname", ["/p/S1", "/p/S9", "/flag/none", "/nothing"])
def test_what_the_person_may_not_see_and_what_is_not_there_answer_alike(web: Web, pathname: str) -> None:
    client = web.client("onc@north.example")
    assert client.get(pathname).status_code == 404
    answer = web.call(client, "shell-page.children", pathname)
    assert answer.status_code == 404
    assert "CNRY" not in answer.text
