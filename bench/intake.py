"""A year of a glucose sensor from the maker's file to committed rows, beside plainer ways to store it.

    .venv/bin/python -m bench.intake [runs]

Generates one Dexcom Clarity file of 105 120 readings, imports it into a new Nadir database (days packed, provenance,
audit chain, ingest sequence, quarantine), and beside it stores the same readings (a) a row a reading under a natural
key of integers, from values already parsed, by `executemany` on SQLite and binary COPY on PostgreSQL, and (b) with
pandas `read_csv` and `to_sql`. Every run of every way has a process of its own, so that nothing is warm but the imports
and the connection; the ways take turns. The median of the runs is shown, with the lowest and highest; CPU is user and
system time of the process, which other load moves less than the wall clock, and on PostgreSQL leaves out the server;
memory is how much the peak of the process rose.
"""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from bench.clock import clock
from bench.intake_fhir import postgresql_server
from data.db import open_database
from data.intake.batch import import_paths
from data.migrate import upgrade
from data.patients import add_patient
from data.people import Actor

READINGS = 105_120
RUNS = 5
STAMP, VALUE = "Timestamp (YYYY-MM-DDThh:mm:ss)", "Glucose Value (mg/dL)"
COLUMNS = (
    f"Index,{STAMP},Event Type,Event Subtype,Patient Info,Device Info,Source Device ID,{VALUE},Insulin Value (u),"
    "Carb Value (grams),Duration (hh:mm:ss),Glucose Rate of Change (mg/dL/min),Transmitter Time (Long Integer),"
    "Transmitter ID"
)
START = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("bench")
KEY = "PRIMARY KEY (patient, device, at)"


@dataclass(frozen=True, slots=True)
class Took:
    """One run: seconds on the wall and of CPU, bytes a reading by which the database grew, peak memory in MB.

    Nadir's bytes are those of a second patient's year: in a new database the first pages of a dozen tables, which an
    import of one reading takes as well, come on top.
    """

    wall: float
    cpu: float
    size: float
    memory: float


def year() -> list[tuple[str, int]]:
    """Time and value of every reading of a year, one each five minutes."""
    rng = np.random.default_rng(7)
    at = np.arange(READINGS)
    values = 140 + 45 * np.sin(at * 2 * np.pi / 96) + rng.normal(0, 12, READINGS)
    stamps = (f"{START + timedelta(minutes=5 * int(i)):%Y-%m-%d %H:%M:%S}" for i in at)
    return list(zip(stamps, np.clip(values, 40, 400).astype(int).tolist(), strict=True))


def write_export(path: Path) -> None:
    """The year as Clarity writes it, with one alert above it."""
    rows = (f"{i},{at},EGV,,,,android G6,{value},,,,,{i * 300},8XABCD" for i, (at, value) in enumerate(year(), 1))
    path.write_text("\n".join((COLUMNS, "1,,Alert,High,,,android G6,250,,,,,,", *rows)) + "\n", encoding="utf-8")


def nadir(url: str, export: Path) -> Took:
    """From the file to the last commit."""
    database = open_database(url, b"k" * 32)
    upgrade(database)
    pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    size = text(pages if database.is_sqlite else "SELECT pg_database_size(current_database())")
    with database.write() as session:
        for mrn in ("M-1", "M-2"):
            add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=NOW)
    took: list[float] = []
    with clock(took):
        summary = import_paths(database, ACTOR, [export], now=NOW, mrn="M-1", zone="Europe/Berlin")
    # One hour of the year does not exist in Berlin, and the file repeats none.
    assert summary.stored + len(summary.quarantined) == READINGS, summary.as_json()
    assert summary.stored >= READINGS - 24
    with database.read() as session:
        before = session.execute(size).scalar_one()
    import_paths(database, ACTOR, [export], now=NOW, mrn="M-2", zone="Europe/Berlin")
    with database.read() as session:
        grown = session.execute(size).scalar_one() - before
    database.close()
    wall, cpu, memory = took
    return Took(wall, cpu, grown / summary.stored, memory)


