"""Nadir started before its database: it says so, waits without dying, and is ready soon after the database is."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy.engine import URL

from data.db import Database

START_S, READY_S, LOOK_S = 60, 10, 0.2


@pytest.fixture
def door() -> Iterator[Path]:
    """A short path at which the socket of PostgreSQL will appear; for now nothing is there."""
    folder = Path(tempfile.mkdtemp(prefix="nadir-", dir="/tmp"))
    yield folder / "pg"
    shutil.rmtree(folder)


def _answers(url: str) -> int | None:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return None


def test_the_database_comes_last(door: Path, postgresql_database: Database, tmp_path: Path) -> None:
    url: URL = postgresql_database.engine.url
    real = Path(str(url.query["host"]))
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret.key").write_text(secrets.token_urlsafe(48))
    (tmp_path / "var" / "audit.key").write_bytes(postgresql_database.audit_key)
    for key in (tmp_path / "var").iterdir():
        key.chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")}
    environment = clean | {
        "NADIR_DATABASE_URL": url.set(query={"host": str(door)}).render_as_string(hide_password=False),
        "NADIR_BASE_URL": f"http://127.0.0.1:{port}",
        "NADIR_SWEEP_S": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    program = [sys.executable, "-m", "nadir"]
    commands = [[*program, "serve", "--port", str(port)], [*program, "scheduler"], [*program, "sender"]]
    processes = [
        subprocess.Popen(each, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for each in commands
    ]
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_S
        while _answers(f"{base}/healthz") != 200:
            assert time.monotonic() < until
            time.sleep(LOOK_S)
        down = [_answers(f"{base}{path}") for path in ("/healthz", "/readyz", "/", "/login")]
        time.sleep(3)
        assert [process.poll() for process in processes] == [None] * 3
        door.symlink_to(real)
        began = time.monotonic()
        while _answers(f"{base}/readyz") != 200:
            assert time.monotonic() < began + 3 * READY_S
            time.sleep(LOOK_S)
        took = time.monotonic() - began
        print(f"A5: healthz, readyz, / and /login while away {down}; ready {took:.1f} s after the database")
        assert down == [200, 503, 503, 503]
        assert took <= READY_S
        assert [process.poll() for process in processes] == [None] * 3
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
