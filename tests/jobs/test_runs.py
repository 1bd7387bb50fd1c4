"""Runs: each due one once, failed and broken-off ones again, gaps on record, and what `jobs status` says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from data.db import Database
from data.job_runs import Runner, abandon_runs, begin_run
from data.models import Gap, JobRun
from jobs.leader import LeaderLost
from jobs.runs import Counts, Fence, Lead, Stopped, jobs_status, run_by_hand, run_owed
from jobs.schedule import Daily, Every, Job

NOON = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)
SWEEP = Job("sweep", Every(20))
DIGEST = Job("digest", Daily(time(7), ZoneInfo("UTC")))


class Clock:
    """A clock the test sets."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def unfenced(session: Session) -> None:
    assert session.in_transaction()


class Work:
    """Counts how often it was done; raises first what it is given."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.fences: list[Fence] = []

    @property
    def done(self) -> int:
        return len(self.fences)

    def __call__(self, fence: Fence) -> Counts:
        if self.faults:
            raise self.faults.pop(0)
        self.fences.append(fence)
        return {"evaluated": 3}


def lead(clock: Clock, epoch: int | None = 1, fence: Callable[[Session], None] = unfenced) -> Lead:
    return Lead(Runner("host:1:a", epoch), fence, clock)


def rows(database: Database) -> list[JobRun]:
    with database.read() as session:
        return list(session.scalars(select(JobRun).order_by(JobRun.id)))


def test_a_due_run_is_done_once_however_often_it_is_asked_for(database: Database) -> None:
    work, clock = Work(), Clock()
    assert run_owed(database, SWEEP, work, lead(clock)) == {"evaluated": 3}
    assert run_owed(database, SWEEP, work, lead(clock)) is None
    assert run_owed(database, SWEEP, work, lead(clock, epoch=2)) is None
    assert work.done == 1
    [row] = rows(database)
    assert (row.due_at, row.outcome, row.counts) == (NOON.replace(second=0), "done", {"evaluated": 3})


def test_missed_grid_points_become_one_run_and_a_gap_on_record(database: Database) -> None:
    work, clock = Work(), Clock()
    run_owed(database, SWEEP, work, lead(clock))
    clock.now += timedelta(hours=26)
    run_owed(database, SWEEP, work, lead(clock))
    run_owed(database, SWEEP, work, lead(clock))
    assert work.done == 2
    with database.read() as session:
        [gap] = session.scalars(select(Gap))
    assert (gap.from_at, gap.to_at) == (NOON, NOON + timedelta(hours=26))


def test_a_pause_of_two_intervals_is_no_gap(database: Database) -> None:
    work, clock = Work(), Clock()
    for seconds in (0, 20, 40, 80):
        clock.now = NOON + timedelta(seconds=seconds)
        run_owed(database, SWEEP, work, lead(clock))
    assert work.done == 4
    with database.read() as session:
        assert session.scalars(select(Gap)).all() == []


def test_a_run_that_is_told_to_stop_ends_on_record_and_is_taken_up_again(database: Database) -> None:
    leading = lead(Clock())

    def told_to_stop(fence: Fence) -> Counts:
        leading.stop.set()
        with database.write() as session:
            fence(session)
        return {}

    with pytest.raises(Stopped):
        run_owed(database, SWEEP, told_to_stop, leading)
    [row] = rows(database)
    assert (row.outcome, row.error) == ("failed", "Stopped: told to stop")
    with pytest.raises(Stopped):
        run_owed(database, SWEEP, Work(), leading)
    assert rows(database)[0].outcome == "failed"
    assert run_owed(database, SWEEP, Work(), lead(Clock(), epoch=2)) == {"evaluated": 3}


def test_a_run_that_was_through_when_told_to_stop_is_done(database: Database) -> None:
    leading = lead(Clock())

    def stopped_after(_fence: Fence) -> Counts:
        leading.stop.set()
        return {"evaluated": 3}

    assert run_owed(database, SWEEP, stopped_after, leading) == {"evaluated": 3}
    assert rows(database)[0].outcome == "done"


def test_a_failed_run_says_why_and_is_tried_again(database: Database) -> None:
    work, clock = Work(RuntimeError("disk full\nPatient Ada, 12345")), Clock()
    run_owed(database, SWEEP, Work(), lead(clock))
    clock.now += timedelta(days=1)
    with pytest.raises(RuntimeError):
        run_owed(database, DIGEST, work, lead(clock))
    assert rows(database)[-1].outcome == "failed"
    assert rows(database)[-1].error == "RuntimeError: disk full"
    assert run_owed(database, DIGEST, work, lead(clock)) == {"evaluated": 3}
    assert run_owed(database, DIGEST, work, lead(clock)) is None
    assert rows(database)[-1].outcome == "done"


def test_a_daily_run_from_before_the_first_start_is_not_owed(database: Database) -> None:
    work, clock = Work(), Clock()
    run_owed(database, SWEEP, Work(), lead(clock))
    assert run_owed(database, DIGEST, work, lead(clock)) is None
    clock.now = NOON.replace(hour=7, second=0) + timedelta(days=1)
    assert run_owed(database, DIGEST, work, lead(clock)) is not None


def test_after_days_of_downtime_a_daily_job_runs_once(database: Database) -> None:
    work, clock = Work(), Clock()
    run_owed(database, SWEEP, Work(), lead(clock))
    clock.now += timedelta(days=9)
    assert run_owed(database, DIGEST, work, lead(clock)) is not None
    assert run_owed(database, DIGEST, work, lead(clock)) is None


def test_a_leader_that_lost_does_no_work_and_writes_no_row(database: Database) -> None:
    def lost(_session: Session) -> None:
        raise LeaderLost("epoch 1 is over")

    work = Work()
    with pytest.raises(LeaderLost):
        run_owed(database, SWEEP, work, lead(Clock(), fence=lost))
    assert work.done == 0
    assert rows(database) == []


def test_a_leader_that_loses_during_the_work_leaves_the_row_to_the_next(database: Database) -> None:
    clock = Clock()
    with pytest.raises(LeaderLost):
        run_owed(database, SWEEP, Work(LeaderLost("gone")), lead(clock))
    assert rows(database)[0].outcome is None
    assert run_owed(database, SWEEP, Work(), lead(clock, epoch=2)) is not None
    [row] = rows(database)
    assert (row.outcome, row.epoch) == ("done", 2)


def test_what_an_earlier_leader_never_finished_is_marked_failed(database: Database) -> None:
    with database.write() as session:
        begin_run(session, "sweep", due_at=NOON, runner=Runner("a", 4), now=NOON)
        begin_run(session, "watch", due_at=NOON, runner=Runner("b", 5), now=NOON)
        begin_run(session, "digest", due_at=NOON, runner=Runner("cli"), now=NOON)
        assert abandon_runs(session, epoch=5, now=NOON) == 1
    assert [row.outcome for row in rows(database)] == ["failed", None, None]


@pytest.mark.parametrize("back", [timedelta(hours=2), timedelta(days=1)])
def test_after_the_clock_was_set_back_sweeps_go_on(database: Database, back: timedelta) -> None:
    work, clock = Work(), Clock()
    for _ in range(4):
        run_owed(database, SWEEP, work, lead(clock))
        clock.now += back / 3
    clock.now = NOON
    for _ in range(12):
        run_owed(database, SWEEP, work, lead(clock))
        clock.now += back / 6
    assert work.done >= 16 - 1


def test_a_run_by_hand_needs_no_due_time_and_raises_what_the_work_raises(database: Database) -> None:
    clock = Clock()
    assert run_by_hand(database, DIGEST, Work(), lead(clock, epoch=None)) == {"evaluated": 3}
    clock.now += timedelta(seconds=1)
    with pytest.raises(ValueError, match="no"):
        run_by_hand(database, DIGEST, Work(ValueError("no")), lead(clock, epoch=None))
    assert [row.outcome for row in rows(database)] == ["done", "failed"]


def test_the_status_names_each_job_with_its_last_and_next_run(database: Database) -> None:
    clock = Clock()
    run_owed(database, SWEEP, Work(), lead(clock))
    with database.read() as session:
        status = jobs_status(session, [SWEEP, DIGEST], now=NOON + timedelta(seconds=30))
    assert status == {
        "leader": None,
        "jobs": [
            {
                "name": "sweep",
                "schedule": "every 20 s",
                "last_due": "2026-03-02T12:00:00Z",
                "last_finished": "2026-03-02T12:00:07Z",
                "outcome": "done",
                "next_due": "2026-03-02T12:00:40Z",
            },
            {
                "name": "digest",
                "schedule": "daily 07:00 UTC",
                "last_due": None,
                "last_finished": None,
                "outcome": None,
                "next_due": "2026-03-03T07:00:00Z",
            },
        ],
        "sweep_age_s": 30,
        "oldest_unsent_s": None,
        "gaps": [],
    }
