"""Emergency access in the real application: what opens, what is told, and that nothing gives away who is known here."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from dash import html
from sqlalchemy import func, select

from dashboard.policy import CLINICAL, Policy
from dashboard.routing import Route
from data.emergency import PER_PERSON
from data.models import Emergency, Outbox, Person
from data.throttle import reserve
from tests.dashboard.conftest import PASSWORD, Web

ONC = "onc@north.example"
WHY = "found unconscious, nobody of South to be had"


def _patient_page() -> Any:
    return SimpleNamespace(
        ROUTE=Route("/p/<mrn>", "Patient", Policy(CLINICAL, patient_argument="mrn")),
        layout=lambda mrn: html.H1(f"CNRY-{mrn}-page"),
        register=lambda _app: None,
    )


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(_patient_page(), privacy_mail="privacy@clinic.example")


def _form(mrn: str, why: str = WHY, password: str = PASSWORD) -> dict[str, str]:
    return {"mrn": mrn, "reason": why, "password": password}


def _alike(answer: Any) -> tuple[Any, ...]:
    request_id = answer.headers["X-Request-Id"]
    return answer.status_code, answer.text.replace(request_id, ""), sorted(answer.headers.keys())


def _count(web: Web, table: Any) -> int:
    with web.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_clinician_opens_one_patient_for_an_hour(web: Web) -> None:
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        client = web.anonymous()
        client.post("/login", data={"email": ONC, "password": PASSWORD})
        refused = client.get("/p/S1")
        assert refused.status_code == 404
        assert 'href="/emergency"' in refused.text
        clock.shift(timedelta(seconds=5))
        answer = client.post("/emergency", data=_form("S1"))
        assert (answer.status_code, answer.location) == (303, "/p/S1")
        assert client.get("/p/S1").status_code == 200
        assert "CNRY-S1-page" in web.call(client, "shell-page.children", "/p/S1", "").text
        assert _count(web, Emergency) == _count(web, Outbox) == 1
        clock.shift(timedelta(minutes=14))
        for _ in range(4):
            assert client.get("/p/S1").status_code == 200
            clock.shift(timedelta(minutes=11, seconds=20))
        clock.shift(timedelta(minutes=1))
        assert client.get("/p/S1").status_code == 404


def test_nothing_tells_a_known_number_from_an_unknown_one_until_it_is_opened(web: Web) -> None:
    client = web.client(ONC)
    assert _alike(client.get("/p/S1")) == _alike(client.get("/p/X1"))
    for why, password, status in [("short", PASSWORD, 400), (WHY, "wrong", 403), (WHY, "", 403)]:
        known = client.post("/emergency", data=_form("S1", why, password))
        unknown = client.post("/emergency", data=_form("X1", why, password))
        assert known.status_code == status
        without_number = [(a[0], a[1].replace("S1", "").replace("X1", ""), a[2]) for a in map(_alike, (known, unknown))]
        assert without_number[0] == without_number[1]
    assert _count(web, Emergency) == _count(web, Outbox) == 0
    unknown = client.post("/emergency", data=_form("X1"))
    before = client.get("/p/X1")
    assert (unknown.status_code, unknown.location) == (303, "/p/X1")
    assert _alike(before) == _alike(client.get("/p/X1"))
    assert "S1" not in before.text
    assert _count(web, Emergency) == 0


@pytest.mark.parametrize("email", ["admin@clinic.example", "auditor@clinic.example"])
def test_who_is_no_clinician_gets_one_answer_for_every_number(web: Web, email: str) -> None:
    client = web.client(email)
    answers = [client.post("/emergency", data=_form(mrn)) for mrn in ("S1", "X1")]
    assert {answer.status_code for answer in answers} == {403}
    assert client.get("/emergency").status_code == 403
    assert web.anonymous().post("/emergency", data=_form("S1")).status_code == 401
    assert web.anonymous().get("/emergency").location == "/login?next=/emergency"
    assert _count(web, Emergency) == 0


def test_numbers_are_not_tried_one_after_the_other(web: Web) -> None:
    client = web.client(ONC)
    with web.database.write() as session:
        person_id = session.scalars(select(Person.id).where(Person.email == ONC)).one()
        for _ in range(10):
            reserve(session, {f"emergency:{person_id}": PER_PERSON}, datetime.now(UTC))
    assert client.post("/emergency", data=_form("S1")).status_code == 429
    assert client.get("/p/S1").status_code == 404


@pytest.mark.parametrize("mrn", ["", "a/../S1", "S1/visit", "/S1", "x" * 121, "S1\x00", "\ud800"])
def test_what_is_no_number_leads_nowhere(web: Web, mrn: str) -> None:
    answer = web.client(ONC).post("/emergency", data=_form(mrn.encode("utf-8", "replace").decode()))
    assert answer.status_code in (303, 400)
    assert re.fullmatch(r"/p/[^/]+", answer.location or "/p/none")
    assert _count(web, Emergency) == 0


def test_while_a_patient_is_open_every_page_says_so_and_afterwards_none(web: Web) -> None:
    start, words = datetime(2026, 11, 28, 9, 0, tzinfo=UTC), "is open to you until 28 Nov 2026 10:00 UTC"
    with time_machine.travel(start, tick=False) as clock:
        client = web.anonymous()
        client.post("/login", data={"email": ONC, "password": PASSWORD})

        def said() -> list[bool]:
            frame = web.call(client, "shell-person.children", 1).text
            return [words in text for text in (frame, client.get("/account").text, client.get("/emergency").text)]

        assert said() == [False] * 3
        client.post("/emergency", data=_form("S9"))
        assert said() == [False] * 3, "there is no such patient"
        client.post("/emergency", data=_form("S1"))
        assert said() == [True] * 3
        assert words not in client.get("/p/NOBODY").text, "where the database may be away nothing is asked of it"
        for minutes in (14, 28, 42, 56):
            clock.move_to(start + timedelta(minutes=minutes))
            client.get("/account")
        clock.move_to(start + timedelta(minutes=61))
        assert said() == [False] * 3
