"""A run that a person asks for: a row that the leader takes, once, under its fence; never a run inside the asking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from data.db import Database
from data.job_plan import ask_for_run, planned_jobs, save_plan
from data.job_runs import Runner
from data.models import Audit, JobRequest, JobRun
from data.people import Actor, Forbidden, NotFound
from jobs.leader import LeaderLost
from jobs.runs import Counts, Fence, Lead, run_owed, run_wished
from jobs.schedule import Every, Job

NOW = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)
ADMIN = Actor("admin@clinic.example", "admin", 1)
JOBS = {"sweep": Job("sweep", Every(20)), "watch": Job("watch", Every(60))}


def lead(now: datetime = NOW, *, lost: bool = False) -> Lead:
    def fence(_session: Session) -> None:
        if lost:
            raise LeaderLost("epoch 1 is over")

    return Lead(Runner("host:1:a", 1), fence, lambda: now)


def work(_fence: Fence) -> Counts:
    return {"evaluated": 3}


WORKS = {name: (job, work) for name, job in JOBS.items()}


@pytest.fixture
def planned(database: Database) -> Database:
    """A site whose scheduler has planned two jobs."""
    with database.write() as session:
        save_plan(session, [(name, str(job.when), job.when.next(NOW)) for name, job in JOBS.items()])
    return database


def ask(database: Database, job: str = "sweep", actor: Actor = ADMIN) -> bool:
    with database.write() as session:
        return ask_for_run(session, actor, job, now=NOW)


def test_a_wish_is_taken_once_and_its_run_stands_among_the_others(planned: Database) -> None:
    assert ask(planned)
    assert not ask(planned), "ten clicks are one wish"
    assert run_wished(planned, WORKS, lead()) == "sweep"
    assert run_wished(planned, WORKS, lead()) is None
    with planned.read() as session:
        [run] = session.scalars(select(JobRun))
        [wish] = session.scalars(select(JobRequest))
        [audit] = session.scalars(select(Audit).where(Audit.action == "job.run"))
    assert (run.outcome, run.counts, run.epoch) == ("done", {"evaluated": 3}, 1)
    assert (wish.who, wish.taken_at, wish.run_id) == (ADMIN.name, NOW, run.id)
    assert (audit.actor, audit.object) == (ADMIN.name, "job sweep")
    assert ask(planned), "the next click is a new wish"


def test_a_leader_that_lost_takes_no_wish(planned: Database) -> None:
    ask(planned)
    with pytest.raises(LeaderLost):
        run_wished(planned, WORKS, lead(lost=True))
    assert run_wished(planned, WORKS, lead()) == "sweep"


def test_a_wish_whose_run_fails_is_not_tried_for_ever(planned: Database) -> None:
    def broken(_fence: Fence) -> Counts:
        raise RuntimeError("disk full")

    ask(planned)
    with pytest.raises(RuntimeError):
        run_wished(planned, {"sweep": (JOBS["sweep"], broken)}, lead())
    assert run_wished(planned, WORKS, lead()) is None
    with planned.read() as session:
        [job, _] = planned_jobs(session)
    assert (job.outcome, job.error) == ("failed", "RuntimeError: disk full")


def test_the_plan_says_where_each_job_stands(planned: Database) -> None:
    ask(planned, "watch")
    run_owed(planned, JOBS["sweep"], work, lead(NOW + timedelta(minutes=1)))
    with planned.read() as session:
        sweep, watch = planned_jobs(session)
    assert (sweep.name, sweep.schedule, sweep.outcome) == ("sweep", "every 20 s", "done")
    assert sweep.next_due_at == datetime(2026, 3, 2, 12, 1, 20, tzinfo=UTC)
    assert (watch.outcome, watch.waiting_since, watch.asked_by) == (None, NOW, ADMIN.name)
    with planned.write() as session:
        save_plan(session, [("sweep", "every 5 s", NOW)])
    with planned.read() as session:
        [only] = planned_jobs(session)
    assert only.schedule == "every 5 s"


@pytest.mark.parametrize(
    ("actor", "job", "error"),
    [(Actor("onc@clinic.example", "oncologist", 2), "sweep", Forbidden), (ADMIN, "rm -rf", NotFound)],
)
def test_who_may_not_and_what_is_no_job_is_refused(planned: Database, actor: Actor, job: str, error: type) -> None:
    with pytest.raises(error):
        ask(planned, job, actor)
