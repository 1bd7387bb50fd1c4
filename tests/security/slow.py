"""Connections on which a request comes byte by byte, against the real web process behind nginx."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
START_S = 90
# What is sent first, and what then comes byte by byte: a head; a body of a length; one in chunks; a second request.
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
KINDS = {
    "head": b"GET /login HTTP/1.1\r\n%s\r\nX-Slow: ",
    "body": b"POST /login HTTP/1.1\r\n%s\r\n" + FORM + b"Content-Length: 1000\r\n\r\nemail=",
    "chunks": b"POST /login HTTP/1.1\r\n%s\r\n" + FORM + b"Transfer-Encoding: chunked\r\n\r\n400\r\nemail=",
    "second": b"GET /healthz HTTP/1.1\r\n%s\r\n\r\nGET /login HTTP/1.1\r\nX-Slow: ",
}


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{outside};
        location / {{
            proxy_pass http://127.0.0.1:{inside};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto http;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"""
"""As the operations guide sets it up, but for the path and TLS."""


@dataclass(frozen=True)
class Served:
    """A running `nadir serve` behind a proxy, by the proxy's port."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> bytes:
        return b"Host: 127.0.0.1:%d" % self.port


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """`nadir serve` over an empty database in a folder, behind nginx, until the block ends."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert nginx, "the test of slow senders needs nginx: apt-get install nginx-light"
    (folder / "var").mkdir()
    for name in ("secret", "audit"):
        key = folder / "var" / f"{name}.key"
        key.write_text(secrets.token_urlsafe(48))
        key.chmod(0o600)
    inside, served = _free_port(), Served(_free_port())
    outside = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")}
    environment = outside | {"NADIR_BASE_URL": served.url, "NADIR_PROXY_HOPS": "1"}
    nadir = [sys.executable, "-m", "nadir"]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, inside=inside, outside=served.port))
    subprocess.run([*nadir, "db", "upgrade"], check=True, capture_output=True, timeout=120, cwd=folder, env=environment)
    commands = ([*nadir, "serve", "--port", str(inside)], [nginx, "-c", str(folder / "nginx.conf")])
    processes = [subprocess.Popen(c, cwd=folder, env=environment, stderr=subprocess.DEVNULL) for c in commands]
    try:
        until = time.monotonic() + START_S
        while not _up(served):
            ended = [process.poll() for process in processes]
            assert ended == [None, None] and time.monotonic() < until, "web process or proxy did not start"
            time.sleep(0.2)
        yield served
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _up(served: Served) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{served.url}/healthz", timeout=5).status_code == 200
    return False


def answered(served: Served) -> float:
    """Seconds that a new visitor waits for the page of the sign-in."""
    began = time.monotonic()
    assert requests.get(f"{served.url}/login", timeout=60).status_code == 200
    return time.monotonic() - began


class SlowSenders:
    """So many connections of these kinds: a byte every `every` seconds each, begun again when closed."""

    def __init__(self, served: Served, count: int, kinds: Sequence[str], *, every: float = 1.0) -> None:
        self._served, self._every = served, every
        self._kinds = [kinds[n % len(kinds)] for n in range(count)]
        self._open: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self.sent = self.closed = 0

    def __enter__(self) -> SlowSenders:
        self._open = [self._begun(kind) for kind in self._kinds]
        self._thread.start()
        until = time.monotonic() + START_S
        while self.sent < len(self._open):
            assert time.monotonic() < until
            time.sleep(0.1)
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        for one in self._open:
            one.close()

    def _begun(self, kind: str) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._served.port), timeout=30)
        opened.sendall(KINDS[kind] % self._served.host)
        return opened

    def _send(self) -> None:
        while not self._ended.wait(self._every):
            for n, one in enumerate(self._open):
                try:
                    one.sendall(b"x")
                    self.sent += 1
                except OSError:
                    one.close()
                    self.closed += 1
                    with suppress(OSError):
                        self._open[n] = self._begun(self._kinds[n])
