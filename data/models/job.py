"""What the scheduled jobs did and how far they have read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId

UNTAKEN: dict[str, Any] = {
    "sqlite_where": text("taken_at IS NULL"),
    "postgresql_where": text("taken_at IS NULL"),
}


class JobRun(Base):
    """One due run of one job; `outcome` is None while it runs, then done or failed."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    outcome: Mapped[str | None] = mapped_column(String(10))
    counts: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    holder: Mapped[str] = mapped_column(String(120))
    epoch: Mapped[int | None]


class Watermark(Base):
    __tablename__ = "watermark"

    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_seq: Mapped[int]


class SweepPart(Base):
    """Whom one part of a sweep on a cluster judges; `counts` is written in the transaction that judges them."""

    __tablename__ = "sweep_part"

    run: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    begun_at: Mapped[datetime]
    patient_ids: Mapped[list[Any]]
    counts: Mapped[dict[str, Any] | None]


class Leader(Base):
    """Who leads. A job's transaction ends by checking that its epoch is still the one here."""

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    epoch: Mapped[int]
    holder: Mapped[str] = mapped_column(String(120))
    lease_until: Mapped[datetime]


class JobPlan(Base):
    """A job as the leading scheduler has it: its place in the table, its times in words, when it is due next."""

    __tablename__ = "job_plan"

    job: Mapped[str] = mapped_column(String(40), primary_key=True)
    place: Mapped[int]
    schedule: Mapped[str] = mapped_column(String(80))
    next_due_at: Mapped[datetime]


class JobRequest(Base):
    """A person's wish that a job be run now. `run_id` is the run that answers it; runs are forgotten in time."""

    __tablename__ = "job_request"
    __table_args__ = (Index("uq_job_request_waiting", "job", unique=True, **UNTAKEN),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job: Mapped[str] = mapped_column(String(40))
    who: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    run_id: Mapped[int | None]


class Gap(Base):
    """A stretch of time in which nothing was judged; `told_at` is set when it is over and people were told."""

    __tablename__ = "gap"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime | None]
