"""Requests are gathered by the loop of a worker and handed to a thread when they are whole.

gunicorn's own threaded worker gives a connection to a thread with its first byte, and the thread then waits for the
rest: as many slow senders as there are threads would stop everything. Here a slow sender holds a socket and what it has
sent, for as long as a request may take, and no thread.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from socket import SHUT_WR
from typing import Any, Final

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import ChunkMissingTerminator, NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_S: Final = 10.0
BODY_S: Final = 60.0
LINGER_S: Final = 2.0
LARGEST_HEAD: Final = 128 * 1024
# Longer bodies are uploads, whose route takes them piece by piece within limits of its own (`dashboard.uploads`).
LARGEST_GATHERED: Final = 2 * 1024 * 1024 + LARGEST_HEAD
MOST_HELD: Final = 64 * 1024 * 1024
PIECE: Final = 64 * 1024
END_OF_HEAD: Final = b"\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooLong(ValueError):
    """The head of a request has no end."""


class Arriving:
    """A request as far as it has come. gunicorn's own parser says where it ends, so both are of one mind.

    `headed`: its head is whole. `asks_first`: the client sends the body when it is told to. `cut_short`: the body is so
    long that the rest comes when a thread already has the request.
    """

    def __init__(self, cfg: Any, client: Any) -> None:
        self.data = bytearray()
        self.headed = False
        self.asks_first = False
        self.cut_short = False
        self._cfg, self._client = cfg, client
        self._length: int | None = None

    def add(self, piece: bytes) -> bool:
        """Take what came; whether a thread can have the request now. Raises TooLong."""
        seen = max(0, len(self.data) - len(END_OF_HEAD) + 1)
        self.data += piece
        if not self.headed:
            if self.data.find(END_OF_HEAD, seen) < 0:
                if len(self.data) > LARGEST_HEAD:
                    raise TooLong
                return False
            return self._read_head()
        if self._length is not None:
            return len(self.data) >= self._length
        return self._chunks_are_whole()

    def _read_head(self) -> bool:
        try:
            request = self._parsed()
        except (NoMoreData, StopIteration):
            return False  # an empty line before the request
        except Exception:
            return True  # what is no request a thread answers at once
        self.headed = True
        self.asks_first = ("EXPECT", "100-continue") in [(name, value.lower()) for name, value in request.headers]
        if isinstance(request.body.reader, ChunkedReader):
            return self._chunks_are_whole()
        self._length = len(self.data) - len(request.unreader.take_buffered()) + request.body.reader.length
        self.cut_short = self._length > LARGEST_GATHERED
        return self.cut_short or len(self.data) >= self._length

    def _chunks_are_whole(self) -> bool:
        if len(self.data) > LARGEST_GATHERED:
            self.cut_short = True
            return True
        if not self.data.endswith(END_OF_HEAD):
            return False
        try:
            self._parsed().body.read()
        except (NoMoreData, ChunkMissingTerminator):
            return False
        except Exception:
            return True
        return True

    def _parsed(self) -> Any:
        return Request(self._cfg, IterUnreader([bytes(self.data)]), self._client)


class GatheringWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, but for how requests come to its threads and how connections end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._until: dict[TConn, float] = {}
        self._arriving: dict[TConn, Arriving] = {}
        self._held = 0
        self._look_at = 0.0

    def enqueue_req(self, conn: TConn) -> None:
        """Gather the next request of a connection; a part of it may have come with the last one."""
        conn.init()
        self._arriving[conn] = Arriving(self.cfg, conn.client)
        self._await(conn, self._take, HEAD_S)
        before = conn.parser.unreader.take_buffered()
        if before:
            self._add(conn, before)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Wait for the next request, or close. The original waits on the loop for the client to close its side too."""
        with suppress(Exception):
            if not fs.cancelled() and fs.result():
                super().finish_request(conn, fs)
                return
        with suppress(OSError):
            conn.sock.shutdown(SHUT_WR)
        self._await(conn, self._drop, LINGER_S)

    def murder_pending(self) -> None:
        """Close what took too long, and when stopping what has not begun."""
        now = time.monotonic()
        if self.alive and now < self._look_at:
            return
        self._look_at = now + 1
        for conn, until in list(self._until.items()):
            arriving = self._arriving.get(conn)
            if now >= until or (not self.alive and arriving is not None and not arriving.data):
                self._end(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """As the original, but what is left of a long body is not waited for: the connection closes."""
        left = getattr(conn.parser.mesg.body.reader, "length", 0) if conn.cut_short else 0
        return bool(keepalive and not left and super()._keepalive_after(conn, keepalive))

    def _await(self, conn: TConn, act: Any, seconds: float) -> None:
        try:
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(act, conn))
        except (OSError, ValueError, KeyError):
            self._arriving.pop(conn, None)
            self.nr_conns -= 1
            conn.close()
        else:
            self._until[conn] = time.monotonic() + seconds

    def _take(self, conn: TConn, _socket: Any) -> None:
        piece = _received(conn)
        if piece is not None:
            self._add(conn, piece)

    def _add(self, conn: TConn, piece: bytes) -> None:
        """Nothing means that the client has gone."""
        arriving = self._arriving[conn]
        headed = arriving.headed
        if not piece or self._held + len(piece) > MOST_HELD:
            self._end(conn)
            return
        self._held += len(piece)
        try:
            whole = arriving.add(piece)
        except TooLong:
            self._end(conn)
            return
        if whole:
            self._hand_over(conn)
        elif arriving.headed and not headed:
            self._until[conn] = time.monotonic() + BODY_S
            if arriving.asks_first:
                with suppress(OSError):
                    conn.sock.send(CONTINUE)

    def _hand_over(self, conn: TConn) -> None:
        arriving = self._arriving[conn]
        self._leave(conn)
        conn.cut_short, conn.data_ready = arriving.cut_short, True
        conn.parser.unreader.unread(bytes(arriving.data))
        super().enqueue_req(conn)

    def _drop(self, conn: TConn, _socket: Any) -> None:
        """What a client still sends after the answer: read away, so that the answer reaches it."""
        if _received(conn) == b"":
            self._end(conn)

    def _leave(self, conn: TConn) -> None:
        with suppress(OSError, ValueError, KeyError):
            self.poller.unregister(conn.sock)
        self._until.pop(conn, None)
        arriving = self._arriving.pop(conn, None)
        self._held -= len(arriving.data) if arriving else 0

    def _end(self, conn: TConn) -> None:
        self._leave(conn)
        self.nr_conns -= 1
        conn.close()


def _received(conn: TConn) -> bytes | None:
    """What came, nothing where the client has gone, None where nothing came after all."""
    try:
        return conn.sock.recv(PIECE)
    except BlockingIOError:
        return None
    except OSError:
        return b""
