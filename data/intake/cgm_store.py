"""Sensor exports into the database: days in chunks, each one transaction with provenance, audit and ingest number.

A reading counts as one thing that was read. What is stored already is unchanged; a second for which another value is
stored is held with its row, and the rest of its day is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from data.intake.cgm_days import SensorDay, sensor_days
from data.intake.cgm_export import Export, HeldRow
from data.intake.cgm_workbook import exports
from data.intake.identity import names_agree
from data.intake.item import Refused
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable
from data.intake.source import SourceFile
from data.intake.tally import BatchSummary
from data.intake.transactions import Transactions
from data.people import Actor
from data.readings import store_days

DAYS_A_CHUNK = 400
HELD_A_CHUNK = 1_000
_STORED = "look up which is right; a stored reading is not replaced by an export"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsImport:
    """The sensor exports of one import. `name`: of the patient, as far as it is known. `open` makes the batch in a
    session, `hold` puts items into quarantine."""

    steps: Transactions
    actor: Actor
    patient_id: int
    name: str | None
    summary: BatchSummary
    open: Callable[[Session], None]
    hold: Callable[[Session, Sequence[Refused], DateOrder | None], None]
    zone: ZoneInfo | None
    date_order: DateOrder | None
    now: datetime

    def take(self, file: SourceFile) -> None:
        """Store one file and account for all of it. Raises Unreadable when it holds nothing readable."""
        found = exports(file.path, self.summary.format, self.date_order)
        person = " ".join(export.person for export in found)
        if self.name is not None and not names_agree(self.name, person):
            raise Unreadable("names another person than the patient it is imported for; check the number and the name")
        for export in found:
            self._take(file, export)

    def _take(self, file: SourceFile, export: Export) -> None:
        days, repeated = sensor_days(export, self.zone, self.now)
        self.summary.ignored.update(export.ignored)
        self.summary.unchanged += repeated
        held = [_refused(file, export, row) for row in export.held]
        steps = max(-(-len(held) // HELD_A_CHUNK), -(-len(days) // DAYS_A_CHUNK))
        for step in range(steps):
            self._store(
                file,
                export,
                held[step * HELD_A_CHUNK : (step + 1) * HELD_A_CHUNK],
                days[step * DAYS_A_CHUNK : (step + 1) * DAYS_A_CHUNK],
            )

    def _store(self, file: SourceFile, export: Export, held: Sequence[Refused], days: Sequence[SensorDay]) -> None:
        """One transaction."""
        refused = list(held)
        added = known = 0
        with self.steps.write() as session:
            self.open(session)
            verdicts = store_days(
                session,
                batch_id=self.summary.batch,
                patient_id=self.patient_id,
                days=[day.readings for day in days],
                actor=self.actor,
                now=self.now,
            )
            for day, verdict in zip(days, verdicts, strict=True):
                added, known = added + verdict.added, known + verdict.known
                rows = day.rows[day.readings.seconds.searchsorted(verdict.clashing)].tolist()
                refused += [_refused(file, export, HeldRow(row, verdict.why or "refused", _STORED)) for row in rows]
            self.hold(session, refused, export.date_order)
        self.summary.stored += added
        self.summary.unchanged += known
        self.summary.quarantined += refused


def _refused(file: SourceFile, export: Export, held: HeldRow) -> Refused:
    where = f"{file.name}#{export.place(held.row)}"
    return Refused(where=where, why=held.why, suggestion=held.suggestion, raw=export.raw(held.row))
