"""The pages of data queries: asked from a value, listed and counted for the team, answered and closed by who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.language import speaking
from dashboard.pages import ask, correct, patient, queries, query, visit
from data.models import DataQuery, DataQueryStep
from data.people import Actor, add_person, redeem
from tests.dashboard.conftest import PASSWORD, Web
from tests.dashboard.test_correction_page import ADMIN, NURSE, ONC, Desk, text
from tests.dashboard.test_entry_route import STRANGE

COLLEAGUE = "colleague@north.example"
WORDS = "With or without the boots?"
WORDS_OF_A_KIND = ("NaN", "1e309", "Infinity")
KEY = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def desk(assembled: Callable[..., Web]) -> Desk:
    return Desk(assembled(visit, patient, correct, ask, query, queries))


def colleague(desk: Desk) -> str:
    """A nurse of the same team."""
    root, now = Actor.system("test"), datetime.now(UTC)
    with desk.web.database.write() as session:
        redeem(
            session, add_person(session, root, email=COLLEAGUE, role="nurse", teams=["North"], now=now), PASSWORD, now
        )
    return COLLEAGUE


def send(desk: Desk, words: Any = WORDS, email: str = ONC, **other: Any) -> Any:
    sent = {"mrn": "N1", "record": desk.record, "key": KEY} | other
    client = desk.web.client(email)
    return desk.web.call(client, "ask-said.children", 1, sent["mrn"], sent["record"], sent["key"], words)


def step(desk: Desk, button: str, words: Any = "without", email: str = ONC, **other: Any) -> Any:
    sent = {"mrn": "N1", "query": "1", "version": 1} | other
    callback = next(
        name
        for name, e in desk.web.app.callback_map.items()
        if e["inputs"] and e["inputs"][0]["id"] == f"query-{button}"
    )
    return desk.web.call(desk.web.client(email), callback, 1, sent["mrn"], sent["query"], sent["version"], words)


def page(desk: Desk, path: str, search: str = "", email: str = ONC) -> Any:
    return desk.web.call(desk.web.client(email), "shell-page.children", path, search)


def waiting(desk: Desk, email: str) -> str:
    return text(desk.web.call(desk.web.client(email), "shell-person.children", 1))


def test_a_question_goes_from_the_value_to_the_list_to_its_answer(desk: Desk) -> None:
    nurse = colleague(desk)
    assert "Asked." in text(send(desk)) and "Asked." in text(send(desk))
    assert '"shell-count-questions": {"children": {' in waiting(desk, nurse)
    listed = text(page(desk, "/queries", email=nurse))
    assert WORDS in listed and "/p/N1/query/1" in listed and "1 question" in listed
    assert WORDS in text(page(desk, f"/p/N1/record/{desk.record}/ask", email=nurse))
    drawer = desk.web.call(desk.client, "patient-provenance.children", {"record": desk.record, "count": 1}, "N1")
    assert WORDS in text(drawer)
    shown = text(page(desk, "/p/N1/query/1", email=nurse))
    assert "61 kg" in shown and WORDS in shown
    assert "Stored." in text(step(desk, "answer", email=nurse))
    assert "cannot take this step" in text(step(desk, "answer", version=2))
    assert "answered or closed it meanwhile" in text(step(desk, "close", version=1))
    assert '"shell-count-questions": {"children": null}' in waiting(desk, nurse)
    assert "Not stored: a question is closed by who asked it" in text(step(desk, "close", version=2, email=nurse))
    assert "Stored." in text(step(desk, "again", "Which scale?", version=2))
    assert "Stored." in text(step(desk, "close", "clear now", version=3))
    assert "No question waits here" in text(page(desk, "/queries"))
    for search, said in (
        ("?state=closed", WORDS),
        ("?state=closed&team=South", "No question"),
        ("?state=x", "No question"),
    ):
        assert said in text(page(desk, "/queries", search))
    with desk.web.database.read() as session:
        assert [s.to_state for s in session.scalars(select(DataQueryStep).order_by(DataQueryStep.id))] == [
            "open",
            "answered",
            "open",
            "closed",
        ]


def test_other_teams_and_roles_see_and_do_nothing(desk: Desk) -> None:
    send(desk)
    for email, code in ((NURSE, 404), (ADMIN, 403)):
        for path in (f"/p/N1/record/{desk.record}/ask", "/p/N1/query/1"):
            assert page(desk, path, email=email).status_code == code
        assert send(desk, email=email).status_code == code
        assert step(desk, "answer", email=email).status_code == code
    assert WORDS not in text(page(desk, "/queries", "?state=open", email=NURSE))
    assert page(desk, "/queries", email=ADMIN).status_code == 403
    assert desk.web.anonymous().get("/queries").status_code == 302
    for path in ("/p/N1/query/2", "/p/N1/query/x", "/p/N2/query/1", "/p/N1/query/" + "9" * 30, "/p/N1/record/9/ask"):
        assert page(desk, path).status_code == 404, path
    assert step(desk, "answer", query="7").status_code == 404


def test_strange_words_keys_and_numbers_ask_nothing(desk: Desk) -> None:
    for strange in STRANGE:
        asked = [send(desk, key=strange), send(desk, record=strange)]
        if strange not in WORDS_OF_A_KIND:
            asked.append(send(desk, strange))
        for answer in asked:
            assert answer.status_code in (200, 400), str(strange)[:40]
            assert answer.status_code == 400 or "Not asked" in answer.text
        assert send(desk, mrn=strange).status_code in (400, 404)
    with desk.web.database.read() as session:
        assert session.scalars(select(DataQuery.id)).all() == []
    send(desk)
    for strange in STRANGE:
        if strange not in WORDS_OF_A_KIND:
            assert step(desk, "answer", strange).status_code in (200, 400)
        assert step(desk, "close", query=strange).status_code in (400, 404)
        assert step(desk, "close", version=strange).status_code in (200, 400)
    with desk.web.database.read() as session:
        assert session.scalars(select(DataQuery.state)).all() == ["open"]


def test_the_pages_speak_german(desk: Desk) -> None:
    send(desk)
    with speaking("en"):
        desk.client.post("/language", data={"language": "de"})
        assert "Rückfragen" in text(page(desk, "/queries"))
        assert "Nicht gefragt: schreiben Sie 3 bis 2000 Zeichen." in text(send(desk, "?"))
