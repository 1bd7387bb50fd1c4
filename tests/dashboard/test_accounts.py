"""Signing in and out in the real application: cookies, one-time links, throttles, time limits, what is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.http import parse_cookie

from data.audit import verify
from data.models import Audit
from data.people import Actor, disable, invite, set_role
from tests.dashboard.conftest import PASSWORD, Web

ROOT = Actor.system("test")
ONC = "onc@north.example"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled()


def _sign_in(client: FlaskClient, email: str = ONC, password: str = PASSWORD) -> Any:
    return client.post("/login", data={"email": email, "password": password})


def _cookie(answer: Any, name: str = "nadir") -> str:
    return next(value for line in answer.headers.getlist("Set-Cookie") if (value := parse_cookie(line).get(name)))


def _alive(web: Web, cookie: str, name: str = "nadir") -> bool:
    client = web.anonymous()
    client.set_cookie(name, cookie)
    return client.get("/_dash-layout").status_code == 200


def test_a_person_signs_in_and_out(web: Web) -> None:
    client = web.anonymous()
    answer = _sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/_dash-layout").status_code == 200
    assert client.post("/logout").location == "/login?left=1"
    assert client.get("/_dash-layout").status_code == 401


def test_a_cookie_copied_before_signing_out_is_worth_nothing_after(web: Web) -> None:
    client = web.anonymous()
    cookie = _cookie(_sign_in(client))
    assert _alive(web, cookie)
    client.post("/logout")
    assert not _alive(web, cookie)


@pytest.mark.parametrize("event", ["password", "role", "disable"])
def test_a_copied_cookie_dies_with_the_password_the_role_and_the_account(web: Web, event: str) -> None:
    cookie, now = _cookie(_sign_in(web.anonymous())), datetime.now(UTC)
    if event == "password":
        with web.database.write() as session:
            token = invite(session, ROOT, ONC, now=now)
        chosen = {"password": "seven new grey pebbles", "again": "seven new grey pebbles"}
        assert web.anonymous().post(f"/welcome/{token}", data=chosen).location == "/login?chosen=1"
    else:
        with web.database.write() as session:
            if event == "role":
                set_role(session, ROOT, ONC, "nurse", now=now)
            else:
                disable(session, ROOT, ONC, now=now)
    assert not _alive(web, cookie)


def test_the_session_id_is_new_at_every_sign_in_and_a_planted_one_stays_worthless(web: Web) -> None:
    client = web.anonymous()
    client.set_cookie("nadir", "planted-by-someone-else")
    first = _cookie(_sign_in(client))
    assert first != "planted-by-someone-else"
    assert not _alive(web, "planted-by-someone-else")
    second = _cookie(_sign_in(client))
    assert second != first
    assert not _alive(web, first)


def test_over_https_the_cookie_is_bound_to_the_host(assembled: Callable[..., Web]) -> None:
    web = assembled(base_url="https://nadir.clinic.example", trusted_hosts="")
    client = web.app.server.test_client()
    answer = client.post("/login", data={"email": ONC, "password": PASSWORD}, base_url="https://nadir.clinic.example")
    line = answer.headers["Set-Cookie"]
    assert line.startswith("__Host-nadir=")
    for flag in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"):
        assert flag in line
    assert "Domain" not in line
    assert len(_cookie(answer, "__Host-nadir")) >= 43
    device = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-nadir-device="))
    for flag in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"):
        assert flag in device
    assert "Domain" not in device
    assert all(len(line) <= 4096 for line in answer.headers.getlist("Set-Cookie"))
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_over_plain_http_the_cookie_has_another_name_and_no_secure(web: Web) -> None:
    line = _sign_in(web.anonymous()).headers["Set-Cookie"]
    assert line.startswith("nadir=")
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Secure" not in line
    assert "Strict-Transport-Security" not in web.anonymous().get("/login").headers


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(web: Web) -> None:
    answers = [_sign_in(web.anonymous(), email, "wrong") for email in (ONC, "xyz@north.example", "service@x.example")]
    assert {answer.status_code for answer in answers} == {401}
    texts = {
        answer.text.replace(email, "")
        for answer, email in zip(answers, (ONC, "xyz@north.example", "service@x.example"), strict=True)
    }
    assert len(texts) == 1
    assert {frozenset(answer.headers.keys()) for answer in answers} == {frozenset(answers[0].headers.keys())}


def test_what_was_typed_is_shown_as_text(web: Web) -> None:
    answer = _sign_in(web.anonymous(), '"><script>alert(1)</script>{{7*7}}', "wrong")
    assert "<script>alert" not in answer.text
    assert "{{7*7}}" in answer.text


def test_many_guesses_are_slowed_down_and_the_true_password_waits_too(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        codes = [_sign_in(web.anonymous(), ONC, f"guess {number}").status_code for number in range(12)]
        assert codes[0] == 401
        assert codes[-1] == 429
        answer = _sign_in(web.anonymous())
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        clock.move_to(start + timedelta(seconds=60))
        assert _sign_in(web.anonymous()).status_code == 303


def test_polling_is_no_activity_and_a_click_is(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client = web.anonymous()
        _sign_in(client)
        for minutes in (5, 10, 14):
            clock.move_to(start + timedelta(minutes=minutes))
            assert web.call(client, "shell-person.children", 1).status_code == 200
        clock.move_to(start + timedelta(minutes=16))
        assert web.call(client, "shell-person.children", 1).status_code == 401

        client = web.anonymous()
        _sign_in(client)
        for minutes in (26, 36, 46):
            clock.move_to(start + timedelta(minutes=minutes))
            assert web.call(client, "shell-page.children", "/nothing").status_code == 404
        assert client.get("/_dash-layout").status_code == 200


def test_no_sign_in_outlives_the_absolute_limit(assembled: Callable[..., Web]) -> None:
    web = assembled(idle_s=100, absolute_s=300)
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client = web.anonymous()
        _sign_in(client)
        for seconds in (90, 180, 270):
            clock.move_to(start + timedelta(seconds=seconds))
            assert web.call(client, "shell-page.children", "/nothing").status_code == 404
        clock.move_to(start + timedelta(seconds=301))
        assert web.call(client, "shell-page.children", "/nothing").status_code == 401


def test_a_one_time_link_chooses_a_password_once(web: Web) -> None:
    with web.database.write() as session:
        token = invite(session, ROOT, ONC, now=datetime.now(UTC))
    client, words = web.anonymous(), "seven new grey pebbles"
    assert ONC in client.get(f"/welcome/{token}").text
    assert ONC in client.get(f"/welcome/{token}").text
    for password, again, status in [
        ("too short", "too short", 400),
        (words, "seven new grey pebble", 400),
        ("onc@north.example onc", "onc@north.example onc", 400),
        (words, words, 303),
        (words, words, 404),
    ]:
        answer = client.post(f"/welcome/{token}", data={"password": password, "again": again})
        assert answer.status_code == status, answer.text
    assert client.get(f"/welcome/{token}").status_code == 404
    assert _sign_in(web.anonymous(), ONC, words).status_code == 303
    assert client.get("/welcome/%00nothing").status_code == 404


def test_sign_ins_good_and_bad_are_written_down_without_what_was_typed(web: Web) -> None:
    _sign_in(web.anonymous(), ONC, "a wrong password typed here")
    _sign_in(web.anonymous(), "mistyped-password@as.name", "x")
    _sign_in(web.anonymous())
    with web.database.read() as session:
        rows = session.scalars(select(Audit).where(Audit.action == "signin").order_by(Audit.seq)).all()
        assert [(row.actor, row.outcome) for row in rows] == [(ONC, "denied"), ("unknown", "denied"), (ONC, "ok")]
        for row in rows:
            assert row.source == "127.0.0.1"
            assert row.request_id
        assert verify(session).ok


def test_the_sign_in_page_needs_no_script_and_names_its_fields(web: Web) -> None:
    text = web.anonymous().get("/login?next=/p/N1").text
    assert "<script" not in text
    assert '<html lang="en"' in text
    assert text.count("<h1>") == 1
    for field in ("email", "password"):
        assert f'<label for="{field}">' in text
        assert f'id="{field}"' in text
    assert 'name="next" value="/p/N1"' in text


def test_after_signing_in_people_arrive_where_they_wanted_to_go(web: Web) -> None:
    answer = web.anonymous().post("/login", data={"email": ONC, "password": PASSWORD, "next": "/p/N1"})
    assert answer.location == "/p/N1"
