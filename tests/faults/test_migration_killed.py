"""kill -9 in the middle of migrating, again and again: the tables are of before or of after, never between."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from data.db import Database, open_database
from data.migrate import check, downgrade, head_revision, upgrade

pytestmark = pytest.mark.alone

CONTEXT = multiprocessing.get_context("fork")
BEFORE = "0006"


@pytest.fixture
def seed() -> int:
    chosen = random.randrange(10**9)
    print(f"seed {chosen}")
    return chosen


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_sixty_kills_leave_old_or_new_tables(database: Database, seed: int) -> None:
    kill_migrators(database, seed, kills=60)


@pytest.mark.timeout(120)
def test_a_few_kills_leave_old_or_new_tables(database: Database, seed: int) -> None:
    kill_migrators(database, seed, kills=6)


def test_of_two_migrators_at_once_one_migrates_and_the_other_finds_it_done(database: Database) -> None:
    downgrade(database, BEFORE)
    database.close()
    both = [CONTEXT.Process(target=upgrade, args=(reopened(database),)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert check(database) == []


def kill_migrators(database: Database, seed: int, *, kills: int) -> None:
    chance, hits = random.Random(seed), 0
    took = max(timed(upgrade_child, database), 0.2)
    for way, old, new in [(upgrade_child, BEFORE, head_revision()), (downgrade_child, head_revision(), BEFORE)]:
        for _ in range(kills // 2):
            database.close()
            process = CONTEXT.Process(target=way, args=(reopened(database),))
            process.start()
            time.sleep(chance.uniform(0, took))
            hits += process.is_alive()
            process.kill()
            process.join()
            assert revision(database) in (old, new)
            if revision(database) == head_revision():
                assert check(database) == []
            (downgrade_child if way is upgrade_child else upgrade_child)(reopened(database))
    upgrade(database)
    assert check(database) == []
    print(f"{kills} kills, {hits} of them while it migrated")
    assert hits > kills // 4, "too few kills hit a migration under way: this run proved little"


def timed(way: Callable[[Database], None], database: Database) -> float:
    downgrade_child(reopened(database))
    began = time.monotonic()
    process = CONTEXT.Process(target=way, args=(reopened(database),))
    process.start()
    process.join()
    took = time.monotonic() - began
    downgrade_child(reopened(database))
    return took


def upgrade_child(database: Database) -> None:
    upgrade(database)
    database.close()


def downgrade_child(database: Database) -> None:
    downgrade(database, BEFORE)
    database.close()


def reopened(database: Database) -> Database:
    """The same database without connections that a child would share."""
    return open_database(database.engine.url.render_as_string(hide_password=False), database.audit_key)


def revision(database: Database) -> str:
    with database.read() as session:
        return str(session.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
