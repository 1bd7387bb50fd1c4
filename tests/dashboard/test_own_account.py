"""The page of the own account, in the real application: password, authenticator, recovery codes, other sign-ins."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import time_machine
from flask.testing import FlaskClient

from data.throttle import PER_ACCOUNT, account_bucket, reserve
from tests.dashboard.conftest import PASSWORD, Web

ONC = "onc@north.example"
NEW = "seven new grey pebbles"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled()


def sign_in(web: Web, password: str = PASSWORD, **more: str) -> tuple[FlaskClient, Any]:
    client = web.anonymous()
    return client, client.post("/login", data={"email": ONC, "password": password, **more})


def alive(client: FlaskClient) -> bool:
    return client.get("/_dash-layout").status_code == 200


def set_up(client: FlaskClient) -> tuple[pyotp.TOTP, list[str]]:
    """Set an authenticator up as a person does; the recovery codes as shown. Its first code is used up."""
    assert client.post("/account/authenticator", data={"password": PASSWORD}).location == "/account/authenticator"
    shown = client.get("/account/authenticator").text
    secret = re.search(r'class="key">([A-Z2-7 ]+)<', shown)
    assert secret is not None
    totp = pyotp.TOTP(secret[1].replace(" ", ""))
    answer = client.post("/account/authenticator/confirm", data={"code": totp.at(datetime.now(UTC))})
    assert answer.status_code == 200, answer.text
    return totp, re.findall(r"<li>([a-z2-9]{4}(?:-[a-z2-9]{4}){5})</li>", answer.text)


def test_the_password_is_changed_with_the_old_one_and_every_other_sign_in_ends(web: Web) -> None:
    (here, _), (there, _) = sign_in(web), sign_in(web)
    copied = here.get_cookie("nadir")
    assert copied is not None
    for current, new, again, status in [
        ("wrong", NEW, NEW, 403),
        (PASSWORD, NEW, "seven new grey pebble", 400),
        (PASSWORD, "too short", "too short", 400),
        (PASSWORD, "onc@north.example onc", "onc@north.example onc", 400),
    ]:
        answer = here.post("/account/password", data={"current": current, "password": new, "again": again})
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
    answer = here.post("/account/password", data={"current": PASSWORD, "password": NEW, "again": NEW})
    assert (answer.status_code, answer.location) == (303, "/account?done=password")
    assert alive(here)
    assert here.get_cookie("nadir") != copied
    assert not alive(there)
    replay = web.anonymous()
    replay.set_cookie("nadir", copied.value)
    assert not alive(replay)
    assert sign_in(web)[1].status_code == 401
    assert sign_in(web, NEW)[1].status_code == 303


@pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)
def test_an_authenticator_is_set_up_and_asked_for_and_its_picture_needs_no_script(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client, _ = sign_in(web)
        clock.shift(timedelta(seconds=1))
        assert client.post("/account/authenticator", data={"password": "wrong"}).status_code == 403
        totp, recovery = set_up(client)
        assert len(set(recovery)) == 10
        assert "10" in client.get("/account").text
        clock.move_to(start + timedelta(minutes=1))
        fresh, answer = sign_in(web, next="/p/N1")
        assert answer.location == "/login/code?next=%2Fp%2FN1"
        assert not alive(fresh)
        page = fresh.get(answer.location)
        assert page.status_code == 200
        assert "<script" not in page.text
        half = fresh.get_cookie("nadir")
        assert fresh.post("/login/code", data={"code": "000000"}).status_code == 401
        done = fresh.post("/login/code", data={"code": totp.at(datetime.now(UTC)), "next": "/p/N1"})
        assert (done.status_code, done.location) == (303, "/p/N1")
        assert fresh.get_cookie("nadir") != half
        assert alive(fresh)
        other, _ = sign_in(web)
        assert other.post("/login/code", data={"code": recovery[3]}).status_code == 303
        assert alive(other)


def test_the_picture_is_paths_alone_and_the_policy_needs_no_exception(web: Web) -> None:
    client, _ = sign_in(web)
    client.post("/account/authenticator", data={"password": PASSWORD})
    answer = client.get("/account/authenticator")
    picture = answer.text[answer.text.index("<svg") : answer.text.index("</svg>")]
    assert set(re.findall(r"<(\w+)", picture)) <= {"svg", "g", "path"}
    assert not re.search(r"\son\w+=|href|style=", picture)
    assert answer.headers["Content-Security-Policy"] == client.get("/account").headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_needs_the_password_again_is_refused_without_it(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client, _ = sign_in(web)
        clock.shift(timedelta(seconds=1))
        totp, _codes = set_up(client)
        for path in ("/account/authenticator/drop", "/account/recovery"):
            for typed in ("", "wrong", totp.at(start)):
                assert client.post(path, data={"password": typed}).status_code == 403, (path, typed)
        clock.move_to(start + timedelta(minutes=2))
        renewed = client.post("/account/recovery", data={"password": totp.at(datetime.now(UTC))})
        assert renewed.status_code == 200
        assert not set(_codes) & set(re.findall(r"<li>([a-z2-9-]{29})</li>", renewed.text))
        dropped = client.post("/account/authenticator/drop", data={"password": PASSWORD})
        assert dropped.location == "/account?done=dropped"
        assert sign_in(web)[1].location == "/"


def test_a_key_that_was_begun_is_shown_to_nobody_who_did_not_type_the_password(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client, _ = sign_in(web)
        clock.shift(timedelta(seconds=1))
        client.post("/account/authenticator", data={"password": PASSWORD})
        other, _ = sign_in(web)
        assert other.get("/account/authenticator").location == "/account"
        assert client.get("/account/authenticator").status_code == 200
        clock.shift(timedelta(minutes=6))
        assert client.get("/account/authenticator").location == "/account"


def test_other_sign_ins_are_listed_and_ended(web: Web) -> None:
    (here, _), (there, _) = sign_in(web), sign_in(web)
    assert here.get("/account").text.count("<li>") == 2
    assert here.post("/account/elsewhere", data={"password": "wrong"}).status_code == 403
    assert alive(there)
    assert here.post("/account/elsewhere", data={"password": PASSWORD}).location == "/account?done=elsewhere"
    assert alive(here)
    assert not alive(there)
    assert here.get("/account").text.count("<li>") == 1


def test_a_known_browser_is_not_slowed_down_by_guesses_made_elsewhere(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False):
        client, answer = sign_in(web)
        line = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("nadir-device="))
        for flag in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=15552000"):
            assert flag in line
        client.post("/logout")
        with web.database.write() as session:
            guesses = [reserve(session, {account_bucket(ONC): PER_ACCOUNT}, start) for _ in range(12)]
        assert guesses[-1] is not None
        assert sign_in(web)[1].status_code == 429
        assert client.post("/login", data={"email": ONC, "password": PASSWORD}).status_code == 303
        client.post("/logout")
        wrong = [client.post("/login", data={"email": ONC, "password": f"g{n}"}).status_code for n in range(7)]
        assert wrong.count(401) <= 6
        assert wrong[-1] == 429, "a device that was taken away guesses no faster"
        other = {"email": "nurse@south.example", "password": "wrong"}
        assert client.post("/login", data=other).status_code in (401, 429)


@pytest.mark.parametrize("email", ["onc@north.example", "admin@clinic.example", "auditor@clinic.example"])
def test_every_role_has_the_page_and_nobody_else_sees_it(web: Web, email: str) -> None:
    text = web.client(email).get("/account").text
    assert email in text
    assert ("/emergency" in text) == email.startswith("onc")
    for path in ("/account", "/account/authenticator"):
        assert web.anonymous().get(path).location == f"/login?next={path}"
    for path in ("password", "authenticator", "authenticator/confirm", "authenticator/drop", "recovery", "elsewhere"):
        assert web.anonymous().post(f"/account/{path}").status_code == 401


def test_without_a_password_given_there_is_no_page_for_the_code(web: Web) -> None:
    client = web.anonymous()
    assert client.get("/login/code").location == "/login"
    assert client.post("/login/code", data={"code": "123456"}).status_code == 401


def test_the_password_asked_for_again_makes_a_new_id_and_the_old_one_signs_nothing(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client, _ = sign_in(web)
        old = client.get_cookie("nadir")
        clock.move_to(start + timedelta(seconds=1))
        client.post("/account/authenticator", data={"password": PASSWORD})
        new = client.get_cookie("nadir")
        assert old is not None and new is not None and old.value != new.value
        left = web.anonymous()
        left.set_cookie("nadir", old.value)
        assert alive(client) and alive(left), "what the page asked meanwhile is answered"
        assert left.get("/account/authenticator").location == "/account", "it proves nothing"
        assert client.get("/account").text.count("<li>") == 1
        clock.move_to(start + timedelta(seconds=12))
        assert alive(client) and not alive(left)


@pytest.mark.parametrize("with_old", [True, False])
def test_signing_out_ends_both_ids_of_a_sign_in_that_is_being_renewed(web: Web, with_old: bool) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client, _ = sign_in(web)
        old = client.get_cookie("nadir")
        clock.move_to(start + timedelta(seconds=1))
        client.post("/account/authenticator", data={"password": PASSWORD})
        left = web.anonymous()
        assert old is not None
        left.set_cookie("nadir", old.value)
        copied, other = (web.anonymous(), left) if with_old else (left, client)
        if with_old:
            new = client.get_cookie("nadir")
            assert new is not None
            copied.set_cookie("nadir", new.value)
        other.post("/logout")
        assert not alive(copied)


def test_a_new_id_keeps_the_beginning_of_the_sign_in(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client, _ = sign_in(web)
        for hours in range(1, 13):
            for minutes in range(0, 60, 10):
                clock.move_to(start + timedelta(hours=hours - 1, minutes=minutes))
                client.get("/account")
            if hours < 12:
                client.post("/account/authenticator", data={"password": PASSWORD})
        clock.move_to(start + timedelta(hours=12, seconds=1))
        assert not alive(client)
