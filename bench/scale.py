"""A sweep on a cluster beside what the same processors reach without one.

    .venv/bin/python -m bench.scale [patients]

The patients of `bench.sweep_store` on one PostgreSQL, each sweep a full one over patients judged before, as every
night, in turn: here in one process; by two plain processes, each over half of the patients; and on a Dask cluster of
two worker processes over TCP. Patients a second on the wall; start-up of processes is left out on all sides.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from bench.intake_fhir import fresh, postgresql_server
from bench.sweep import KEY, MAIL
from bench.sweep_patients import NOW
from bench.sweep_store import fill
from clinical.protocol import bundled_protocol
from data.db import Database, open_database
from data.judge import judge
from data.people import Actor
from jobs.cluster import sweep_on_cluster
from jobs.sweep import sweep, uncollected
from jobs.sweep_order import CHUNK

PATIENTS: Final = 100_000
TURNS: Final = 3
GOAL: Final = 0.75


def main() -> None:
    """Print patients a second of each way, and the ratios with their goals."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else PATIENTS
    with tempfile.TemporaryDirectory(prefix="nadir-bench-") as scratch, postgresql_server() as server:
        home = Path(scratch)
        database = fresh(home, server)
        fill(database, patients)
        print(f"{patients} patients, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        ran: dict[str, list[float]] = {"local": [], "two processes": [], "dask": []}
        with halves(database, patients) as plain, cluster(database, home) as address:
            ways = {
                "local": partial(here, database),
                "two processes": partial(together, plain),
                "dask": partial(on_cluster, database, address),
            }
            here(database)
            for _ in range(TURNS if patients <= 20_000 else 1):
                for name, way in ways.items():
                    began = time.perf_counter()
                    way()
                    ran[name].append(time.perf_counter() - began)
        with database.read() as session:
            judged = session.execute(text("SELECT count(*) FROM judgement WHERE failures = 0")).scalar_one()
        if judged != patients:
            raise RuntimeError(f"only {judged} of {patients} were judged")
    speed = {name: patients / statistics.median(took) for name, took in ran.items()}
    for name, rate in speed.items():
        print(f"  {name}: {rate:.0f} patients/s")
    print(f"  dask beside two plain processes: {speed['dask'] / speed['two processes']:.2f} (goal >= {GOAL})")
    print(f"  dask beside one process: {speed['dask'] / speed['local']:.2f} (goal >= 1)")


def here(database: Database) -> None:
    """A full sweep in this process."""
    at = NOW + timedelta(minutes=1)
    sweep(database, protocol=bundled_protocol(), mail=MAIL, as_of=at, now=at, full=True)


def on_cluster(database: Database, address: str) -> None:
    """A full sweep on the cluster."""
    at = NOW + timedelta(minutes=1)
    sweep_on_cluster(database, address=address, protocol=bundled_protocol(), mail=MAIL, as_of=at, now=at, full=True)


def together(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Have every plain process sweep its half, and wait for all."""
    for process in processes:
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    for process in processes:
        if process.stdout.readline() != "done\n":  # type: ignore[union-attr]
            raise RuntimeError("a plain process has failed")


def half(url: str, first: int, last: int) -> None:
    """A plain process: whenever a line comes in, judge patients `first` to `last` in chunks, as a sweep does."""
    database, protocol, at = open_database(url, KEY), bundled_protocol(), NOW + timedelta(minutes=1)
    actor = Actor.system("sweep")
    print("ready", flush=True)
    for _ in sys.stdin:
        for start in range(first, last + 1, CHUNK):
            ids = range(start, min(start + CHUNK, last + 1))
            with uncollected(), database.write() as session:
                judge(session, ids, protocol=protocol, as_of=at, now=at, mail=MAIL, actor=actor)
        print("done", flush=True)


@contextmanager
def halves(database: Database, patients: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that wait for a word to judge a half each."""
    url, middle = database.engine.url.render_as_string(hide_password=False), patients // 2
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                ended(
                    [sys.executable, "-m", "bench.scale", "half", url, str(first), str(last)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for first, last in ((1, middle), (middle + 1, patients))
        ]
        for process in processes:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("a plain process did not start")
        yield processes


@contextmanager
def cluster(database: Database, home: Path) -> Iterator[str]:
    """The address of a scheduler with two workers of one thread."""
    key, place = home / "audit.key", home / "scheduler.json"
    key.write_bytes(KEY + bytes(range(48, 80)))
    key.chmod(0o600)
    environment = os.environ | {
        "NADIR_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
        "NADIR_AUDIT_KEY_FILE": str(key),
        "PYTHONPATH": str(Path.cwd()),
    }
    dask = [sys.executable, "-m", "dask"]
    about: dict[str, Any] = {"cwd": home, "env": environment, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack:
        scheduler = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place)]
        stack.enter_context(ended(scheduler, **about))
        while not place.exists() or not place.stat().st_size:
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"].removeprefix("tcp://")
        worker = [*dask, "worker", f"tcp://{address}", "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        for _ in range(2):
            stack.enter_context(ended([*worker, "--local-directory", str(home / "scratch")], **about))
        yield address


@contextmanager
def ended(command: Sequence[str], **about: Any) -> Iterator[Any]:
    """A process that is killed at the end of the block."""
    process = subprocess.Popen(command, **about)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["half"]:
        half(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
