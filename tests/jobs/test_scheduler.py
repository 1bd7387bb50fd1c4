"""The scheduler: jobs at their times under one leader, a good end when told to stop, jobs by hand beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from clinical.protocol import Protocol, bundled_protocol
from data.db import Database
from data.errors import BadInput
from data.models import Gap, JobRun, Judgement
from data.settings import Settings
from jobs.leader import Pace
from jobs.schedule import schedule
from jobs.scheduler import run, run_job
from tests.jobs.conftest import Clinic

pytestmark = pytest.mark.alone

BRISK = Pace(lease=timedelta(seconds=1), renew=timedelta(milliseconds=100), look=timedelta(milliseconds=50))


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return bundled_protocol()


@pytest.fixture
def each_second(settings: Settings) -> Settings:
    """Settings that sweep every second."""
    return settings.model_copy(update={"sweep_s": 1})


@pytest.fixture
def start(
    database: Database, each_second: Settings, protocol: Protocol
) -> Iterator[Callable[[], tuple[threading.Event, threading.Thread]]]:
    """Starts a scheduler in a thread; gives its stop and the thread."""
    running: list[tuple[threading.Event, threading.Thread]] = []

    def scheduler() -> tuple[threading.Event, threading.Thread]:
        stop = threading.Event()
        thread = threading.Thread(
            target=run, args=(database, each_second, protocol), kwargs={"stop": stop, "pace": BRISK}
        )
        thread.start()
        running.append((stop, thread))
        return running[-1]

    yield scheduler
    for stop, thread in running:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def runs(database: Database, job: str) -> list[JobRun]:
    with database.read() as session:
        return list(session.scalars(select(JobRun).where(JobRun.job == job).order_by(JobRun.id)))


def wait_until(holds: Callable[[], object], seconds: float = 20) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds * 10)):
        if holds():
            return True
        pause.wait(0.1)
    return False


def test_sweeps_come_one_a_second_and_judge_who_is_new(
    database: Database, clinic: Clinic, start: Callable[[], object]
) -> None:
    start()
    assert wait_until(lambda: len([row for row in runs(database, "sweep") if row.outcome == "done"]) >= 4)
    due = [row.due_at for row in runs(database, "sweep")]
    assert len(set(due)) == len(due)
    assert all(moment.microsecond == 0 for moment in due)
    assert runs(database, "sweep")[0].counts == {
        "patients": 1,
        "evaluated": 1,
        "opened": 0,
        "updated": 0,
        "resolved": 0,
        "failed": 0,
        "outbox_rows": 0,
        "watermark": 0,
    }
    with database.read() as session:
        assert session.scalars(select(Judgement.patient_id)).all() == [clinic.patient_id]


def test_two_schedulers_make_no_run_twice(database: Database, start: Callable[[], object]) -> None:
    start()
    start()
    assert wait_until(lambda: len(runs(database, "sweep")) >= 4)
    assert {row.epoch for row in runs(database, "sweep")} == {1}


def test_the_other_goes_on_when_the_leader_is_told_to_stop(
    database: Database, start: Callable[[], tuple[threading.Event, threading.Thread]]
) -> None:
    stop, thread = start()
    # A run that is broken off is done over by whoever leads next, under their epoch.
    assert wait_until(lambda: any(row.outcome == "done" for row in runs(database, "sweep")))
    start()
    stop.set()
    thread.join(20)
    assert wait_until(lambda: {row.epoch for row in runs(database, "sweep")} == {1, 2})


def test_after_downtime_it_catches_up_at_once_and_the_gap_is_on_record(
    database: Database, each_second: Settings, protocol: Protocol, start: Callable[[], object]
) -> None:
    yesterday = datetime.now(UTC) - timedelta(hours=26)
    run_job("sweep", database, each_second, protocol, as_of=yesterday, now=yesterday)
    start()
    assert wait_until(lambda: len(runs(database, "sweep")) >= 3)
    with database.read() as session:
        [gap] = session.scalars(select(Gap))
    assert timedelta(hours=26) <= gap.to_at - gap.from_at < timedelta(hours=26, minutes=1)


def test_a_daily_job_missed_while_nothing_ran_is_made_up_once(
    database: Database, each_second: Settings, protocol: Protocol, start: Callable[[], object]
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3)
    run_job("sweep", database, each_second, protocol, as_of=long_ago, now=long_ago)
    start()
    assert wait_until(lambda: runs(database, "digest") and runs(database, "full-sweep"))
    assert wait_until(lambda: len(runs(database, "sweep")) >= 4)
    assert len(runs(database, "digest")) == len(runs(database, "full-sweep")) == 1


@pytest.mark.parametrize("name", [job.name for job in schedule(Settings(_env_file=None))])
def test_each_job_can_be_run_by_hand(
    database: Database, settings: Settings, protocol: Protocol, now: datetime, name: str
) -> None:
    counts = run_job(name, database, settings, protocol, as_of=now, now=now)
    [row] = runs(database, name)
    assert (row.outcome, row.counts, row.epoch) == ("done", counts, None)


def test_a_job_that_does_not_exist_is_refused_by_name(
    database: Database, settings: Settings, protocol: Protocol, now: datetime
) -> None:
    with pytest.raises(BadInput, match=r"'sweeep'; the jobs are sweep, full-sweep, digest, .*imports"):
        run_job("sweeep", database, settings, protocol, as_of=now, now=now)
