"""The scheduler process: stands for leadership, and while it leads asks every job at its times whether it owes a run.

APScheduler is a timer and nothing else: what is due and what was done stands in the table of runs, so a timer that
comes late, twice or not at all makes no run too many and leaves none out.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from data.db import Database
from data.errors import BadInput
from data.job_plan import save_plan
from data.job_runs import Runner, abandon_runs
from data.settings import Settings
from jobs.leader import Candidate, LeaderLost, Pace, Term
from jobs.ping import Ping
from jobs.runs import Lead, Stopped, Work, in_one_line, run_by_hand, run_owed, run_wished
from jobs.schedule import WISHES_S, Every, Job, schedule
from jobs.work import work_of

log = structlog.get_logger()

LONGEST_ASK_S: Final = 60
HEED_S: Final = 0.2


def run(
    database: Database,
    settings: Settings,
    protocol: Protocol,
    *,
    stop: threading.Event,
    pace: Pace | None = None,
    clock: Callable[[], datetime] | None = None,
) -> None:
    """Run the scheduled jobs until `stop` is set. While another scheduler leads, or the database is away, stand by."""
    pace, clock = pace or Pace(), clock or _wall_clock
    candidate = Candidate(database, pace)
    while not stop.is_set():
        try:
            term = candidate.stand()
        except SQLAlchemyError as error:
            log.warning("database away", why=in_one_line(error))
            term = None
        if term is None:
            stop.wait(pace.look.total_seconds())
            continue
        try:
            _lead(database, settings, protocol, term, stop=stop, clock=clock)
        except (SQLAlchemyError, LeaderLost) as error:
            log.warning("term broken off", why=in_one_line(error))
        finally:
            term.resign()


def run_job(
    name: str, database: Database, settings: Settings, protocol: Protocol, *, as_of: datetime, now: datetime
) -> dict[str, Any]:
    """Do one job now, beside any scheduler, judging as of `as_of`; its counts. Raises BadInput for an unknown name."""
    job = next((job for job in schedule(settings) if job.name == name), None)
    if job is None:
        names = ", ".join(job.name for job in schedule(settings))
        raise BadInput(f"there is no job {name!r}; the jobs are {names}")
    runner = Runner(f"{socket.gethostname()[:60]}:{os.getpid()} by hand")
    lead = Lead(runner, _unfenced, _from(now))
    work = work_of(job, database, settings, protocol, moment=lambda: as_of, clock=lead.clock)
    return dict(run_by_hand(database, job, work, lead))


def _lead(
    database: Database,
    settings: Settings,
    protocol: Protocol,
    term: Term,
    *,
    stop: threading.Event,
    clock: Callable[[], datetime],
) -> None:
    lead = Lead(Runner(term.holder, term.epoch), term.fence, clock, stop)
    jobs = schedule(settings)
    works = {job.name: (job, work_of(job, database, settings, protocol, moment=clock, clock=clock)) for job in jobs}
    ping = Ping(settings.ping_url)
    ask: dict[str, Callable[[], object]] = {
        job.name: partial(_ask, database, job, work, lead) for job, work in works.values()
    }
    ask["sweep"] = partial(_ask_and_tell, partial(_ask, database, *works["sweep"], lead), ping)
    with database.write() as session:
        abandon_runs(session, epoch=term.epoch, now=clock())
        save_plan(session, [(job.name, str(job.when), job.when.next(clock())) for job in jobs])
        term.fence(session)
    ask["sweep"]()  # what came in while nobody led, before anything else
    timer = BackgroundScheduler(
        timezone=UTC,
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(len(jobs) + 1)},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    for job in jobs:
        timer.add_job(ask[job.name], _asking_times(job, settings, clock()), id=job.name)
    timer.add_job(partial(_ask_wishes, database, works, lead), IntervalTrigger(seconds=WISHES_S, timezone=UTC))
    timer.start()
    try:
        while not (stop.is_set() or term.lost.is_set()):
            stop.wait(HEED_S)
    finally:
        timer.shutdown(wait=True)


def _ask(database: Database, job: Job, work: Work, lead: Lead) -> bool:
    """Whether a run was owed and ended well."""
    try:
        counts = run_owed(database, job, work, lead)
    except (LeaderLost, Stopped) as error:
        log.info("job broken off", job=job.name, why=str(error))
    except Exception as error:  # the row says so too; the next ask tries again, and the other jobs must go on
        log.error("job failed", job=job.name, why=in_one_line(error))
    else:
        if counts is not None:
            log.info("job done", job=job.name, **counts)
        return counts is not None
    return False


def _ask_and_tell(ask: Callable[[], bool], ping: Ping) -> None:
    if ask():
        ping.send()


def _ask_wishes(database: Database, works: Mapping[str, tuple[Job, Work]], lead: Lead) -> None:
    try:
        name = run_wished(database, works, lead)
    except (LeaderLost, Stopped) as error:
        log.info("job broken off", why=str(error))
    except Exception as error:  # the row says so too
        log.error("job failed", why=in_one_line(error))
    else:
        if name is not None:
            log.info("job done", job=name, wished=True)


def _asking_times(job: Job, settings: Settings, now: datetime) -> IntervalTrigger:
    """When the timer asks: at the grid points of the job; a daily one often, so a failed run is soon tried again."""
    grid = job.when if isinstance(job.when, Every) else Every(min(settings.sweep_s, LONGEST_ASK_S))
    return IntervalTrigger(seconds=grid.seconds, start_date=grid.next(now), timezone=UTC)


def _unfenced(_session: Session) -> None:
    """A run by hand is bound to no term: every job may run beside another of its kind."""


def _from(now: datetime) -> Callable[[], datetime]:
    begun = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begun)


def _wall_clock() -> datetime:
    return datetime.now(UTC)
