"""The sign of life to an outside watcher, against a real HTTP server: an empty GET, three tries, and nobody waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs.ping import Ping, get

pytestmark = pytest.mark.alone


class Watcher(ThreadingHTTPServer):
    """Notes what it is asked; answers with the next of `answers`, and 200 when there is none left."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.slow_s = 0.0
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ping/7f3a"


class Handler(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.path, dict(self.headers.items()), body))
        time.sleep(self.server.slow_s)
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "/moved")
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


def wait_until(holds: object, seconds: float = 5) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds * 20)):
        if holds():  # type: ignore[operator]
            return True
        pause.wait(0.05)
    return False


def test_it_asks_the_address_and_says_nothing_else(watcher: Watcher) -> None:
    Ping(watcher.url).send()
    assert wait_until(lambda: watcher.asked)
    [(path, headers, body)] = watcher.asked
    assert (path, body, set(headers)) == ("/ping/7f3a", b"", {"Accept-Encoding", "Host", "User-Agent", "Connection"})
    assert headers["User-Agent"] == "Nadir"


def test_it_tries_three_times(watcher: Watcher) -> None:
    watcher.answers = [503, 503, 503, 503]
    Ping(watcher.url).send()
    assert wait_until(lambda: len(watcher.asked) == 3)
    assert not wait_until(lambda: len(watcher.asked) > 3, 0.3)


def test_a_watcher_that_has_moved_is_not_followed(watcher: Watcher) -> None:
    watcher.answers = [302]
    assert "302" in (get(watcher.url) or "")
    assert [path for path, *_ in watcher.asked] == ["/ping/7f3a"]


def test_nobody_waits_for_a_slow_watcher_and_pings_do_not_pile_up(watcher: Watcher) -> None:
    watcher.slow_s = 1.0
    ping = Ping(watcher.url)
    began = time.monotonic()
    for _ in range(10):
        ping.send()
    assert time.monotonic() - began < 0.5
    assert not wait_until(lambda: len(watcher.asked) > 1, 0.5)


def test_without_an_address_nothing_is_sent_and_a_closed_door_is_no_error(watcher: Watcher) -> None:
    Ping(None).send()
    Ping("http://127.0.0.1:9/").send()
    assert watcher.asked == []
