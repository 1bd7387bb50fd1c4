"""The disk fails at every single write and flush of a save and of a message, one after the other: nothing that is not
there is called saved, and the next try succeeds without a restart."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from bench.at_work import Door
from data.audit import verify
from data.db import Database, open_database
from data.migrate import upgrade
from data.models import EntrySave, Hl7Message, Record
from data.patients import add_patient
from data.people import add_person, add_team, redeem
from tests.faults.broken_calls import FAULTS, failing
from tests.faults.conftest import SYSTEM, TEAM, Site, wait_until
from tests.faults.own_postgresql import own_postgresql
from tests.jobs.mllp_sender import Laboratory, free_port, oru, wait_for

pytestmark = [pytest.mark.alone, pytest.mark.faults]

EMAIL, PASSWORD = "nurse@clinic.example", "blue kettle, quiet harbour"
MOST_CALLS = 500
RECOVERS_S = 60


@pytest.fixture
def durable(audit_key: bytes) -> Iterator[Database]:
    """A database on a PostgreSQL server of its own, which flushes its log as a site's does."""
    with own_postgresql() as server:
        database = open_database(server.database("clinic"), audit_key)
        upgrade(database)
        yield database
        database.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("calls", "error"), FAULTS)
def test_no_message_is_acknowledged_that_is_not_in_the_file(
    sqlite_database: Database, site_of: Callable[[Database], Site], tmp_path: Path, calls: str, error: str
) -> None:
    site, port = site_of(sqlite_database), free_port()
    receiver = site.start("mllp", "--port", str(port))
    hit = messages(sqlite_database, port, lambda: [receiver.pid], calls, error, tmp_path / "strace.log")
    assert receiver.poll() is None
    with sqlite_database.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    print(f"{hit} calls of {calls} failed with {error}, each once")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("calls", "error"), FAULTS)
def test_no_message_is_acknowledged_that_is_not_in_the_log_of_the_server(
    durable: Database, site_of: Callable[[Database], Site], tmp_path: Path, calls: str, error: str
) -> None:
    site, port = site_of(durable), free_port()
    receiver = site.start("mllp", "--port", str(port))
    hit = messages(durable, port, lambda: backends(durable), calls, error, tmp_path / "strace.log")
    assert receiver.poll() is None
    print(f"{hit} calls of {calls} failed with {error}, each once")


def messages(database: Database, port: int, pids: Callable[[], list[int]], calls: str, error: str, log: Path) -> int:
    """Send a message while its call 1, 2, 3 ... fails, until it has no more of them; how many it had."""
    with database.write() as session:
        born = date(1970, 1, 1)
        add_patient(session, SYSTEM, mrn="M-1", name=None, birth_date=born, sex=None, teams=[], now=datetime.now(UTC))
    wait_for(port)
    assert say(port, "A-0") == ("AA", "A-0")
    for when in count(1):
        assert when < MOST_CALLS
        id = f"A-{when}"
        with failing(pids(), calls, error, when=when, log=log) as injected:
            answer = say(port, id)
        assert wait_until(lambda: answers(database), RECOVERS_S), "the database does not come back"
        assert answer in (None, ("AE", id), ("AA", id))
        assert answer != ("AA", id) or kept(database, id) == 1, "acknowledged and not there"
        assert wait_until(lambda id=id: say(port, id) == ("AA", id), RECOVERS_S), "it does not go on by itself"
        assert kept(database, id) == 1
        if not injected.calls:
            assert answer == ("AA", id)
            break
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == when + 1
        assert verify(session).ok
    assert when > 1, "no call was failed: this run proved nothing"
    return when - 1


def say(port: int, id: str) -> tuple[str, str] | None:
    try:
        with Laboratory(port) as laboratory:
            return laboratory.say(oru(id, filler=f"F-{id}"))
    except OSError:
        return None


def answers(database: Database) -> bool:
    try:
        with database.read() as session:
            return session.execute(text("SELECT 1")).scalar_one() == 1
    except SQLAlchemyError:
        return False


def kept(database: Database, id: str) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).where(Hl7Message.control_id == id)) or 0


def backends(database: Database) -> list[int]:
    """The server's processes that serve others than us."""
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    database.close()
    with database.read() as session:
        return list(session.scalars(text(others)))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("calls", "error"), FAULTS)
