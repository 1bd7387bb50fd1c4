"""L6: twenty writers of a hundred audit rows each: no gap, no fork, and how many rows a second that is."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime

import pytest

from data.audit import verify, write_audit
from data.db import Database, open_database
from data.people import Actor

WRITERS, ROWS = 20, 100
# Reference of the requirement; on SQLite each row is a commit of the one file, so nothing is asked there.
LEAST_A_SECOND = {"postgresql": 300.0, "sqlite": 0.0}

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]


def test_twenty_writers_leave_one_chain(database: Database) -> None:
    url, name = database.engine.url.render_as_string(hide_password=False), database.engine.dialect.name
    with multiprocessing.get_context("spawn").Pool(WRITERS) as pool:
        spans = pool.starmap(_write, [(url, database.audit_key, number) for number in range(WRITERS)], chunksize=1)
    took = max(ended for _began, ended in spans) - min(began for began, _ended in spans)
    with database.read() as session:
        report = verify(session)
    rate = WRITERS * ROWS / took
    print(f"L6 {name}: {report.rows} rows by {WRITERS} processes in {took:.1f} s, {rate:.0f} a second, ok {report.ok}")
    assert (report.ok, report.rows) == (True, WRITERS * ROWS)
    assert rate >= LEAST_A_SECOND[name]


def _write(url: str, audit_key: bytes, number: int) -> tuple[float, float]:
    database, began = open_database(url, audit_key), time.time()
    for _row in range(ROWS):
        with database.write() as session:
            write_audit(session, Actor.system("test"), f"writer.{number}", now=datetime.now(UTC))
    ended = time.time()
    database.close()
    return began, ended
