"""What was read, stored chunk by chunk: each one transaction with records, held items, ingest number and audit row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from sqlalchemy.orm import Session

from data.audit import write_audit
from data.identity_proposals import propose
from data.intake.deaths import death_told
from data.intake.fhir_read import quoted
from data.intake.holding import hold
from data.intake.identity import Disputed, PatientFacts, Proposed, admit, holders_of, recognise, restated
from data.intake.item import Held, Item, Refused
from data.intake.moments import DateOrder
from data.intake.parcel import Ignored, Known, Notice, Parcel, PatientParcel
from data.intake.tally import PRECEDENCE, BatchSummary
from data.intake.transactions import Transactions
from data.intake.watch import Seen, Watch
from data.journeys import tell
from data.models.base import to_ms
from data.people import Actor
from data.records import Verdict, lock_ingest, open_batch, store_chunk


class Raw(Protocol):
    """What has a raw content."""

    @property
    def raw(self) -> bytes:
        """As it came."""


T = TypeVar("T", bound=Raw)
CHUNK = 2_500
# What is held in memory before it is stored: large resources come in smaller chunks.
CHUNK_BYTES = 32 * 1024 * 1024
_FINISH: Final = "UPDATE batch SET finished_at = %s, summary = %s WHERE id = %s AND finished_at IS NULL"


def chunks(parcels: Iterator[T]) -> Iterator[list[T]]:
    """Parcels in as many at a time as are stored in one transaction."""
    chunk: list[T] = []
    size = 0
    for parcel in parcels:
        chunk.append(parcel)
        size += len(parcel.raw)
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkStore:
    """The storing side of one import; it accounts in `summary` for everything it is given and tells `watch`.

    `digest` stands for what is read and how; `options` are those a later retry of a held item needs again.
    """

    steps: Transactions
    actor: Actor
    summary: BatchSummary
    digest: str
    options: Mapping[str, str]
    now: datetime
    watch: Watch

    def admit(self, chunk: Sequence[PatientParcel]) -> list[int | None]:
        """Take in or recognise patients; their ids in order, None for one that is held back."""
        outcomes: list[str | Refused] = []
        ids: list[int | None] = []
        with self.steps.write() as session:
            lock_ingest(session)
            self.open(session)
            for parcel in chunk:
                outcome, patient_id = self._admitted(session, parcel)
                outcomes.append(outcome)
                ids.append(patient_id)
            self.hold(session, [o for o in outcomes if isinstance(o, Refused)])
        self._count(outcomes)
        self.watch(
            [
                Seen(parcel.where, outcome, patient=_named(parcel, patient_id))
                for parcel, outcome, patient_id in zip(chunk, outcomes, ids, strict=True)
            ],
            self.summary,
        )
        return ids

    def store(self, chunk: Sequence[Parcel]) -> None:
        """Store the items of a chunk, hold what was refused, propose what its notices say."""
        items: list[Item] = []
        for parcel in chunk:
            if isinstance(parcel.outcome, tuple):
                items += parcel.outcome
        refused = [parcel.outcome for parcel in chunk if isinstance(parcel.outcome, Refused)]
        outcomes: list[str | Refused] = [*refused]
        seen: list[Seen] = []
        notices = [(p.where, p.outcome) for p in chunk if isinstance(p.outcome, Notice)]
        if items or refused or notices:
            with self.steps.write() as session:
                self.open(session)
                verdicts = iter(
                    store_chunk(session, batch_id=self.summary.batch, items=items, actor=self.actor, now=self.now)
                )
                for parcel in chunk:
                    if isinstance(parcel.outcome, tuple):
                        outcomes.append(_joined(parcel, [next(verdicts) for _ in parcel.outcome]))
                        seen.append(Seen(parcel.where, outcomes[-1], items=parcel.outcome))
                    elif isinstance(parcel.outcome, Refused):
                        seen.append(Seen(parcel.where, parcel.outcome))
                self.hold(session, [o for o in outcomes if isinstance(o, Refused)])
                for where, notice in notices:
                    told = (*restated(session, notice.facts, notice.merged), *death_told(session, notice.facts))
                    self._propose(session, where, told)
        known = [parcel for parcel in chunk if isinstance(parcel.outcome, Known)]
        outcomes += ["unchanged"] * len(known)
        self.summary.ignored.update(p.outcome.type for p in chunk if isinstance(p.outcome, Ignored))
        self._count(outcomes)
        self.watch(seen, self.summary)

    def open(self, session: Session) -> None:
        """Make the row of the batch if it is not there yet."""
        open_batch(
            session,
            self.actor,
            batch_id=self.summary.batch,
            format=self.summary.format,
            now=self.now,
            digest=self.digest,
            files=self.summary.files,
        )

    def hold(self, session: Session, refused: Sequence[Refused], date_order: DateOrder | None = None) -> None:
        """Put items into quarantine; `date_order` is what their whole file settled, for one read again on its own."""
        hold(
            session,
            refused,
            batch_id=self.summary.batch,
            format=self.summary.format,
            options=self.options if date_order is None else {**self.options, "date_order": date_order},
            now=self.now,
        )

    def finish(self, unreadable: Sequence[Refused]) -> None:
        """Hold the files that could not be read, close the batch and enter the import in the audit chain."""
        with self.steps.write() as session:
            self.open(session)
            self.hold(session, unreadable)
            self.summary.quarantined += unreadable
            account = self.summary.as_json()
            tell(session, [(_FINISH, [(to_ms(self.now), json.dumps(account), self.summary.batch)])])
            counts = {name: value for name, value in account.items() if isinstance(value, int)}
            write_audit(
                session, self.actor, "import", now=self.now, object=f"batch {self.summary.batch}", detail=counts
            )

    def _admitted(self, session: Session, parcel: PatientParcel) -> tuple[str | Refused, int | None]:
        if not isinstance(parcel.outcome, PatientFacts):
            return parcel.outcome, None
        teams = (self.options["team"],) if "team" in self.options else ()
        try:
            if "mrn" in self.options:
                # What comes for one patient who is named registers nobody else.
                recognise(session, self.actor, parcel.outcome, holders_of(session, [parcel.outcome]))
            with session.begin_nested():
                admission = admit(session, self.actor, parcel.outcome, teams=teams, now=self.now)
        except Held as held:
            raw = quoted(parcel.raw)
            if isinstance(held, Disputed):
                self._propose(session, parcel.where, (held.proposed,))
            return Refused(where=parcel.where, why=str(held), suggestion=held.suggestion, raw=raw), None
        self._propose(session, parcel.where, (*admission.proposals, *death_told(session, parcel.outcome)))
        return admission.outcome, admission.patient_id

    def _propose(self, session: Session, place: str, proposals: Sequence[Proposed]) -> None:
        for proposed in proposals:
            propose(session, proposed, batch_id=self.summary.batch, place=place, now=self.now)

    def _count(self, outcomes: Sequence[str | Refused]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                self.summary.quarantined.append(outcome)
            else:
                self.summary.count(outcome)


def _joined(parcel: Parcel, verdicts: Sequence[Verdict]) -> str | Refused:
    """One verdict for a resource: refused if any part was, else the most that happened to a part."""
    if len(verdicts) == 1 and verdicts[0].outcome != "refused":
        return verdicts[0].outcome
    outcomes = {verdict.outcome for verdict in verdicts}
    worst = next((outcome for outcome in PRECEDENCE if outcome in outcomes), "unchanged")
    if worst != "refused":
        return worst
    return Refused(
        where=parcel.where,
        why="; ".join(sorted({verdict.why or "refused" for verdict in verdicts if verdict.outcome == "refused"})),
        suggestion="send it as a newer version (meta.versionId, or status amended), or settle it by hand",
        raw=quoted(parcel.raw),
    )


def _named(parcel: PatientParcel, patient_id: int | None) -> tuple[int, str] | None:
    if patient_id is None or not isinstance(parcel.outcome, PatientFacts):
        return None
    return patient_id, parcel.outcome.mrn.strip()