def test_no_visit_is_called_saved_that_is_not_in_the_file(
    sqlite_database: Database, site_of: Callable[[Database], Site], tmp_path: Path, calls: str, error: str
) -> None:
    with serving(sqlite_database, site_of(sqlite_database)) as (uuid, door, workers):
        hit = visits(sqlite_database, uuid, door, lambda: workers, calls, error, tmp_path / "strace.log")
    with sqlite_database.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    print(f"{hit} saves met {calls} failing with {error}")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("calls", "error"), FAULTS)
def test_no_visit_is_called_saved_that_is_not_in_the_log_of_the_server(
    durable: Database, site_of: Callable[[Database], Site], tmp_path: Path, calls: str, error: str
) -> None:
    with serving(durable, site_of(durable)) as (uuid, door, _workers):
        hit = visits(durable, uuid, door, lambda: backends(durable), calls, error, tmp_path / "strace.log")
    print(f"{hit} saves met {calls} failing with {error}")


@contextmanager
def serving(database: Database, site: Site) -> Iterator[tuple[str, Door, list[int]]]:
    """A patient, the door of a nurse who has signed in, and the web workers, which outlast it all."""
    port, now = free_port(), datetime.now(UTC)
    with database.write() as session:
        add_team(session, SYSTEM, TEAM, now=now)
        redeem(session, add_person(session, SYSTEM, email=EMAIL, role="nurse", teams=[TEAM], now=now), PASSWORD, now)
        uuid = add_patient(session, SYSTEM, mrn="M-1", name=None, birth_date=None, sex=None, teams=[TEAM], now=now).uuid
    key = str(site.home / "audit.key")
    serve = site.start("serve", "--port", str(port), NADIR_SECRET_KEY_FILE=key, NADIR_ENVIRONMENT="test")
    try:
        wait_for(port, seconds=60)
        door = Door(port)
        door.sign_in(EMAIL, PASSWORD)
        workers = [child.pid for child in psutil.Process(serve.pid).children()]
        yield uuid, door, workers
        assert [child.pid for child in psutil.Process(serve.pid).children()] == workers
    finally:
        for child in psutil.Process(serve.pid).children():
            child.kill()


def visits(
    database: Database, uuid: str, door: Door, pids: Callable[[], list[int]], calls: str, error: str, log: Path
) -> int:
    """Save a visit while its call 1, 2, 3 ... fails, until three in a row had no more of them; how many had one."""
    version, hit, clean = 0, 0, 0
    for when in count(1):
        assert when < MOST_CALLS
        sent = visit(uuid, version, when)
        with failing(pids(), calls, error, when=when, log=log) as injected:
            told = save(door, sent)
        assert wait_until(lambda: answers(database), RECOVERS_S), "the database does not come back"
        assert told != "saved" or standing(database, sent["key"]), "called saved and not there"
        assert wait_until(lambda sent=sent: save(door, sent) == "saved", RECOVERS_S), "it does not go on by itself"
        assert standing(database, sent["key"])
        version, hit = version + 1, hit + bool(injected.calls)
        clean = 0 if injected.calls else clean + 1
        if clean == 3:
            break
    assert hit, "no call was failed: this run proved nothing"
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(EntrySave)) == version
        assert verify(session).ok
    return hit


def visit(uuid: str, version: int, number: int) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT00:00")
    said = {"when": now, "weight": f"{60 + number / 100:.2f}", "heart-rate": "70"}
    return {
        "patient": uuid,
        "key": uuid4().hex,
        "version": version,
        "said": said,
        "confirmed": [],
        "wristband": "",
    }


def save(door: Door, sent: dict[str, Any]) -> str:
    """What the save was answered with; questions are answered with yes."""
    try:
        status, _, answer = door.ask("/p/M-1/entry/visit", json.dumps(sent).encode())
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    if status not in (200, 409):
        return str(status)
    told = json.loads(answer)
    if told["outcome"] == "ask":
        sent["confirmed"] = [question["id"] for question in told["questions"]]
        return save(door, sent)
    return str(told["outcome"])


def standing(database: Database, key: str) -> bool:
    """Whether a save is there, whole."""
    with database.read() as session:
        found = session.get(EntrySave, key)
        if found is None:
            return False
        return session.scalar(select(func.count()).where(Record.batch_id == found.batch_id)) == found.stored
