"""The processes as they are started: each does its work and ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from data.announcing import alarm
from data.db import Database, open_database
from data.models import JobRun
from data.outbox import mail_policy
from data.people import Actor, add_person
from data.settings import Settings
from tests.mail_server import MailServer

pytestmark = pytest.mark.alone

WITHIN_S = 60


@pytest.fixture
def database(nadir, home: Path) -> Iterator[Database]:
    assert nadir("db", "upgrade").code == 0
    found = open_database(f"sqlite:///{home}/var/nadir.db", (home / "var" / "audit.key").read_bytes().strip())
    yield found
    found.close()


def started(home: Path, name: str, **environment: str) -> subprocess.Popen[bytes]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NADIR_")}
    return subprocess.Popen(
        [sys.executable, "-m", "nadir", name],
        cwd=home,
        env={**clean, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_the_sender_sends_what_waits_and_ends_when_told(home: Path, database: Database) -> None:
    server = MailServer()
    server.behave("ok")
    now = datetime.now(UTC)
    with database.write() as session:
        add_person(session, Actor.system("test"), email="admin@clinic.example", role="admin", teams=(), now=now)
        assert alarm(session, "mail-dead", mail_policy(Settings(_env_file=None)), now - timedelta(seconds=1)) == 1
    process = started(home, "sender", NADIR_SMTP_PORT=str(server.port))
    try:
        until = time.monotonic() + WITHIN_S
        while not server.delivered and time.monotonic() < until:
            assert process.poll() is None, "the sender has ended"
            time.sleep(0.1)
        assert [mail.recipient for mail in server.delivered] == ["admin@clinic.example"]
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        server.close()
    assert code == 0


def test_the_scheduler_sweeps_and_ends_when_told(home: Path, database: Database) -> None:
    process = started(home, "scheduler", NADIR_SWEEP_S="1")
    try:
        until = time.monotonic() + WITHIN_S
        swept: list[str] = []
        while not swept and time.monotonic() < until:
            assert process.poll() is None, "the scheduler has ended"
            time.sleep(0.2)
            with database.read() as session:
                swept = list(session.scalars(select(JobRun.job).where(JobRun.job == "sweep", JobRun.outcome == "done")))
        assert swept
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert code == 0
