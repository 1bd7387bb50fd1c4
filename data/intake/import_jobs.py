"""Imports on the import page, step by step: uploaded, previewed, imported - or refused, broken, cancelled, expired.

The work itself is done by a process of its own (`import_child`), which says every second that it lives. A job whose
process has fallen silent is started again; what it had stored stays, and is known when it is read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.errors import BadInput
from data.intake.uploads import KEPT, StoredFile
from data.models import ImportJob, Person, Team
from data.people import IMPORTING_ROLES, Actor, Forbidden, NotFound, person_actor

WORKING = ("previewing", "importing")
OPEN = ("uploaded", "previewed", *WORKING)
# States from which a preview can be asked for, again if need be.
_PREVIEWABLE = ("uploaded", "previewed", "refused", "broken")
SILENT = timedelta(seconds=15)
MOST_AT_ONCE = 2
MOST_OPEN = 25
MOST_ATTEMPTS = 3
SHOWN = 20
LONGEST_OPTION = 120


class NotNow(BadInput):
    """The import is not at the point where this can be done; the message says where it is. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work for one process; its words count only while `attempt` is the job's last."""

    job: str
    attempt: int


def may_import(actor: Actor) -> None:
    """Raise Forbidden unless the actor's role takes files in."""
    if actor.role not in IMPORTING_ROLES:
        raise Forbidden("files are taken in by nurses, oncologists and admins")


def own_teams(session: Session, actor: Actor) -> list[str]:
    """The teams the actor belongs to, by name: the only ones new patients can be taken into."""
    return list(session.scalars(select(Team.name).where(Team.id.in_(sorted(actor.team_ids))).order_by(Team.name)))


def open_job(
    session: Session, actor: Actor, *, id: str, files: Sequence[StoredFile], format: str, now: datetime
) -> ImportJob:
    """A new import of files that were uploaded. Raises NotNow when the actor has too many open ones."""
    may_import(actor)
    expire(session, now)
    mine = select(func.count()).where(ImportJob.owner_id == actor.person_id, ImportJob.state.in_(OPEN))
    standing = session.scalar(mine) or 0
    if standing >= MOST_OPEN:
        raise NotNow(say("you have {n} imports open; finish or cancel some first", n=standing))
    job = ImportJob(
        id=id,
        owner_id=actor.person_id or 0,
        state="uploaded",
        files=list(files),
        options={},
        format=format,
        batch_id=uuid4().hex,
        created_at=now,
        asked_at=now,
        attempt=0,
    )
    session.add(job)
    session.flush()
    sizes = {"files": len(files), "bytes": sum(file["size"] for file in files), "format": format}
    write_audit(session, actor, "import.upload", now=now, object=f"import {id}", detail=sizes)
    return job


def find_job(session: Session, actor: Actor, id: str) -> ImportJob:
    """The actor's own import `id`. Raises NotFound, also for another person's."""
    may_import(actor)
    job = session.scalar(select(ImportJob).where(ImportJob.id == id, ImportJob.owner_id == actor.person_id))
    if job is None:
        raise NotFound("no such import")
    return job


def list_jobs(session: Session, actor: Actor) -> list[ImportJob]:
    """The actor's imports, newest first, the last 20."""
    may_import(actor)
    mine = select(ImportJob).where(ImportJob.owner_id == actor.person_id)
    return list(session.scalars(mine.order_by(ImportJob.created_at.desc()).limit(SHOWN)))


def ask_preview(session: Session, actor: Actor, id: str, *, options: Mapping[str, str | None], now: datetime) -> None:
    """Have the import worked through without storing anything.

    `options`: team, mrn, date_order, zone. Raises NotFound, NotNow, and BadInput for a team that is not the actor's.
    """
    job = _locked(session, actor, id)
    if job.state not in _PREVIEWABLE:
        raise NotNow(say("this import is {state}; it cannot be previewed now", state=say(job.state)))
    team = options.get("team")
    if team not in own_teams(session, actor):
        raise BadInput(say("choose one of your own teams: patients the files bring along are taken into it"))
    kept = {name: value.strip() for name, value in options.items() if value is not None and value.strip()}
    if any(len(value) > LONGEST_OPTION for value in kept.values()):
        raise BadInput(say("an option is too long"))
    job.options, job.preview, job.why = kept, None, None
    _hand_over(job, "previewing", now)
    write_audit(session, actor, "import.preview", now=now, object=f"import {id}")


def ask_import(session: Session, actor: Actor, id: str, *, now: datetime) -> None:
    """Have what was previewed stored, or go on with an import that broke off. Raises NotFound, NotNow."""
    job = _locked(session, actor, id)
    broken_off = job.state == "broken" and job.preview is not None
    if job.state != "previewed" and not broken_off:
        raise NotNow(say("this import is {state}; it cannot be started now", state=say(job.state)))
    _hand_over(job, "importing", now)
    write_audit(session, actor, "import.start", now=now, object=f"import {id}", detail={"batch": job.batch_id})


