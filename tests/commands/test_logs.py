"""What processes log: one JSON line an event, whoever writes it, and nothing of a patient or a sign-in."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
import pysqlite3
import pytest

CANARY = "CNRY7f3a91"


@pytest.mark.alone
def test_every_line_is_json_and_tells_nothing_of_anybody(nadir, home):
    assert nadir("db", "upgrade").code == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NADIR_")}
    with (home / "log").open("wb") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "nadir", "serve", "--port", str(port)], cwd=home, env=environment, stderr=log
        )
    try:
        wait(lambda: alive(port))
        workers = psutil.Process(web.pid).children()
        ask(port, f"/p/{CANARY}")
        with pysqlite3.connect(home / "var" / "nadir.db") as database:
            database.execute("ALTER TABLE throttle RENAME TO elsewhere")
        ask(port, "/login", {"email": f"{CANARY}@clinic.example", "password": f"{CANARY} and more words"})
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(f"GET /p/{CANARY} HTTP/9.9\r\nHost: {CANARY}\r\n\r\n".encode())
            raw.recv(1000)
        workers[0].send_signal(signal.SIGKILL)
        wait(lambda: b"SIGKILL" in (home / "log").read_bytes() and alive(port))
    finally:
        web.terminate()
        web.wait(20)
    lines = (home / "log").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert CANARY not in "".join(lines)
    assert all({"event", "level", "timestamp"} <= event.keys() for event in events), lines
    assert any(event["event"] == "request failed" and event["error"] == "OperationalError" for event in events), lines
    assert any("SIGKILL" in event["event"] for event in events)


def ask(port, path, form=None):
    data = urlencode(form).encode() if form else None
    with contextlib.suppress(HTTPError):
        urlopen(f"http://127.0.0.1:{port}{path}", data=data, timeout=20).close()


def alive(port):
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait(done, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
