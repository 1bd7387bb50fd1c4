"""Imports a person asked for on the import page: what was handed over, how far the work is, what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base

STATES = (
    *("uploaded", "previewing", "previewed", "importing"),
    *("imported", "refused", "broken", "cancelled", "expired"),
)


class ImportJob(Base):
    """One import of one person. `attempt` counts the processes that worked on it; only the last one's words count.

    `beat_at` is when that process last said that it lives, None while nobody works on it. `preview` and `summary` hold
    counts and the first verdicts, never a whole file.
    """

    __tablename__ = "import_job"
    __table_args__ = (
        CheckConstraint(f"state IN ({','.join(repr(state) for state in STATES)})", name="state"),
        Index("ix_import_job_owner", "owner_id", "created_at"),
        Index("ix_import_job_state", "state", "asked_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(12))
    files: Mapped[list[Any]]
    options: Mapped[dict[str, Any]]
    format: Mapped[str | None] = mapped_column(String(30))
    batch_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    beat_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    progress: Mapped[dict[str, Any] | None]
    preview: Mapped[dict[str, Any] | None]
    summary: Mapped[dict[str, Any] | None]
    why: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None]