def cancel(session: Session, actor: Actor, id: str, *, now: datetime) -> None:
    """Give up an import before anything of it is stored. Raises NotFound, NotNow."""
    job = _locked(session, actor, id)
    if job.state not in ("uploaded", "previewing", "previewed", "refused", "broken"):
        raise NotNow(say("this import is {state}; it cannot be cancelled any more", state=say(job.state)))
    job.state, job.finished_at, job.beat_at, job.attempt = "cancelled", now, None, job.attempt + 1
    write_audit(session, actor, "import.cancel", now=now, object=f"import {id}")


def next_task(session: Session, now: datetime) -> Task | None:
    """The work a new process should do: the job that has waited longest, or one whose process has fallen silent.

    None while as many as may are at work. A job that three processes have died of is broken and says so.
    """
    silent = now - SILENT
    working = select(ImportJob).where(ImportJob.state.in_(WORKING))
    alive = select(func.count()).where(ImportJob.state.in_(WORKING), ImportJob.beat_at >= silent)
    if (session.scalar(alive) or 0) >= MOST_AT_ONCE:
        return None
    waiting = or_(ImportJob.beat_at.is_(None), ImportJob.beat_at < silent)
    for job in session.scalars(working.where(waiting).order_by(ImportJob.asked_at).with_for_update(skip_locked=True)):
        if job.attempt - int((job.progress or {}).get("first", job.attempt)) >= MOST_ATTEMPTS:
            _break(job, now)
            continue
        job.attempt, job.beat_at = job.attempt + 1, now
        return Task(job.id, job.attempt)
    return None


def work_of(session: Session, task: Task) -> tuple[ImportJob, Actor] | None:
    """The job of a task and the person it is done for, with the role and teams the database holds now.

    None when the task is no longer wanted. Raises Forbidden when the person may not import any more.
    """
    job = session.scalar(
        select(ImportJob).where(
            ImportJob.id == task.job, ImportJob.attempt == task.attempt, ImportJob.state.in_(WORKING)
        )
    )
    if job is None:
        return None
    person = session.get_one(Person, job.owner_id)
    actor = person_actor(session, person)
    if person.disabled_at is not None:
        raise Forbidden("the account was closed meanwhile")
    may_import(actor)
    return job, Actor(actor.name, actor.role, actor.person_id, actor.team_ids, job.id, actor.source, importing=True)


def beat(session: Session, task: Task, *, read: int, now: datetime) -> bool:
    """Say that the process lives and how far it is; False when it should stop because the job is not its any more."""
    job = session.scalar(_mine(task))
    if job is None:
        return False
    job.beat_at, job.progress = now, (job.progress or {}) | {"read": read}
    return True


def finish(
    session: Session, task: Task, state: str, *, now: datetime, why: str | None = None, **found: dict[str, Any]
) -> bool:
    """Write how a task ended; False, and nothing is written, when the job is not its any more."""
    job = session.scalar(_mine(task))
    if job is None:
        return False
    job.state, job.why, job.beat_at = state, why, None
    job.finished_at = None if state == "previewed" else now
    for name, value in found.items():
        setattr(job, name, value)
    return True


def _mine(task: Task) -> Any:
    return (
        select(ImportJob)
        .where(ImportJob.id == task.job, ImportJob.attempt == task.attempt, ImportJob.state.in_(WORKING))
        .with_for_update()
    )


def _locked(session: Session, actor: Actor, id: str) -> ImportJob:
    found = find_job(session, actor, id)
    return session.scalars(select(ImportJob).where(ImportJob.id == found.id).with_for_update()).one()


def _hand_over(job: ImportJob, state: str, now: datetime) -> None:
    job.state, job.asked_at, job.beat_at, job.finished_at = state, now, None, None
    # How many processes have died of this step is counted from here.
    job.progress = {"read": 0, "first": job.attempt}


def _break(job: ImportJob, now: datetime) -> None:
    kept = "What it had stored stays stored." if job.state == "importing" else "Nothing was stored."
    job.why = f"The import process was ended {MOST_ATTEMPTS} times, by the system or for using too much. {kept}"
    job.state, job.beat_at, job.finished_at = "broken", None, now


def expire(session: Session, now: datetime) -> None:
    """Close the imports that were never asked for while their files were kept."""
    session.execute(
        update(ImportJob)
        .where(ImportJob.state.in_(("uploaded", "previewed", "refused", "broken")), ImportJob.created_at < now - KEPT)
        .values(state="expired", finished_at=now)
    )
