"""What goes to PostgreSQL goes in few journeys, fails as SQLAlchemy fails, and each statement sees the one before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from data.announcing import MailPolicy
from data.audit import verify
from data.db import Database, open_database
from data.intake.hl7_feed import Desk, receive
from data.intake.hl7_letter import Arrived
from data.journeys import array, ask, one_of, tell
from data.models import Record
from data.patients import add_patient
from data.people import Actor
from tests.data.journeys_counted import Door, counted
from tests.jobs.mllp_sender import PID, oru

SYSTEM = Actor.system("test")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MOST_JOURNEYS = 9
WARM = 8


@pytest.fixture
def door(postgresql_database: Database) -> Iterator[Door]:
    with counted(postgresql_database.engine.url) as found:
        yield found


@pytest.mark.parametrize("together", [1, 8])
def test_messages_of_a_laboratory_cost_nine_journeys_to_the_database_however_many_come_together(
    door: Door, audit_key: bytes, together: int
) -> None:
    database = open_database(door.url.render_as_string(hide_password=False), audit_key)
    desk = Desk(SYSTEM, ZoneInfo("Europe/Berlin"), MailPolicy("clinic.example", time(7), ZoneInfo("Europe/Berlin")))
    with database.write() as session:
        for number in range(together):
            mrn, born = f"M-{number}", date(1970, 1, 1)
            add_patient(session, SYSTEM, mrn=mrn, name=None, birth_date=born, sex=None, teams=[], now=NOW)
    journeys = []
    # The driver prepares a statement once it has met it a few times; what it does then is what a feed costs.
    for turn in range(WARM + 3):
        before = door.journeys
        arrived = []
        for number in range(together):
            named, pid = f"{turn}-{number}", PID.replace("M-1", f"M-{number}")
            message = oru(f"A-{named}", pid=pid, value=str(800 + turn), filler=f"F{named}")
            arrived.append(Arrived(message, "10.0.0.7"))
        with database.write() as session:
            answers = receive(session, desk, arrived, now=NOW)
        journeys.append(door.journeys - before)
        assert all(answer is not None and b"MSA|AA" in answer for answer in answers)
    with database.read() as session:
        stored = session.execute(select(Record.patient_id, func.count()).group_by(Record.patient_id)).all()
        assert [count for _, count in stored] == [WARM + 3] * together
        assert verify(session).ok
    database.close()
    assert max(journeys[WARM:]) <= MOST_JOURNEYS, journeys


def test_each_statement_sees_the_one_before_it(database: Database) -> None:
    with database.write() as session:
        tell(session, [("INSERT INTO team (name) VALUES (%s)", [("A",), ("B",)])])
        named, counted_ = ask(
            session,
            ("SELECT name FROM team WHERE name <> %s ORDER BY name", ("C",)),
            ("SELECT count(*) FROM team", ()),
        )
        assert ([name for (name,) in named], counted_[0][0]) == (["A", "B"], 2)


def test_what_fails_among_others_fails_as_anywhere_else_and_takes_them_with_it(database: Database) -> None:
    twice = ("INSERT INTO team (name) VALUES (%s)", [("A",), ("A",)])
    with pytest.raises(IntegrityError), database.write() as session:
        tell(session, [twice])
    with database.read() as session:
        assert ask(session, ("SELECT name FROM team", ())) == [[]]


def test_a_connection_that_was_cut_is_said_so_and_the_next_transaction_has_another(
    postgresql_database: Database,
) -> None:
    with pytest.raises(OperationalError) as cut, postgresql_database.write() as session:
        ((pid,),) = ask(session, ("SELECT pg_backend_pid()", ()))[0]
        with postgresql_database.write() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        ask(session, ("SELECT 1", ()))
    assert cut.value.connection_invalidated
    with postgresql_database.read() as session:
        assert ask(session, ("SELECT 1", ())) == [[(1,)]]


def test_a_list_arrives_as_it_was_whatever_its_texts_hold(postgresql_database: Database) -> None:
    texts = ["plain", "", 'quo"ted', "back\\slash", "{a,b}", "NULL", " \t\n", "\u00e4\u2713", "it's %s"]
    with postgresql_database.read() as session:
        questions = [
            (f"SELECT * FROM unnest(%s::{type}[])", (array(values),))
            for type, values in (("text", [*texts, None]), ("bigint", [-1, 2**62]), ("bytea", [b"\x00\xff", b""]))
        ]
        assert [[value for (value,) in found] for found in ask(session, *questions)] == [
            [*texts, None],
            [-1, 2**62],
            [b"\x00\xff", b""],
        ]
        among, given = one_of(session, texts)
        assert ask(session, (f"SELECT 'NULL' {among}, 'b' {among}", (given, given))) == [[(True, False)]]
        among, given = one_of(session, [])
        assert ask(session, (f"SELECT 1 {among}", (given,))) == [[(False,)]]
