"""A role that needs a second factor reaches nothing but its own account before one is set up."""

from __future__ import annotations

import re

import pytest

from clinical.protocol import Protocol
from dashboard.app import create_app
from dashboard.inventory import policy_dump, routes
from data.db import Database
from data.settings import Settings
from tests.dashboard.conftest import Web
from tests.dashboard.test_own_account import set_up

ONC, NURSE, ADMIN = "onc@north.example", "nurse@south.example", "admin@clinic.example"
ON_THE_WAY = "/account?done=owed"


@pytest.fixture
def web(clinic: Database, web_settings: Settings, protocol: Protocol) -> Web:
    settings = web_settings.model_copy(update={"second_factor_roles": "oncologist, admin"})
    return Web(create_app(clinic, settings, protocol), clinic, settings)


@pytest.mark.parametrize(("email", "role"), [(ONC, "oncologist"), (ADMIN, "admin")])
def test_without_one_every_address_leads_to_the_account_and_no_callback_answers(
    web: Web, email: str, role: str
) -> None:
    client = web.client(email)
    public = {route["rule"] for route in routes(web.app) if route["public"]}
    led = 0
    for cell in policy_dump(web.app):
        target = cell["target"]
        if cell["role"] != role or cell["decision"] == "deny" or target in public:
            continue
        if cell["kind"] == "callback":
            entry = web.app.callback_map[target]
            nothing = [None] * (len(entry["inputs"]) + len(entry["state"]))
            assert web.call(client, target, *nothing).status_code == 403, target
        elif not target.startswith(("/account", "/language")):
            path = re.sub(r"<[^>]+>", "N1", target)
            answer = client.get(path)
            led += answer.location == ON_THE_WAY
            assert answer.location == ON_THE_WAY or answer.status_code in (403, 404, 405), target
            assert client.post(path, json={}).status_code in (403, 404, 405), target
            assert "CNRY" not in answer.text
    assert led > 10
    assert "Set one up, and everything opens" in client.get(ON_THE_WAY).text
    assert client.post("/language", data={"language": "de"}).status_code == 303
    assert client.post("/logout").status_code == 303


def test_once_it_is_set_up_everything_opens(web: Web) -> None:
    client = web.client(ONC)
    set_up(client)
    assert client.get("/p/N1").status_code == 200
    assert "CNRY-N1" in web.call(client, "shell-page.children", "/p/N1").text


def test_a_role_that_is_not_named_goes_on_without(web: Web) -> None:
    assert web.client(NURSE).get("/p/S1").status_code == 200


@pytest.mark.parametrize("roles", ["wizard", "oncologist,service", "oncologist,,admin"])
def test_what_is_no_role_that_signs_in_stops_the_start(roles: str) -> None:
    with pytest.raises(ValueError, match="is no role that signs in"):
        Settings(second_factor_roles=roles, _env_file=None)
