"""The web process: gunicorn with threads around the application."""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from clinical.protocol import Protocol
from dashboard.app import create_app
from data.db import Database
from data.settings import Settings

WORKERS = 2
THREADS = 4


class OneLog(Logger):  # type: ignore[misc]
    """gunicorn's log as lines of ours: it would write its own form beside them."""

    def setup(self, cfg: Any) -> None:
        """Leave writing to the handlers of the process."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def exception(self, msg: str, *_args: object, **_kwargs: object) -> None:
        """What failed, without the address: a hospital number may be in it."""
        error = sys.exc_info()[1]
        self.error_log.error(msg.partition("%")[0].strip(), extra={"error": type(error).__name__})


class WebProcess(BaseApplication):  # type: ignore[misc]
    """gunicorn without its configuration files. Each worker opens its own database connections after the fork."""

    def __init__(self, database: Database, settings: Settings, protocol: Protocol, bind: str) -> None:
        self.parts = (database, settings, protocol)
        self.bind = bind
        super().__init__()

    def load_config(self) -> None:
        """Threads so that a slow read blocks nobody; no request recycling (it resets connections under gthread)."""
        for key, value in {
            "bind": self.bind,
            "workers": WORKERS,
            "threads": THREADS,
            "worker_class": "gthread",
            "timeout": 60,
            "graceful_timeout": 10,
            "loglevel": "warning",
            "logger_class": OneLog,
            # Forwarded headers count as far as NADIR_PROXY_HOPS says, and no address is trusted beside that.
            "forwarded_allow_ips": "",
        }.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """The WSGI application of this worker."""
        return create_app(*self.parts).server


def serve(database: Database, settings: Settings, protocol: Protocol, *, host: str, port: int) -> None:
    """Serve until told to stop. Blocks.

    Raises SettingsError, and MissingPolicy for what stands open, before a worker starts and would die of it.
    """
    create_app(database, settings, protocol)
    database.close()
    WebProcess(database, settings, protocol, f"{host}:{port}").run()
