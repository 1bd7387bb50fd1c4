"""A sweep on a cluster of processes over TCP writes the rows of a sweep here, whichever worker dies on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

import jobs.parts
from bench.sweep_patients import NOW
from bench.sweep_store import fill
from clinical.protocol import bundled_protocol
from data.audit import verify
from data.copying.rows import stored, tables
from data.db import Database, open_database
from data.errors import BadInput
from data.migrate import upgrade
from data.models import Flag, SweepPart, Watermark
from data.people import Actor, add_person, add_team
from jobs.cluster import ClusterUnavailable, scheduler_address, sweep_on_cluster
from jobs.parts import PROGRAM, Errand, counts_of, judge_part
from jobs.sweep import sweep
from tests.data.ward import POLICY

SYSTEM = Actor.system("test")
PROTOCOL = bundled_protocol()
TIMES = {"as_of": NOW, "now": NOW}
DRAWN = {"id", "message_id", "mac", "seq"}
"""Columns whose values no two runs share: drawn at random, or in the order in which parts were committed."""


class Cluster:
    """A Dask scheduler and workers as processes of their own, on one database."""

    def __init__(self, database: Database, home: Path, audit_key: bytes) -> None:
        key = home / "audit.key"
        key.write_bytes(audit_key)
        key.chmod(0o600)
        self.home = home
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")} | {
            "NADIR_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
            "NADIR_AUDIT_KEY_FILE": str(key),
            "PYTHONPATH": str(Path.cwd()),
        }
        place = home / "scheduler.json"
        self.processes = [
            self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
        ]
        patient_until(lambda: place.exists() and place.stat().st_size > 0)
        self.address = json.loads(place.read_text())["address"].removeprefix("tcp://")

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker of one thread."""
        self.environment |= environment
        process = self._start(
            *("worker", f"tcp://{self.address}", "--no-nanny", "--nthreads", "1", "--no-dashboard"),
            *("--local-directory", str(self.home / "scratch")),
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Kill what still runs."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments], cwd=self.home, env=self.environment, stdout=log, stderr=log
            )


def patient_until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def cluster_of(tmp_path: Path, audit_key: bytes) -> Iterator[Callable[[Database], Cluster]]:
    made: list[Cluster] = []

    def make(database: Database) -> Cluster:
        made.append(Cluster(database, tmp_path, audit_key))
        return made[-1]

    yield make
    for cluster in made:
        cluster.end()


@pytest.fixture
def here(tmp_path: Path, audit_key: bytes) -> Database:
    """Another database, for the same patients and a sweep on one machine; SQLite, which the rows do not show."""
    database = open_database(f"sqlite:///{tmp_path / 'here.db'}", audit_key)
    upgrade(database)
    return database


def admit(database: Database, patients: int) -> None:
    """Patients of every disease state in one team with an oncologist, beside an admin."""
    fill(database, patients)
    with database.write() as session:
        add_team(session, SYSTEM, "NET clinic", now=NOW)
        for email, role in (("ada@clinic.example", "oncologist"), ("admin@clinic.example", "admin")):
            add_person(session, SYSTEM, email=email, role=role, teams=["NET clinic"], now=NOW)
        session.execute(
            text("INSERT INTO patient_team (patient_id, team_id) SELECT patient.id, team.id FROM patient, team")
        )


def rows(database: Database) -> Counter[str]:
    """Every row of every table, flags named by what they are about instead of the id they drew."""
    with database.read() as session:
        names = {flag.id: f"flag {flag.dedup_key} {flag.episode}" for flag in session.scalars(select(Flag))}
        found: Counter[str] = Counter()
        for table in tables():
            kept = [
                at for at, column in enumerate(table.columns) if column.name not in DRAWN or table.name == "patient"
            ]
            for some in stored(session.connection(), table):
                for row in some:
                    line = f"{table.name} {[row[at] for at in kept]!r}"
                    found[line] += 1
    return Counter(
        {
            _named(line, names): count
            for line, count in found.items()
            if not line.startswith(("audit_head", "invitation"))
        }
    )


def _named(line: str, names: dict[str, str]) -> str:
    for id, name in names.items():
        if id in line:
            line = line.replace(id, name)
    return line


def check_same(there: Database, here: Database) -> None:
    missing, extra = rows(here) - rows(there), rows(there) - rows(here)
    assert not missing and not extra, f"{list(missing)[:3]} is missing, {list(extra)[:3]} is too much"
    with there.read() as session:
        audit = verify(session)
        assert audit.ok, audit.why
        assert session.scalar(select(func.count()).select_from(SweepPart)) == 0


def without_run(report: dict[str, Any]) -> dict[str, Any]:
    return report | {"run": ""}


