"""Who is judged first in a sweep, and when a sweep gives way: what is urgent must not wait for ten thousand others.

A new record that a rule names in `urgent_by` may mean an urgent flag. Those patients come first, in chunks that end
soon, so that their mails leave while the rest is judged; whoever gets such a record while a sweep runs is taken in
between.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from clinical.rules.registry import urgent_by
from data.announcing import PRIORITY
from data.db import Database
from data.models import Ingest, Outbox, Patient, Record
from data.survivors import standing_id

CHUNK: Final = 100
"""Patients a transaction: SQLite lets nobody else write meanwhile, so it is to end within a second or so."""
FIRST_CHUNK: Final = 20
"""The same of those who come first: their mails are to leave at once."""
LOOK_S: Final = 0.15
"""Who waits for SQLite's write lock looks for it every tenth of a second, and would find it taken again."""
STALLED_S: Final = 3.0
"""So long no urgent mail left: a sender looks for new ones every second, so there is none, or no mail server."""
LONGEST_S: Final = 30.0
"""No sweep waits longer than this altogether: behind a slow mail server the others would wait for every mail."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Whom a sweep judges, in this order: `first` in small chunks, then `rest`."""

    first: Sequence[Sequence[int]]
    rest: Sequence[Sequence[int]]


def in_order(session: Session, patient_ids: Sequence[int], *, before: int, after: int) -> Chunks:
    """The patients in chunks, those first whose records of the ingests from `before` (excluded) to `after` may mean an
    urgent flag."""
    urgent = may_be_urgent(session, before=before, after=after)
    first = [id for id in patient_ids if id in urgent]
    rest = [id for id in patient_ids if id not in urgent]
    return Chunks(_cut(first, FIRST_CHUNK), _cut(rest, CHUNK))


def may_be_urgent(session: Session, *, before: int, after: int) -> frozenset[int]:
    """The patients, as they stand for themselves, with a record of these ingests that an urgent rule reads."""
    names = sorted(urgent_by())
    read = or_(Record.analyte.in_(names), Record.kind.in_(names))
    new = Record.ingest_seq.between(before + 1, after)
    return frozenset(session.scalars(select(standing_id(Record.patient_id)).where(new, read).distinct()))


@dataclass(slots=True)
class Arrivals:
    """What comes in while a sweep runs; `seen` is the ingest it has looked at last."""

    database: Database
    seen: int

    def chunks(self) -> Iterator[Sequence[int]]:
        """Whoever got a record since the last look that may mean an urgent flag."""
        with self.database.read() as session:
            newest = session.scalar(select(func.max(Ingest.seq))) or 0
            if newest <= self.seen:
                return
            found = may_be_urgent(session, before=self.seen, after=newest)
            known = session.scalars(select(Patient.id).where(Patient.id.in_(found)).order_by(Patient.id)).all()
        self.seen = newest
        yield from _cut(known, FIRST_CHUNK)


@dataclass(slots=True)
class Courtesy:
    """How a sweep lets the sender write on SQLite, where it would hold the write lock nearly all the time.

    After a chunk that wrote mails it pauses; before it goes on with many others it waits until the urgent mails have
    left, as long as some leave and not for long. `over`: this sweep waits no more.
    """

    database: Database
    now: datetime
    waited_s: float = field(default=0.0, init=False)
    over: bool = field(default=False, init=False)

    def pause(self) -> None:
        """Let a sender in."""
        if self.database.is_sqlite:
            time.sleep(LOOK_S)

    def let_urgent_leave(self) -> None:
        """Wait for the urgent mails that are due."""
        if not self.database.is_sqlite or self.over:
            return
        waiting, began = self._waiting(), time.monotonic()
        moved = looked = began
        while waiting and not self.over:
            time.sleep(LOOK_S)
            left, looked = self._waiting(), time.monotonic()
            if left < waiting:
                moved = looked
            waiting = left
            self.over = looked - moved > STALLED_S or self.waited_s + looked - began > LONGEST_S
        self.waited_s += looked - began

    def _waiting(self) -> int:
        due = (Outbox.priority == PRIORITY["urgent"], Outbox.next_at <= self.now)
        with self.database.read() as session:
            return (
                session.scalar(
                    select(func.count()).select_from(Outbox).where(Outbox.state.in_(("pending", "retry")), *due)
                )
                or 0
            )


def _cut(patient_ids: Sequence[int], size: int) -> list[Sequence[int]]:
    return [patient_ids[start : start + size] for start in range(0, len(patient_ids), size)]
