"""The scheduler is gone: not ready, says the web; the watchdog fails; the watcher outside hears nothing."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select

from data.db import Database
from data.models import JobRun, Watermark
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = pytest.mark.alone


class Watcher(ThreadingHTTPServer):
    """Counts its pings."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pings = 0


class Handler(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.pings += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    server = Watcher()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def readiness(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


@pytest.mark.timeout(180)
def test_a_stopped_scheduler_is_seen_by_everybody_who_watches(
    site_of: Callable[[Database], Site], sqlite_database: Database, watcher: Watcher
) -> None:
    site = site_of(sqlite_database)
    Cohort(site.database, 2, datetime.now(UTC))
    key = site.home / "secret.key"
    key.write_bytes(b"0123456789abcdef-secret-of-the-tests")
    key.chmod(0o600)
    port = free_port()
    web = {"NADIR_SECRET_KEY_FILE": str(key), "NADIR_BASE_URL": f"http://127.0.0.1:{port}"}
    site.start("serve", "--port", str(port), **web)
    scheduler = site.start("scheduler", NADIR_PING_URL=f"http://127.0.0.1:{watcher.server_port}/7f3a")
    assert wait_until(lambda: readiness(port) == 200, 90), site.log("scheduler")[-2000:]
    assert site.start("watchdog").wait(60) == 0
    assert wait_until(lambda: watcher.pings >= 2, 20)
    scheduler.kill()
    scheduler.wait()
    wait_until(lambda: False, 0.5)
    pings = watcher.pings
    assert readiness(port) == 200, "two intervals and a minute are allowed"
    let_time_pass(site.database, timedelta(seconds=63))
    assert readiness(port) == 503
    assert site.start("watchdog").wait(60) == 1
    assert watcher.pings == pings


def let_time_pass(database: Database, by: timedelta) -> None:
    """Make every run that much older."""
    with database.write() as session:
        for run in session.scalars(select(JobRun)):
            run.started_at -= by
            if run.finished_at is not None:
                run.finished_at -= by
        assert session.scalars(select(Watermark)).first() is not None
