"""What must hold between flags, mails, sweeps and leaders at any moment; a line for each thing that does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from data.models import DeliveryAttempt, Ingest, JobRun, Outbox, Watermark

LOOKED_BACK: Final = 500
"""Sweeps whose epochs are looked at."""


def broken_invariants(session: Session, *, longest_lag: timedelta, now: datetime) -> list[str]:
    """What does not hold at `now`, where a sweep may lag `longest_lag` behind what was taken in."""
    return [*_sent_unproven(session), *_watermark(session, longest_lag, now), *_epochs(session)]


def _sent_unproven(session: Session) -> Iterator[str]:
    accepted = exists().where(and_(DeliveryAttempt.outbox_id == Outbox.id, DeliveryAttempt.code.between(200, 299)))
    count = session.scalar(select(func.count()).where(Outbox.state == "sent", ~accepted))
    if count:
        yield f"mails that stand as sent and that no mail server has accepted: {count}"


def _watermark(session: Session, longest_lag: timedelta, now: datetime) -> Iterator[str]:
    read = session.scalar(select(Watermark.last_seq).where(Watermark.stream == "sweep")) or 0
    newest = session.scalar(select(func.max(Ingest.seq))) or 0
    if read > newest:
        yield f"the sweep claims to have read up to {read}, but only {newest} was ever taken in"
    oldest_unread = session.scalar(select(func.min(Ingest.at)).where(Ingest.seq > read))
    if oldest_unread is not None and now - oldest_unread > longest_lag:
        waited = int((now - oldest_unread).total_seconds())
        yield f"data have waited {waited} s for a sweep, at most {int(longest_lag.total_seconds())} s are allowed"


def _epochs(session: Session) -> Iterator[str]:
    newest_first = session.scalars(
        select(JobRun.epoch)
        .where(JobRun.job == "sweep", JobRun.epoch.is_not(None))
        .order_by(JobRun.id.desc())
        .limit(LOOKED_BACK)
    ).all()
    epochs = [epoch for epoch in reversed(newest_first) if epoch is not None]
    if any(later < earlier for earlier, later in pairwise(epochs)):
        yield "a scheduler that no longer led has begun a sweep"
