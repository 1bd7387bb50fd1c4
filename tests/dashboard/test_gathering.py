"""A thread of the web process gets a request when it is whole: slow senders keep nobody from being served."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from gunicorn.config import Config

from dashboard.gathering import LARGEST_GATHERED, LARGEST_HEAD, Arriving, TooLong
from tests.dashboard.slow import KINDS, Served, SlowSenders, answered, serving

SEED = 20261128
HEAD = b"POST /login HTTP/1.1\r\nHost: x\r\n"
CHUNKS = b"5\r\nab\r\n0\r\n3;x=y\r\n\r\n\r\r\n0\r\n"
WHOLE = {
    "plain": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an empty line first": b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a length": HEAD + b"Content-Length: 12\r\n\r\nab\r\n\r\ncdef\r\n",
    "in chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n3\r\n\r\n\r\r\n0\r\n\r\n",
    "in chunks with a trailer": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
}


@pytest.fixture
def arriving() -> Arriving:
    return Arriving(Config(), ("127.0.0.1", 1))


@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_a_request_is_whole_with_its_last_byte_however_it_comes(request_bytes: bytes) -> None:
    chance = random.Random(SEED)
    for _ in range(50):
        cuts = sorted(chance.sample(range(1, len(request_bytes)), chance.randint(0, 5)))
        pieces = [request_bytes[a:b] for a, b in zip([0, *cuts], [*cuts, len(request_bytes)], strict=True)]
        arriving = Arriving(Config(), ("127.0.0.1", 1))
        assert [arriving.add(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True], pieces
        assert (bytes(arriving.data), arriving.cut_short) == (request_bytes, False)


def test_what_is_no_request_is_answered_at_once(arriving: Arriving) -> None:
    assert arriving.add(b"nonsense\r\n\r\n")


def test_a_head_without_end_is_given_up(arriving: Arriving) -> None:
    with pytest.raises(TooLong):
        for _ in range(3):
            assert not arriving.add(b"x" * (LARGEST_HEAD // 2))


@pytest.mark.parametrize("said", [b"Content-Length: %d" % (LARGEST_GATHERED + 1), b"Transfer-Encoding: chunked"])
def test_a_long_body_is_left_to_its_route(arriving: Arriving, said: bytes) -> None:
    whole = arriving.add(HEAD + said + b"\r\n\r\n")
    while not whole:
        whole = arriving.add(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
    assert arriving.cut_short
    assert len(arriving.data) < LARGEST_GATHERED + 100_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.mark.alone
@pytest.mark.parametrize("kind", KINDS)
def test_three_slow_senders_for_each_thread_keep_nobody_waiting(served: Served, kind: str) -> None:
    with SlowSenders(served, 24, [kind]):
        took = [answered(served) for _ in range(10)]
    assert max(took) < 8, "a thread that waits for a slow sender waits for ten seconds"


@pytest.mark.alone
def test_a_slow_request_is_answered_when_it_is_whole_and_the_next_one_on_its_connection(served: Served) -> None:
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=30)) as opened:
        for request in (
            WHOLE["plain"].replace(b"Host: x", served.host),
            WHOLE["plain"].replace(b"Host: x", served.host),
        ):
            for at in range(0, len(request), 12):
                opened.sendall(request[at : at + 12])
                time.sleep(0.02)
            assert opened.recv(65_536).startswith(b"HTTP/1.1 302")
        opened.sendall(HEAD.replace(b"Host: x", served.host) + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert opened.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
