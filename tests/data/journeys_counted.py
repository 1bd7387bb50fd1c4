"""A door in front of a PostgreSQL server that counts the journeys of those who go through: how often one asks anew."""

from __future__ import annotations

import select
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

_SOCKET = ".s.PGSQL.5432"


class Door:
    """Passes bytes on in both directions; `journeys` grows when a client speaks after the server has spoken."""

    def __init__(self, url: URL, folder: Path) -> None:
        self.journeys = 0
        self.url = url.update_query_dict({"host": str(folder), "port": "5432"})
        self._server = f"{url.query['host']}/{_SOCKET}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen()
        threading.Thread(target=self._open, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()

    def _open(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            server_spoke = True
            while True:
                ready, _, _ = select.select([client, server], [], [])
                # What the server has said is passed on first: the client cannot have seen it yet.
                speaker, listener = (server, client) if server in ready else (client, server)
                said = speaker.recv(65_536)
                if not said:
                    return
                self.journeys += speaker is client and server_spoke
                server_spoke = speaker is server
                listener.sendall(said)


@contextmanager
def counted(url: URL) -> Iterator[Door]:
    """A door in front of the server of `url`; its folder has a short name, for a socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="door-", dir="/tmp") as folder:
        door = Door(url, Path(folder))
        try:
            yield door
        finally:
            door.close()
