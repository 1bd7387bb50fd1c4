"""Runs of jobs: begin one when it is due, write how it ended, and say where every job stands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from data.db import Database
from data.downtime import note_gap
from data.freshness import oldest_unsent_s, sweep_age_s
from data.job_plan import note_next_due, take_wish, wish_waits
from data.job_runs import Runner, begin_run, finish_run, first_run_at, last_run, list_gaps, passed_over
from data.leases import read_lease
from jobs.leader import NAME, LeaderLost, Pace
from jobs.schedule import Every, Job

GAPS_SHOWN = 20
LONGEST_ERROR = 500

Counts = Mapping[str, Any]
Fence = Callable[[Session], None]
Work = Callable[[Fence], Counts]


class Stopped(RuntimeError):
    """The process was told to stop; what was under way is done again by whoever leads next."""


@dataclass(frozen=True, slots=True)
class Lead:
    """In whose name runs are made: the runner, the fence of its transactions, its clock, and what ends it."""

    runner: Runner
    fence: Fence
    clock: Callable[[], datetime]
    stop: threading.Event = field(default_factory=threading.Event)

    def go_on(self, session: Session) -> None:
        """The fence of what may be broken off: also raises Stopped once `stop` is set."""
        if self.stop.is_set():
            raise Stopped("told to stop")
        self.fence(session)


def due_run(session: Session, job: Job, now: datetime) -> datetime | None:
    """The due time of the run that `job` owes at `now`, None where it owes none.

    A daily run that was due before this system ever ran is not owed. A grid point the clock was set back over is owed
    again, under the exact moment.
    """
    due = job.when.latest(now)
    if isinstance(job.when, Every):
        return now if passed_over(session, job.name, due) else due
    began = first_run_at(session)
    return due if began is not None and due >= began else None


def run_owed(database: Database, job: Job, work: Work, lead: Lead) -> Counts | None:
    """Do the run that `job` owes now; its counts, None when nothing was owed.

    What the work raises, also Stopped, is written to the run's row and raised; LeaderLost is raised and nothing is
    written.
    """
    started = lead.clock()
    with database.write() as session:
        due = due_run(session, job, started)
        run_id = None if due is None else begin_run(session, job.name, due_at=due, runner=lead.runner, now=started)
        if run_id is not None:
            _note_gap(session, job, started)
            note_next_due(session, job.name, job.when.next(started))
        lead.go_on(session)
    return None if run_id is None else _perform(database, run_id, work, lead)


def run_by_hand(database: Database, job: Job, work: Work, lead: Lead) -> Counts:
    """Do `job` now, due or not, under a row of its own; its counts. What the work raises is written and raised."""
    started = lead.clock()
    with database.write() as session:
        run_id = begin_run(session, job.name, due_at=started, runner=lead.runner, now=started)
        _note_gap(session, job, started)
        lead.fence(session)
    return {} if run_id is None else _perform(database, run_id, work, lead)


def run_wished(database: Database, jobs: Mapping[str, tuple[Job, Work]], lead: Lead) -> str | None:
    """Do the run that somebody asked for first, of one of the named jobs; its name, None when nobody asked.

    What the work raises is written and raised.
    """
    with database.read() as session:
        if not wish_waits(session):
            return None
    started = lead.clock()
    with database.write() as session:
        taken = take_wish(session, list(jobs), runner=lead.runner, now=started)
        if taken is not None:
            _note_gap(session, jobs[taken[0]][0], started)
        lead.go_on(session)
    if taken is None:
        return None
    name, run_id = taken
    _perform(database, run_id, jobs[name][1], lead)
    return name


def _perform(database: Database, run_id: int, work: Work, lead: Lead) -> Counts:
    try:
        counts = work(lead.go_on)
    except LeaderLost:
        raise  # the row now belongs to whoever leads
    except Exception as error:
        with database.write() as session:
            finish_run(session, run_id, runner=lead.runner, counts={}, error=in_one_line(error), now=lead.clock())
            lead.fence(session)
        raise
    with database.write() as session:
        finish_run(session, run_id, runner=lead.runner, counts=counts, error=None, now=lead.clock())
        lead.fence(session)
    return counts


def _note_gap(session: Session, job: Job, started: datetime) -> None:
    if job.name == "sweep" and isinstance(job.when, Every):
        note_gap(session, longest=timedelta(seconds=2 * job.when.seconds), now=started)


def in_one_line(error: BaseException) -> str:
    """The kind of an error and the first line of its message: the rest of a database error quotes rows."""
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"[:LONGEST_ERROR]


def jobs_status(session: Session, schedule: Sequence[Job], *, now: datetime) -> dict[str, Any]:
    """Who leads, where each job stands, how fresh sweeps and mail are: the document of `nadir jobs status --json`."""
    lease = read_lease(session, NAME, lasting=Pace().lease)
    return {
        "leader": lease.holder if lease is not None and lease.live else None,
        "jobs": [_job_status(session, job, now) for job in schedule],
        "sweep_age_s": sweep_age_s(session, now=now),
        "oldest_unsent_s": oldest_unsent_s(session, now=now),
        "gaps": [{"from": _iso(since), "to": _iso(until)} for since, until in list_gaps(session, newest=GAPS_SHOWN)],
    }


def _job_status(session: Session, job: Job, now: datetime) -> dict[str, Any]:
    last = last_run(session, job.name)
    return {
        "name": job.name,
        "schedule": str(job.when),
        "last_due": _iso(last.due_at) if last else None,
        "last_finished": _iso(last.finished_at) if last else None,
        "outcome": last.outcome if last else None,
        "next_due": _iso(job.when.next(now)),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
