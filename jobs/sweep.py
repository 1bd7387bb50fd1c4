"""The sweep: judge whoever has new data or a due date, chunk by chunk, and remember how far it has read. Whose new data
may mean an urgent flag come first (`jobs.sweep_order`).

It reads the ingest sequence, not the clock: data that came late, back-dated or while nothing ran are never skipped. The
watermark moves in the transaction of the last chunk, so a sweep that dies is done again; whom it had judged up to their
newest data is left out then. See `data.judge` for what an `as_of` in the past means.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import uuid4

import msgspec
from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from data.announcing import MailPolicy
from data.db import Database
from data.glance import FORM
from data.judge import JudgeCounts, judge
from data.models import Glance, Ingest, IngestPatient, Judgement, Patient, Watermark
from data.people import Actor, NotFound
from data.survivors import not_merged, numbered
from data.upsert import insert_or
from jobs.sweep_order import Arrivals, Chunks, Courtesy, in_order

STREAM: Final = "sweep"
DEADLOCK: Final = "40P01"
DEADLOCKS: Final = 3

Fence = Callable[[Session], None]
Counted = TypeVar("Counted")


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did: `patients` were selected, at its start or on the way, `counts.evaluated` judged, up to ingest
    number `watermark`."""

    run: str
    as_of: datetime
    patients: int
    counts: JudgeCounts
    watermark: int

    def as_json(self) -> dict[str, Any]:
        """The document of the contract."""
        return {
            "run": self.run,
            "as_of": msgspec.to_builtins(self.as_of),
            "patients": self.patients,
            "evaluated": self.counts.evaluated,
            "opened": self.counts.opened,
            "updated": self.counts.updated,
            "resolved": self.counts.resolved,
            "failed": [{"patient": failure.mrn, "why": failure.why} for failure in self.counts.failed],
            "outbox_rows": self.counts.outbox_rows,
            "watermark": self.watermark,
        }


@dataclass(frozen=True, slots=True)
class Work:
    """Whom to judge, and the watermark before and after; `after` is None when the stream is not read to its end."""

    chunks: Chunks
    before: int
    after: int | None

    @property
    def patient_ids(self) -> list[int]:
        """Everybody to judge, in that order."""
        return [id for chunk in (*self.chunks.first, *self.chunks.rest) for id in chunk]

    @property
    def read_to(self) -> int:
        """The watermark once everybody is judged."""
        return self.before if self.after is None else max(self.before, self.after)


def sweep(
    database: Database,
    *,
    protocol: Protocol,
    mail: MailPolicy,
    as_of: datetime,
    now: datetime,
    full: bool = False,
    mrn: str | None = None,
    fence: Fence | None = None,
) -> SweepReport:
    """Judge as of `as_of` whoever has new data, is due, was judged by another protocol, has no current glance or was
    never judged; `full`: everybody; `mrn`: that one only.

    Each chunk is one transaction and ends with `fence`, which raises when this process may no longer write. Only a
    sweep over everybody concerned moves the watermark. Raises NotFound for an unknown `mrn`; database errors and what
    `fence` raises end the sweep, the chunks before stay.
    """
    work = concerned(database, protocol, as_of=as_of, now=now, full=full, mrn=mrn)
    actor = Actor.system("sweep")
    counts = JudgeCounts()
    courtesy = Courtesy(database, now)
    arrivals = None if work.after is None else Arrivals(database, work.after)
    selected = 0

    def judge_chunk(chunk: Sequence[int], read_to: int | None, session: Session) -> JudgeCounts:
        found = judge(session, chunk, protocol=protocol, as_of=as_of, now=now, mail=mail, actor=actor)
        if read_to is not None:
            advance(session, read_to)
        if fence is not None:
            fence(session)
        return found

    def finish(chunk: Sequence[int], read_to: int | None) -> None:
        nonlocal selected
        with uncollected():
            done = committed(database, partial(judge_chunk, chunk, read_to))
        selected += len(chunk)
        counts.add(done)
        if done.outbox_rows:
            courtesy.pause()

    planned = [*work.chunks.first, *work.chunks.rest]
    if not planned and work.after is not None and work.after > work.before:
        planned = [[]]
    for number, chunk in enumerate(planned, start=1):
        for arrived in () if arrivals is None else arrivals.chunks():
            finish(arrived, None)
        if len(work.chunks.first) < number < len(planned):
            courtesy.let_urgent_leave()
        finish(chunk, work.after if number == len(planned) else None)
    return SweepReport(run=str(uuid4()), as_of=as_of, patients=selected, counts=counts, watermark=work.read_to)


