"""A laboratory's end of an MLLP connection, on a raw socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from data.db import Database
from data.settings import Settings
from jobs.mllp import run

MSH = r"MSH|^~\&|LIS|LAB|NADIR|CLINIC|20250610083000+0200||ORU^R01^ORU_R01|{id}|P|{version}|||{accept}|{application}"
PID = "PID|1||M-1^^^HOSP^MR||Muster^Erika^Maria||19700101|F"


def oru(
    id: str = "1",
    *,
    value: str = "812",
    accept: str = "",
    application: str = "",
    version: str = "2.5.1",
    pid: str = PID,
    filler: str = "F100",
    status: str = "F",
    header: str = MSH,
) -> bytes:
    """A result of glucagon, unframed."""
    lines = (
        header.format(id=id, accept=accept, application=application, version=version),
        pid,
        f"OBR|1||{filler}^LIS|82943^Panel^L|||20250610073000+0200",
        f"OBX|1|NM|2338-2^Glucagon^LN||{value}|pg/mL|0-159|H|||{status}|||20250610073000+0200",
    )
    return "".join(f"{line}\r" for line in lines).encode()


def block(message: bytes) -> bytes:
    """`message` as an MLLP block."""
    return b"\x0b" + message + b"\x1c\r"


class Laboratory:
    """One connection."""

    def __init__(self, port: int, *, timeout_s: float = 20, wrap: Any = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket = plain if wrap is None else wrap(plain)
        self._heard = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def hear(self) -> bytes | None:
        """The next answer without its block; None when the other side closed."""
        while b"\x1c\r" not in self._heard:
            try:
                data = self.socket.recv(65_536)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._heard += data
        answer, self._heard = self._heard.split(b"\x1c\r", 1)
        assert answer.startswith(b"\x0b")
        assert not set(answer[1:]) & {0x0B, 0x1C}
        return answer[1:]

    def silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long and the connection stays open."""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            return self.hear() is not None and False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)

    def say(self, message: bytes) -> tuple[str, str] | None:
        """Send one message; code and control id of its answer, None when the connection was closed instead."""
        try:
            self.send(block(message))
        except ConnectionError:
            return None
        return read(self.hear())


def read(answer: bytes | None) -> tuple[str, str] | None:
    """Code (MSA-1) and control id (MSA-2) of an answer."""
    if answer is None:
        return None
    msh, msa = answer.decode().rstrip("\r").split("\r")
    assert msh.startswith("MSH")
    fields = msa.split(msh[3])
    assert fields[0] == "MSA"
    return fields[1], fields[2] if len(fields) > 2 else ""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def receiving(database: Database, **settings: Any) -> Iterator[int]:
    """A receiver in this process; gives its port."""
    port, stop = free_port(), threading.Event()
    given = Settings(_env_file=None, site_timezone="Europe/Berlin", **settings)
    thread = threading.Thread(
        target=run, args=(database, given), kwargs={"host": "127.0.0.1", "port": port, "stop": stop}
    )
    thread.start()
    try:
        wait_for(port)
        yield port
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def wait_for(port: int, *, seconds: float = 30) -> None:
    """Wait until somebody listens on `port`."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "nobody listens"
            time.sleep(0.02)
        else:
            return
