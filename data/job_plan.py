"""Jobs as people see and ask for them: what the leading scheduler has planned, and wishes to have one run now.

A wish is a row that the leader takes; nothing of a job runs inside a web request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.job_runs import Runner, begin_run
from data.models import JobPlan, JobRequest, JobRun
from data.people import Actor, Forbidden, NotFound
from data.upsert import insert_or


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job of the schedule. `waiting_since`: somebody asked for a run that no scheduler has taken yet."""

    name: str
    schedule: str
    next_due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    error: str | None
    counts: Mapping[str, Any] | None
    waiting_since: datetime | None
    asked_by: str | None

    @property
    def running(self) -> bool:
        """Whether the newest run has no end yet."""
        return self.started_at is not None and self.outcome is None


def save_plan(session: Session, jobs: Sequence[tuple[str, str, datetime]]) -> None:
    """Write down the whole schedule: name, times in words and next due time of each job, in order."""
    session.execute(delete(JobPlan).where(JobPlan.job.not_in([name for name, _, _ in jobs])))
    statement = insert_or(session, JobPlan)
    columns = {name: statement.excluded[name] for name in ("place", "schedule", "next_due_at")}
    session.execute(
        statement.on_conflict_do_update(index_elements=["job"], set_=columns),
        [
            {"job": name, "place": place, "schedule": when, "next_due_at": due}
            for place, (name, when, due) in enumerate(jobs)
        ],
    )


def note_next_due(session: Session, job: str, due_at: datetime) -> None:
    """Write down when a planned job is due next."""
    session.execute(update(JobPlan).where(JobPlan.job == job).values(next_due_at=due_at))


def planned_jobs(session: Session) -> Sequence[PlannedJob]:
    """Every planned job with its newest run and the wish that waits for it; none before a scheduler ever led."""
    newest = select(JobRun.job, func.max(JobRun.id).label("id")).group_by(JobRun.job).subquery()
    runs = {run.job: run for run in session.scalars(select(JobRun).join(newest, newest.c.id == JobRun.id))}
    waiting = {wish.job: wish for wish in session.scalars(select(JobRequest).where(JobRequest.taken_at.is_(None)))}
    return [
        _planned(plan, runs.get(plan.job), waiting.get(plan.job))
        for plan in session.scalars(select(JobPlan).order_by(JobPlan.place))
    ]


def _planned(plan: JobPlan, run: JobRun | None, wish: JobRequest | None) -> PlannedJob:
    return PlannedJob(
        name=plan.job,
        schedule=plan.schedule,
        next_due_at=plan.next_due_at,
        started_at=run.started_at if run else None,
        finished_at=run.finished_at if run else None,
        outcome=run.outcome if run else None,
        error=run.error if run else None,
        counts=run.counts if run else None,
        waiting_since=wish.asked_at if wish else None,
        asked_by=wish.who if wish else None,
    )


def ask_for_run(session: Session, actor: Actor, job: str, *, now: datetime) -> bool:
    """Ask that a job be run now; False when the same was asked before and waits.

    Raises Forbidden for anyone but an admin or the system, NotFound for a job that is not planned.
    """
    if actor.role not in ("admin", "system"):
        raise Forbidden("jobs are an admin's")
    if session.get(JobPlan, job) is None:
        raise NotFound("no such job")
    asked = session.execute(
        insert_or(session, JobRequest)
        .values(job=job, who=actor.name[:200], asked_at=now)
        .on_conflict_do_nothing()
        .returning(JobRequest.id)
    ).one_or_none()
    if asked is None:
        return False
    write_audit(session, actor, "job.run", now=now, object=f"job {job}")
    return True


def wish_waits(session: Session) -> bool:
    """Whether somebody asked for a run that no scheduler has taken yet."""
    return session.execute(select(JobRequest.id).where(JobRequest.taken_at.is_(None)).limit(1)).first() is not None


def take_wish(session: Session, jobs: Sequence[str], *, runner: Runner, now: datetime) -> tuple[str, int] | None:
    """The job of the oldest wish and the run begun for it, None when none waits. A wish for another job stays."""
    wish = session.execute(
        select(JobRequest.id, JobRequest.job)
        .where(JobRequest.taken_at.is_(None), JobRequest.job.in_(jobs))
        .order_by(JobRequest.id)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if wish is None:
        return None
    run_id = begin_run(session, wish.job, due_at=now, runner=runner, now=now)
    if run_id is None:
        return None  # a run of that very moment is under way; asked again in a second
    session.execute(update(JobRequest).where(JobRequest.id == wish.id).values(taken_at=now, run_id=run_id))
    return wish.job, run_id


def prune_wishes(session: Session, *, before: datetime) -> None:
    """Forget the wishes that were taken before a moment."""
    session.execute(delete(JobRequest).where(JobRequest.taken_at < before))
