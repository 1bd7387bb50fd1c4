"""The server of PostgreSQL is restarted under load, gracefully and as if by a power cut, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice

import pytest

from data.db import Database, open_database
from data.migrate import upgrade
from tests.faults.conftest import Site
from tests.faults.own_postgresql import OwnPostgresql, own_postgresql
from tests.faults.working import Working

pytestmark = [pytest.mark.alone, pytest.mark.faults]

RESTARTS, BETWEEN_S, AFTER_S = 10, 4.0, 5.0


@pytest.fixture
def server() -> Iterator[OwnPostgresql]:
    with own_postgresql() as server:
        yield server


@pytest.fixture
def database(server: OwnPostgresql, audit_key: bytes) -> Iterator[Database]:
    database = open_database(server.database("clinic"), audit_key)
    upgrade(database)
    yield database
    database.close()


@pytest.mark.timeout(600)
def test_ten_restarts_under_load_lose_nothing_and_everything_goes_on_by_itself(
    server: OwnPostgresql, database: Database, site_of: Callable[[Database], Site], seed: int
) -> None:
    down: list[tuple[float, float]] = []
    with Working(site_of(database), patients=60, people=20, every_s=1.0, rate=5.0, seed=seed) as clinic:
        begun = {name: {one.pid for one in clinic.processes(name)} for name in ("serve", "scheduler", "sender", "mllp")}
        assert all(begun.values())
        for mode in islice(cycle(("fast", "immediate")), RESTARTS):
            clinic.rise()
            time.sleep(BETWEEN_S)
            began = time.monotonic()
            server.restart(mode)
            down.append((began, time.monotonic()))
        time.sleep(AFTER_S)
        clinic.settle()
        clinic.check()
        ended = {name: {one.pid for one in clinic.processes(name)} for name in begun}
    print(f"down for {[round(up - began, 1) for began, up in down]} s; failed: {clinic.failures()}")
    print(f"{len(clinic.ledger.saved)} saves and {len(clinic.ledger.acknowledged)} messages acknowledged")
    assert ended == begun, "a process has died of it"
    late = [one for one in clinic.ledger.failed if not any(a <= one.at <= b + AFTER_S for a, b in down)]
    assert not late, f"failed although the database was there for {AFTER_S} s: {late}"
