"""How a database file is opened, by the version of SQLite that opens it."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pysqlite3
import pytest
from sqlalchemy import text

from data.db import open_database


@pytest.mark.parametrize(
    ("version", "journal", "synchronous", "said"),
    [((3, 51, 2), "delete", 3, 1), ((3, 40, 1), "delete", 3, 1), ((3, 51, 3), "wal", 2, 0)],
)
def test_an_sqlite_that_can_corrupt_its_write_ahead_log_is_used_without_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: tuple[int, int, int],
    journal: str,
    synchronous: int,
    said: int,
) -> None:
    monkeypatch.setattr(pysqlite3, "sqlite_version_info", version)
    with caplog.at_level(logging.WARNING, logger="nadir.db"):
        database = open_database(f"sqlite:///{tmp_path / 'nadir.db'}", b"a key of the tests")
    with database.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == journal
        assert session.scalar(text("PRAGMA synchronous")) == synchronous
    database.close()
    assert len([line for line in caplog.messages if "write-ahead log" in line]) == said


READ_BY_EIGHT = """
import sys
import psutil
from sqlalchemy import text
from data.db import open_database

databases = [open_database(sys.argv[1], bytes(32)) for _ in range(8)]
before = psutil.Process().memory_info().rss
for database in databases:
    with database.read() as session:
        session.execute(text("SELECT sum(length(said)) FROM page")).one()
print(psutil.Process().memory_info().rss - before)
"""


def test_many_connections_of_one_process_hold_no_more_of_the_database_than_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'nadir.db'}"
    with open_database(url, bytes(32)).engine.begin() as connection:
        connection.execute(text("CREATE TABLE page (said TEXT)"))
        connection.execute(text("INSERT INTO page VALUES (:said)"), [{"said": "x" * 3000}] * 16_000)
    child = subprocess.run([sys.executable, "-c", READ_BY_EIGHT, url], stdout=subprocess.PIPE, text=True, check=True)
    held = int(child.stdout)
    assert held < 24 << 20, f"eight connections hold {held >> 20} MB of 48"
