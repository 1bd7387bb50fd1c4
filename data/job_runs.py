"""Runs of the scheduled jobs: one row a job and due time. The gaps between sweeps are listed here and made by
`data.downtime`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data.models.job import Gap, JobRun


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs: the holder's name and its epoch, None for a run started by hand."""

    holder: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a job, and when the newest finished one ended and how (`done` or `failed`)."""

    due_at: datetime
    finished_at: datetime | None
    outcome: str | None


def begin_run(session: Session, job: str, *, due_at: datetime, runner: Runner, now: datetime) -> int | None:
    """The id of the run to do now; None when the run of `due_at` is done, or under way by hand.

    A run that failed, or that a leader up to this one left unfinished, is taken up again under its own row.
    """
    row = session.execute(select(JobRun).where(JobRun.job == job, JobRun.due_at == due_at)).scalar_one_or_none()
    if row is None:
        return _insert(session, job, due_at=due_at, runner=runner, now=now)
    if row.outcome == "done" or (row.outcome is None and not _left(row.epoch, runner.epoch)):
        return None
    row.holder, row.epoch = runner.holder, runner.epoch
    row.started_at, row.finished_at, row.outcome, row.error, row.counts = now, None, None, None, None
    session.flush()
    return row.id


def _left(epoch: int | None, now_leading: int | None) -> bool:
    return epoch is not None and now_leading is not None and epoch <= now_leading


def _insert(session: Session, job: str, *, due_at: datetime, runner: Runner, now: datetime) -> int | None:
    values = {"job": job, "due_at": due_at, "started_at": now, "holder": runner.holder, "epoch": runner.epoch}
    try:
        with session.begin_nested():
            return session.execute(insert(JobRun).values(values).returning(JobRun.id)).scalar_one()
    except IntegrityError:
        return None


def finish_run(
    session: Session, run_id: int, *, runner: Runner, counts: Mapping[str, Any], error: str | None, now: datetime
) -> bool:
    """Write how the run ended: failed when there is an `error`, else done. False when another took the run over."""
    mine = JobRun.epoch.is_(None) if runner.epoch is None else JobRun.epoch == runner.epoch
    result = session.execute(
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.outcome.is_(None), mine)
        .values(finished_at=now, outcome="done" if error is None else "failed", counts=dict(counts), error=error)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


def abandon_runs(session: Session, *, epoch: int, now: datetime) -> int:
    """Mark as failed the runs that leaders before `epoch` never finished; their number."""
    result = session.execute(
        update(JobRun)
        .where(JobRun.outcome.is_(None), JobRun.epoch < epoch)
        .values(finished_at=now, outcome="failed", error="its process ended before the run did")
    )
    return cast("CursorResult[Any]", result).rowcount


def prune_runs(session: Session, jobs: tuple[str, ...], *, before: datetime) -> int:
    """Forget finished runs of the named jobs that ended before a moment; their number."""
    result = session.execute(delete(JobRun).where(JobRun.job.in_(jobs), JobRun.finished_at < before))
    return cast("CursorResult[Any]", result).rowcount


def first_run_at(session: Session) -> datetime | None:
    """When the first run still on record was started."""
    return session.execute(select(func.min(JobRun.started_at))).scalar_one()


def passed_over(session: Session, job: str, due_at: datetime) -> bool:
    """Whether the run of `due_at` was begun before the newest run of `job`: then the clock was set back over it."""
    of_job = select(func.max(JobRun.id)).where(JobRun.job == job)
    newest = session.execute(of_job).scalar_one()
    then = session.execute(of_job.where(JobRun.due_at == due_at)).scalar_one()
    return newest is not None and then is not None and then < newest


def last_done(session: Session, job: str) -> datetime | None:
    """When the newest good run of `job` ended. By row, not by time: a clock may have been set back."""
    return session.execute(
        select(JobRun.finished_at)
        .where(JobRun.job == job, JobRun.outcome == "done")
        .order_by(JobRun.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def last_run(session: Session, job: str) -> LastRun | None:
    """The newest run of `job`, None where it never ran."""
    newest = session.execute(
        select(JobRun.due_at).where(JobRun.job == job).order_by(JobRun.id.desc()).limit(1)
    ).scalar_one_or_none()
    if newest is None:
        return None
    finished = session.execute(
        select(JobRun.finished_at, JobRun.outcome)
        .where(JobRun.job == job, JobRun.outcome.is_not(None))
        .order_by(JobRun.id.desc())
        .limit(1)
    ).one_or_none()
    return LastRun(newest, *(finished or (None, None)))


def list_gaps(session: Session, *, newest: int) -> list[tuple[datetime, datetime]]:
    """The `newest` gaps as (from, to), oldest first."""
    rows = session.execute(select(Gap.from_at, Gap.to_at).order_by(Gap.id.desc()).limit(newest)).all()
    return [(row.from_at, row.to_at) for row in reversed(rows)]
