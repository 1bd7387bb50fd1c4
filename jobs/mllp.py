"""The MLLP receiver: laboratories connect and send HL7 v2 messages, each answered once it is stored for good.

Connections are read on one asyncio loop; the database is the clerk's, on a thread of its own. When the database is
away a connection is closed without an answer, so that its sender keeps the message and sends it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final

import structlog

from data.db import Database
from data.intake.hl7_answer import Header, Unanswerable, answer, read_header
from data.intake.hl7_feed import Desk
from data.intake.hl7_letter import Arrived
from data.outbox import mail_policy
from data.people import Actor
from data.settings import Settings, SettingsError
from jobs.mllp_clerk import Clerk, DatabaseAway
from jobs.mllp_framing import Framing, LostTrack, framed

log = structlog.get_logger()

DEFAULT_PORT: Final = 2575
LARGEST_MESSAGE: Final = 1_000_000
MOST_CONNECTIONS: Final = 500
READ_BYTES: Final = 65_536
ANSWER_BYTES: Final = 65_536
AT_ONCE: Final = 16
SLOW_READER_S: Final = 5.0
HANDSHAKE_S: Final = 5.0
LINGER_S: Final = 1.0
AWAY_S: Final = 1.0
LAST_ANSWERS_S: Final = 10.0


@dataclass(eq=False, slots=True)
class Line:
    """One connection. `busy` while a message of it is being stored or answered."""

    peer: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    busy: bool = False


class Receiver:
    """Listens, and converses on every connection until told to stop."""

    def __init__(self, clerk: Clerk, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._clerk = clerk
        self._clock = clock
        self._networks = settings.mllp_networks
        self._idle_s = settings.mllp_idle_s
        self._tls = _tls(settings)
        self._open: dict[asyncio.Task[None], Line | None] = {}
        self._stopping = False

    async def serve(self, listener: socket.socket, stop: threading.Event) -> None:
        """Accept connections on `listener` until `stop` is set; messages in hand are stored and answered first."""
        accepting = asyncio.create_task(self._accept(listener))
        await asyncio.to_thread(stop.wait)
        self._stopping = True
        accepting.cancel()
        listener.close()
        for task, line in list(self._open.items()):
            if line is None or not line.busy:
                task.cancel()
        if self._open:
            await asyncio.wait(list(self._open), timeout=LAST_ANSWERS_S)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, address = await loop.sock_accept(listener)
            except OSError as error:
                log.error("cannot accept", why=str(error))
                await asyncio.sleep(AWAY_S)
                continue
            peer = _plain(address[0])
            if not any(ip_address(peer) in network for network in self._networks):
                client.close()
                await asyncio.to_thread(self._clerk.turn_away, peer, "not in NADIR_MLLP_PEERS")
            elif len(self._open) >= MOST_CONNECTIONS:
                client.close()
                log.error("too many connections", peer=peer, most=MOST_CONNECTIONS)
            else:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
                task = asyncio.create_task(self._attend(client, peer))
                self._open[task] = None
                task.add_done_callback(self._open.pop)

    async def _attend(self, client: socket.socket, peer: str) -> None:
        try:
            line = await self._connect(client, peer)
        except (OSError, TimeoutError) as error:
            client.close()
            if self._tls is not None:
                log.info("no TLS", peer=peer, why=str(error))
                await asyncio.to_thread(self._clerk.turn_away, peer, "no TLS")
            return
        task = asyncio.current_task()
        if task is not None:
            self._open[task] = line
        try:
            await self._converse(line)
        except TimeoutError:
            log.info("connection ended", peer=peer, why="no whole message, or no reading of answers, in time")
            line.writer.transport.abort()
        except DatabaseAway:
            await asyncio.sleep(AWAY_S)
        except OSError as error:
            log.info("connection lost", peer=peer, why=str(error))
        finally:
            line.writer.close()

    async def _connect(self, client: socket.socket, peer: str) -> Line:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=READ_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        limit_s = None if self._tls is None else HANDSHAKE_S
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, client, ssl=self._tls, ssl_handshake_timeout=limit_s
        )
        return Line(peer, reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def _converse(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        framing = Framing(LARGEST_MESSAGE)
        due = loop.time() + self._idle_s
        while not self._stopping:
            async with asyncio.timeout_at(due):
                data = await line.reader.read(READ_BYTES)
            if not data:
                return
            messages: list[bytes] = []
            lost = None
            try:
                for message in framing.feed(data):
                    messages.append(message)
            except LostTrack as error:
                lost = error
            for first in range(0, len(messages), AT_ONCE):
                await self._answer(line, messages[first : first + AT_ONCE])
                due = loop.time() + self._idle_s
            if lost is not None:
                await self._reject(line, lost)
                return

    async def _answer(self, line: Line, messages: list[bytes]) -> None:
        line.busy = True
        replies = [asyncio.wrap_future(self._clerk.hand_in(Arrived(message, line.peer))) for message in messages]
        try:
            for waiting in replies:
                reply = await waiting
                if reply is not None:
                    line.writer.write(framed(reply))
                    async with asyncio.timeout(SLOW_READER_S):
                        await line.writer.drain()
        finally:
            for waiting in replies:
                waiting.cancel()
            line.busy = False

    async def _reject(self, line: Line, lost: LostTrack) -> None:
        """Say which message was not understood, if one was begun; let the answer arrive before the end."""
        log.warning("lost track", peer=line.peer, why=str(lost))
        if not lost.begun:
            return
        header: Header | None = None
        with contextlib.suppress(Unanswerable):
            header = read_header(lost.begun)
        reply = answer(header, "reject", str(lost), now=self._clock())
        if reply is None:
            return
        line.writer.write(framed(reply))
        if line.writer.can_write_eof():
            line.writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while await line.reader.read(READ_BYTES):
                    pass


def run(
    database: Database,
    settings: Settings,
    *,
    host: str,
    port: int,
    stop: threading.Event,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Receive on `host`:`port` until `stop` is set; port 0 takes any free one, which the log names.

    Raises SettingsError for an address that cannot be had and a certificate that cannot be read.
    """
    desk = Desk(Actor.system("mllp"), settings.zone, mail_policy(settings))
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise SettingsError(f"NADIR_MLLP_HOST, NADIR_MLLP_PORT: cannot listen on {host}:{port}: {error}") from error
    listener.setblocking(False)
    clerk = Clerk(database, desk, clock)
    try:
        receiver = Receiver(clerk, settings, clock)
        log.info("receiving", host=host, port=listener.getsockname()[1], tls=settings.mllp_tls_cert_file is not None)
        asyncio.run(receiver.serve(listener, stop))
    finally:
        listener.close()
        clerk.close()


def _plain(address: str) -> str:
    """An address as its network is written: IPv4 also where it came through an IPv6 socket."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.mllp_tls_cert_file is None or settings.mllp_tls_key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.mllp_tls_cert_file, settings.mllp_tls_key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"NADIR_MLLP_TLS_CERT_FILE, NADIR_MLLP_TLS_KEY_FILE: {error}") from error
    return context