def concerned(
    database: Database, protocol: Protocol, *, as_of: datetime, now: datetime, full: bool, mrn: str | None
) -> Work:
    """Whom a sweep of these arguments judges: see `sweep`."""
    with database.read() as session:
        if mrn is not None:
            return _one(session, mrn)
        return _all_concerned(session, protocol, as_of=as_of, now=now, full=full)


def committed(database: Database, work: Callable[[Session], Counted]) -> Counted:
    """Do `work` in a transaction of its own; again where PostgreSQL chose it to end a deadlock with another writer."""
    for _ in range(DEADLOCKS):
        try:
            with database.write() as session:
                return work(session)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != DEADLOCK:
                raise
    with database.write() as session:
        return work(session)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: a chunk makes a hundred thousand objects that all live to its end, and the
    collector, which finds next to nothing among them, would go through them again and again. It catches up between."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _watermark(session: Session) -> int:
    return session.scalar(select(Watermark.last_seq).where(Watermark.stream == STREAM)) or 0


def _one(session: Session, mrn: str) -> Work:
    patient_id = session.scalar(select(Patient.id).where(numbered(mrn)))
    if patient_id is None:
        raise NotFound(f"no patient {mrn!r}")
    return Work(Chunks((), [[patient_id]]), _watermark(session), None)


def _all_concerned(session: Session, protocol: Protocol, *, as_of: datetime, now: datetime, full: bool) -> Work:
    before = _watermark(session)
    after = session.scalar(select(func.max(Ingest.seq))) or 0
    everybody = select(Patient.id).where(not_merged()).order_by(Patient.id)
    due = _concerned(everybody, before=before, after=after, as_of=as_of, now=now, version=protocol.version)
    chosen = everybody if full else due
    return Work(in_order(session, session.scalars(chosen).all(), before=before, after=after), before, after)


def _concerned(
    everybody: Select[int], *, before: int, after: int, as_of: datetime, now: datetime, version: str
) -> Select[int]:
    touched = (
        select(IngestPatient.patient_id)
        .join(Judgement, Judgement.patient_id == IngestPatient.patient_id, isouter=True)
        .where(IngestPatient.seq > before, IngestPatient.seq <= after)
        .where(or_(Judgement.judged_seq.is_(None), IngestPatient.seq > Judgement.judged_seq))
    )
    joined = everybody.join(Judgement, Judgement.patient_id == Patient.id, isouter=True).join(
        Glance, Glance.patient_id == Patient.id, isouter=True
    )
    return joined.where(
        or_(
            Judgement.patient_id.is_(None),
            # Judged by a program that kept no glance, or one of another form.
            (Judgement.failures == 0) & (func.coalesce(Glance.form, 0) != FORM),
            Judgement.next_due_at <= as_of,
            # Judged by another protocol than the one in force.
            (Judgement.failures == 0) & (Judgement.protocol_version != version),
            # Judged ahead of time, by a trial or a wrong clock: that judgement does not count now.
            Judgement.judged_at > max(as_of, now),
            Patient.id.in_(touched),
        )
    )


def advance(session: Session, to: int) -> None:
    """Move the watermark forward to ingest number `to`, never back."""
    session.execute(insert_or(session, Watermark).values(stream=STREAM, last_seq=0).on_conflict_do_nothing())
    session.execute(
        update(Watermark)
        .where(Watermark.stream == STREAM, Watermark.last_seq < to)
        .values(last_seq=to)
        .execution_options(synchronize_session=False)
    )
