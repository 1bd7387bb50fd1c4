"""Backup, drill and restore of a database of a gigabyte: time, and memory beside that of a tenth of it.

    .venv/bin/python -m bench.backup [sqlite|postgresql] [GIGABYTES]

The patients of `bench.sweep_store`, as many as fill the size on the disk; each step is a process of its own, `nadir
backup`, `nadir restore --drill` and `nadir restore` into an empty database of the same kind. Its peak is the most the
process ever held. Exit code 1 when a goal is missed: 15 minutes a gigabyte, and a peak that does not grow with the
size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from bench.intake_fhir import postgresql_server
from bench.pages import Report
from bench.sweep_store import fill
from data.db import Database, open_database
from data.migrate import upgrade

KEY: Final = bytes(range(33, 97))
PATIENTS_A_GB: Final = 46_000
MINUTES_A_GB: Final = 15.0
GROWTH: Final = 1.3
STEPS: Final = (("backup", "b"), ("restore", "b", "--drill"), ("restore", "b"))
"""The commands, in the order in which they are run in one folder."""


def size_gb(database: Database) -> float:
    """What the database takes on the disk, in 10^9 bytes."""
    asked = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if database.is_sqlite
        else "SELECT pg_database_size(current_database())"
    )
    with database.read() as session:
        return int(session.execute(text(asked)).scalar_one()) / 1e9


def ran(command: tuple[str, ...], home: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds and peak in MB of `nadir COMMAND`. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "nadir", *command], cwd=home, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"nadir {' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def unfilled(home: Path, server: URL | None) -> str:
    """The URL of a database that holds nothing."""
    if server is None:
        return f"sqlite:///{home}/restored-{uuid4().hex}.db"
    name = f"restored_{uuid4().hex}"
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


def measured(home: Path, server: URL | None, patients: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """Size of the database in GB, and seconds and peak in MB of each step."""
    database = open_database(unfilled(home, server), KEY)
    upgrade(database)
    fill(database, patients)
    size = size_gb(database)
    key, secret = home / "audit.key", home / "backup.key"
    for path in (key, secret):
        path.write_bytes(KEY)
        path.chmod(0o600)
    about = os.environ | {"NADIR_AUDIT_KEY_FILE": str(key), "NADIR_BACKUP_KEY_FILE": str(secret)}
    taken: dict[str, tuple[float, float]] = {}
    for step in STEPS:
        url = database.engine.url.render_as_string(hide_password=False) if step != STEPS[-1] else unfilled(home, server)
        taken[" ".join(step).replace(" b", "")] = ran(step, home, about | {"NADIR_DATABASE_URL": url})
    print(f"{patients} patients, {size:.2f} GB, backup {(home / 'b').stat().st_size / 1e9:.2f} GB", flush=True)
    (home / "b").unlink()
    database.close()
    return size, taken


def main() -> int:
    """0 when every goal was met."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    gigabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    report = Report()
    with tempfile.TemporaryDirectory(prefix="nadir-bench-") as scratch, postgresql_server() as server:
        place = server if kind == "postgresql" else None
        _, tenth = measured(Path(scratch), place, int(PATIENTS_A_GB * gigabytes / 10))
        size, whole = measured(Path(scratch), place, int(PATIENTS_A_GB * gigabytes))
    for step, (seconds, peak) in whole.items():
        report.line(f"{step}, minutes a GB", seconds / 60 / size, "min", MINUTES_A_GB, f"{seconds:.0f} s")
        beside = f"peak {peak:.0f} MB, {tenth[step][1]:.0f} MB at a tenth"
        report.line(f"{step}, peak / peak at a tenth of the size", peak / tenth[step][1], "x", GROWTH, beside)
    return int(report.missed)


if __name__ == "__main__":
    sys.exit(main())
