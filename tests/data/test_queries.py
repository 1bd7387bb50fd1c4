"""Questions on stored values: asked once, answered, closed by who may; every step a row; seen by the team alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from data.audit import verify
from data.db import Database
from data.models import Audit, DataQuery, Team
from data.people import Actor, Forbidden, NotFound
from data.queries import (
    MOVES,
    NotAsked,
    QueryChanged,
    advance,
    ask,
    count_open,
    list_queries,
    queries_about,
    show_query,
)
from tests.data.test_corrections import Room
from tests.data.ward import Ward

WORDS = "Weighed with or without the boots?"


@pytest.fixture
def room(database: Database, now: datetime) -> Room:
    return Room(database, now)


def asked(room: Room, actor: Actor | None = None, words: str = WORDS, key: str | None = None) -> int:
    with room.database.write() as session:
        return ask(
            session,
            actor or room.nurse,
            "P-1",
            str(room.weight),
            words=words,
            key=key or str(uuid4()),
            now=room.now,
        )


def step(room: Room, actor: Actor, query: int, action: str, version: int, words: str = "without") -> str:
    with room.database.write() as session:
        return advance(session, actor, "P-1", query, action, words=words, version=version, now=room.now)  # type: ignore[arg-type]


def test_a_question_is_answered_and_closed_and_every_step_is_kept(room: Room) -> None:
    query = asked(room)
    assert step(room, room.doctor, query, "answer", 1) == "answered"
    assert step(room, room.nurse, query, "again", 2, "Which scale?") == "open"
    assert step(room, room.doctor, query, "answer", 3, "Ward scale") == "answered"
    assert step(room, room.nurse, query, "close", 4, "thanks") == "closed"
    with room.database.read() as session:
        shown = show_query(session, room.doctor, "P-1", query)
        assert [(s.before, s.after, s.words) for s in shown.steps] == [
            (None, "open", WORDS),
            ("open", "answered", "without"),
            ("answered", "open", "Which scale?"),
            ("open", "answered", "Ward scale"),
            ("answered", "closed", "thanks"),
        ]
        assert (shown.asked_by, shown.analyte, shown.about) == (room.nurse.name, "weight", str(room.weight))
        actions = [a for a in session.scalars(select(Audit.action).order_by(Audit.seq)) if a.startswith("query.")]
        assert actions == ["query.ask", "query.answer", "query.again", "query.answer", "query.close"]
        assert verify(session).ok
    with pytest.raises(DatabaseError, match="append-only"), room.database.write() as session:
        session.execute(text("UPDATE data_query_step SET words = 'other'"))


def test_sent_twice_it_is_asked_once(room: Room) -> None:
    key = str(uuid4())
    assert asked(room, key=key) == asked(room, key=key)
    with pytest.raises(NotAsked, match="already"):
        asked(room, words="Another question?", key=key)
    with room.database.read() as session:
        assert count_open(session, room.doctor) == 1


def test_of_two_who_read_the_same_step_the_second_is_told(room: Room) -> None:
    query = asked(room)
    step(room, room.doctor, query, "answer", 1)
    for action in ("answer", "close"):
        with pytest.raises(QueryChanged):
            step(room, room.doctor, query, action, 1)


def test_only_the_steps_of_the_table_are_taken(room: Room) -> None:
    for state, (action, (sources, _)) in ((s, m) for s in ("open", "answered", "closed") for m in MOVES.items()):
        if state in sources:
            continue
        query = asked(room, room.doctor)
        for before in {"open": (), "answered": ("answer",), "closed": ("close",)}[state]:
            step(room, room.doctor, query, before, 1)
        with pytest.raises(NotAsked, match=state):
            step(room, room.doctor, query, action, 1 if state == "open" else 2)


def test_who_did_not_ask_and_is_no_oncologist_does_not_close(room: Room) -> None:
    with room.database.write() as session:
        ward = Ward(session, session.scalars(select(Team).where(Team.name == "NET")).one())
        other = ward.person("other@net.example", "nurse")
    query = asked(room)
    with pytest.raises(Forbidden):
        step(room, other, query, "close", 1)
    assert step(room, other, query, "answer", 1) == "answered"
    assert step(room, room.doctor, query, "close", 2) == "closed"


def test_nobody_outside_the_team_sees_asks_or_answers(room: Room) -> None:
    query = asked(room)
    auditor = Actor("aud@x.example", "auditor", 99)
    for actor, error in ((room.stranger, NotFound), (auditor, Forbidden)):
        with pytest.raises(error):
            asked(room, actor)
        with pytest.raises(error):
            step(room, actor, query, "answer", 1)
    with room.database.read() as session:
        with pytest.raises(NotFound):
            show_query(session, room.stranger, "P-1", query)
        with pytest.raises(NotFound):
            show_query(session, room.nurse, "P-2", query)
        assert (count_open(session, room.stranger), list_queries(session, room.stranger)) == (0, ((), 0))
        assert count_open(session, auditor) == 0


@pytest.mark.parametrize("words", ["", "  ", "?", "x" * 2001, "why\x00"])
def test_a_question_needs_words(room: Room, words: str) -> None:
    with pytest.raises(NotAsked):
        asked(room, words=words)
    query = asked(room)
    with pytest.raises(NotAsked):
        step(room, room.doctor, query, "answer", 1, words)


def test_the_list_is_by_team_and_state_and_what_waits_longest_comes_first(room: Room) -> None:
    old, answered, closed = asked(room), asked(room), asked(room)
    room.now += timedelta(hours=1)
    new = asked(room)
    step(room, room.doctor, answered, "answer", 1)
    step(room, room.doctor, closed, "close", 1)
    with room.database.read() as session:

        def listed(**wanted: str) -> list[int]:
            rows, count = list_queries(session, room.doctor, **wanted)
            assert count == len(rows)
            return [query.id for query in rows]

        assert listed() == [old, new, answered]
        assert listed(state="closed") == [closed]
        assert (listed(team="NET"), listed(team="Elsewhere")) == ([old, new, answered], [])
        assert count_open(session, room.nurse) == 2


def test_a_question_stays_with_its_value_when_that_is_corrected(room: Room) -> None:
    query = asked(room)
    stands = room.correct(room.weight, "64").record
    with room.database.read() as session:
        for about in ([str(room.weight), str(stands)], [str(room.weight)]):
            assert [q.id for q in queries_about(session, room.nurse, "P-1", about)] == [query]
        assert queries_about(session, room.nurse, "P-1", ["sensor:D:2026-01-01"]) == ()
        assert session.scalars(select(DataQuery.record_id)).one() == room.weight