@pytest.mark.alone
@pytest.mark.timeout(120)
def test_a_cluster_writes_the_same_rows_and_gives_the_same_report(
    cluster_of: Callable[[Database], Cluster], postgresql_database: Database, here: Database
) -> None:
    killed_on_the_way(cluster_of, postgresql_database, here, patients=300)


@pytest.mark.alone
@pytest.mark.faults
@pytest.mark.timeout(600)
def test_two_thousand_patients_and_a_worker_killed_in_the_middle(
    cluster_of: Callable[[Database], Cluster], database: Database, here: Database
) -> None:
    killed_on_the_way(cluster_of, database, here, patients=2_000)


def killed_on_the_way(
    cluster_of: Callable[[Database], Cluster], there: Database, here: Database, *, patients: int
) -> None:
    for database in (there, here):
        admit(database, patients)
    cluster = cluster_of(there)
    workers = [cluster.worker(), cluster.worker()]
    killed: list[int] = []

    def kill_one() -> None:
        patient_until(lambda: judged_parts(there) >= 1)
        # So that the scheduler has heard of what the worker had done, and loses it with the worker.
        time.sleep(0.1)
        workers[0].kill()
        killed.append(judged_parts(there))

    killer = threading.Thread(target=kill_one)
    killer.start()
    report = sweep_on_cluster(there, address=cluster.address, protocol=PROTOCOL, mail=POLICY, full=True, **TIMES)
    killer.join()
    peaceful = sweep(here, protocol=PROTOCOL, mail=POLICY, full=True, **TIMES)
    print(f"killed after {killed[0]} of {patients // 100} parts")
    assert killed[0] < patients // 100, "the worker was killed after the sweep: this run proved nothing"
    assert without_run(report.as_json()) == without_run(peaceful.as_json())
    assert report.counts.opened > patients / 10
    check_same(there, here)


def judged_parts(database: Database) -> int:
    with database.read() as session:
        return sum(part.counts is not None for part in session.scalars(select(SweepPart)))


@pytest.fixture
def errand(database: Database, tmp_path: Path, audit_key: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Errand]:
    """A sweep of one part over a hundred patients; this process is its worker."""
    admit(database, 100)
    key = tmp_path / "audit.key"
    key.write_bytes(audit_key)
    key.chmod(0o600)
    monkeypatch.setenv("NADIR_DATABASE_URL", database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("NADIR_AUDIT_KEY_FILE", str(key))
    jobs.parts._home.cache_clear()
    with database.write() as session:
        session.add(SweepPart(run="r", number=0, begun_at=NOW, patient_ids=list(range(1, 101)), counts=None))
    yield Errand("r", NOW, NOW, POLICY, PROTOCOL.version, PROGRAM)
    jobs.parts._home()[1].close()
    jobs.parts._home.cache_clear()


def test_a_part_that_is_given_out_twice_is_judged_once(database: Database, errand: Errand) -> None:
    judge_part(errand, 0)
    once = rows(database)
    judge_part(errand, 0)
    assert rows(database) == once
    with database.read() as session:
        counts = counts_of(session.scalars(select(SweepPart)).one())
    assert counts.evaluated == 100 and counts.opened > 10


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"protocol": "another"}, "judges by protocol"),
        ({"program": "another"}, "another version of Nadir"),
        ({"run": "another"}, "it is another one"),
    ],
)
def test_a_worker_that_would_judge_otherwise_judges_nobody(
    database: Database, errand: Errand, about: dict[str, str], why: str
) -> None:
    from dataclasses import replace

    before = rows(database)
    with pytest.raises(jobs.parts.OtherWorker, match=why):
        judge_part(replace(errand, **about), 0)
    assert rows(database) == before


def test_without_a_scheduler_nothing_is_changed(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cluster.CONNECT_S", 1)
    with pytest.raises(ClusterUnavailable, match="no Dask scheduler answers"):
        sweep_on_cluster(sqlite_database, address="127.0.0.1:1", protocol=PROTOCOL, mail=POLICY, **TIMES)
    with sqlite_database.read() as session:
        assert session.scalar(select(Watermark.last_seq)) is None


@pytest.mark.parametrize(
    "executor",
    ["dask", "dask://", "dask://host", "dask://host:x", "tcp://host:8786", "dask://a:1/path", "dask://u@a:1", "remote"],
)
def test_an_executor_that_names_no_cluster_is_refused(executor: str) -> None:
    with pytest.raises(BadInput, match="write local or dask://HOST:PORT"):
        scheduler_address(executor)


def test_the_address_of_a_cluster_is_read() -> None:
    assert scheduler_address("dask://10.1.2.3:8786") == "10.1.2.3:8786"
    assert scheduler_address("dask://[::1]:8786") == "[::1]:8786"
