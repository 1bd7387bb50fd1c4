"""What the scheduled jobs did and how far they have read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


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


class Leader(Base):
    """Who leads. A job's transaction ends by checking that its epoch is still the one here."""

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    epoch: Mapped[int]
    holder: Mapped[str] = mapped_column(String(120))
    lease_until: Mapped[datetime]


class Gap(Base):
    """A stretch of time in which nothing was judged."""

    __tablename__ = "gap"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