def rows(url: str, export: Path) -> Took:
    """A row a reading, from values that are parsed already."""
    del export
    parsed = [(1, 1, int(datetime.fromisoformat(f"{at}+00:00").timestamp()), value, 1) for at, value in year()]
    took: list[float] = []
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(
                "CREATE TABLE reading (patient INTEGER, device INTEGER, at INTEGER, value INTEGER, unit INTEGER, "
                f"{KEY}) WITHOUT ROWID"
            )
            with clock(took):
                connection.executemany("INSERT INTO reading VALUES (?,?,?,?,?)", parsed)
                connection.commit()
        size = _sqlite_bytes(url)
    else:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE reading (patient int4, device int2, at int8, value float4, unit int2, {KEY})")
            connection.commit()
            with clock(took):
                with cursor.copy("COPY reading FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["int4", "int2", "int8", "float4", "int2"])
                    for row in parsed:
                        copy.write_row(row)
                connection.commit()
        size = _postgresql_bytes(url)
    wall, cpu, memory = took
    return Took(wall, cpu, size / READINGS, memory)


def pandas(url: str, export: Path) -> Took:
    """What a notebook does: the whole file read, the EGV rows written."""
    engine = create_engine(url)
    took: list[float] = []
    with engine.connect() as connection:
        if url.startswith("sqlite"):
            connection.execute(text("PRAGMA journal_mode=WAL"))
        with clock(took):
            frame = pd.read_csv(export, usecols=[STAMP, "Event Type", "Source Device ID", VALUE], low_memory=False)
            frame = frame[frame["Event Type"] == "EGV"].drop(columns="Event Type")
            frame[STAMP] = pd.to_datetime(frame[STAMP])
            bare = connection.connection.driver_connection if url.startswith("sqlite") else connection
            frame.to_sql("reading", bare, index=False)
            connection.commit()
    engine.dispose()
    size = _sqlite_bytes(url) if url.startswith("sqlite") else _postgresql_bytes(url)
    wall, cpu, memory = took
    return Took(wall, cpu, size / READINGS, memory)


def _sqlite_bytes(url: str) -> int:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)


def _postgresql_bytes(url: str) -> int:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_total_relation_size('reading')")).scalar_one())


def alone(way: Callable[[str, Path], Took], url: str, export: Path) -> Took:
    """`way` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(way, (url, export))


def compare(home: Path, server: URL | None, runs: int) -> None:
    """All ways in turn on one kind of database, and their ratios."""
    export = home / "clarity.csv"
    ways = {
        "Nadir, file to committed": nadir,
        f"a row a reading, parsed values, {'executemany' if server is None else 'binary COPY'}": rows,
        "pandas read_csv + to_sql": pandas,
    }
    took: dict[str, list[Took]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            took[name].append(alone(way, fresh(home, server), export))
    print(f"\n{'SQLite' if server is None else 'PostgreSQL'}, {READINGS} readings, median of {runs}")
    print("| way | seconds (lowest-highest) | CPU seconds | bytes a reading | peak memory, MB |\n|---|---|---|---|---|")
    for name, all_ in took.items():
        wall, cpu = ([getattr(one, part) for one in all_] for part in ("wall", "cpu"))
        spread = f"{statistics.median(wall):.2f} ({min(wall):.2f}-{max(wall):.2f})"
        middle = f"{statistics.median(cpu):.2f} ({min(cpu):.2f}-{max(cpu):.2f})"
        memory = statistics.median(one.memory for one in all_)
        print(f"| {name} | {spread} | {middle} | {all_[-1].size:.1f} | {memory:.0f} |")
    for part in ("wall", "cpu"):
        ours, bare, notebook = (statistics.median(getattr(one, part) for one in all_) for all_ in took.values())
        print(
            f"{part}: {bare / ours:.2f} of the raw load's speed (goal >= 1), {notebook / ours:.1f} x pandas (goal >= 6)"
        )
    print(f"load of the machine: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")


def fresh(home: Path, server: URL | None) -> str:
    """The URL of a new, empty database."""
    name = f"nadir_{uuid4().hex}"
    if server is None:
        folder = home / name
        folder.mkdir(mode=0o700)
        return f"sqlite:///{folder / 'nadir.db'}"
    maintenance = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.set(database=name).render_as_string(hide_password=False)


def main() -> None:
    """Compare on SQLite, then on PostgreSQL."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as home, postgresql_server() as server:
        write_export(Path(home) / "clarity.csv")
        for place in (None, server):
            compare(Path(home), place, runs)


if __name__ == "__main__":
    main()
