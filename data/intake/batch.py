"""One pipeline for every format: read -> match patient -> normalise -> verdict per item -> store in chunks.

Each chunk is one transaction with its records, quarantined items, ingest number and audit row. An import that was cut
short is run again: what is stored is known by its natural key and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from data.audit import write_audit
from data.db import Database
from data.intake.fhir_patient import Subjects
from data.intake.fhir_r4 import FhirImport
from data.intake.fhir_read import quoted
from data.intake.holding import hold
from data.intake.identity import FHIR_ID, PatientFacts, admit, patient_by_mrn, patient_by_number
from data.intake.item import Held, Item, Refused
from data.intake.moments import DateOrder
from data.intake.parcel import Ignored, Parcel, PatientParcel, Reader, Unreadable
from data.intake.sheets import SheetImport
from data.intake.source import FHIR, ImportRefused, SourceFile, Sources, gather
from data.intake.tally import PRECEDENCE, BatchSummary
from data.intake.transactions import Transactions, transactions
from data.models import Batch
from data.patients import find_by_identifier
from data.people import Actor, NotFound, find_team
from data.records import Verdict, open_batch, store_chunk

T = TypeVar("T")
CHUNK = 1_000
# Options that a later retry of a held item needs again.
KEPT_OPTIONS = ("team", "mrn", "date_order", "zone")
LONGEST_ID = 64


class ImportOptions(TypedDict, total=False):
    """What may be said of a whole import. Each may be None or left out."""

    format: str | None
    team: str | None
    mrn: str | None
    date_order: str | None
    zone: str | None
    batch_id: str | None
    dry_run: bool


def import_paths(
    database: Database, actor: Actor, paths: Sequence[Path], *, now: datetime, **options: Unpack[ImportOptions]
) -> BatchSummary:
    """Import files and folders and say what became of everything that was read.

    `format` is detected when not given; `team` takes in new patients, `mrn` is the patient of files that name none;
    `date_order` (dmy, mdy) and `zone` settle what a sheet leaves open; `batch_id` names the batch. `dry_run` does all
    of it and rolls back. Raises ImportRefused when nothing can be read or an option is unusable: nothing was changed.
    """
    sources = gather(paths, options.get("format"))
    return import_sources(database, actor, sources, now=now, **options)


def import_sources(
    database: Database, actor: Actor, sources: Sources, *, now: datetime, **options: Unpack[ImportOptions]
) -> BatchSummary:
    """Import gathered files; see `import_paths`."""
    batch_id = options.get("batch_id") or uuid4().hex
    if len(batch_id) > LONGEST_ID or not batch_id.isprintable() or not batch_id.isascii():
        raise ImportRefused(f"a batch id has 1 to {LONGEST_ID} printable ASCII characters")
    with transactions(database, dry_run=bool(options.get("dry_run"))) as steps:
        return _Run(steps, actor, sources, batch_id, options, now).run()


class _Run:
    """One import as it goes along."""

    def __init__(
        self,
        steps: Transactions,
        actor: Actor,
        sources: Sources,
        batch_id: str,
        options: ImportOptions,
        now: datetime,
    ) -> None:
        self._steps = steps
        self._actor = actor
        self._sources = sources
        self._now = now
        self._options: dict[str, str] = {
            name: str(value)
            for name, value in options.items()
            if value and name in ("team", "mrn", "date_order", "zone")
        }
        self._teams = (self._options["team"],) if "team" in self._options else ()
        self._known: dict[tuple[str | None, str], int | None] = {}
        self._subjects = Subjects(stored=self._stored, numbered=self._numbered)
        self._summary = BatchSummary(
            batch=batch_id, format=sources.format, files=len(sources.files) + len(sources.beside)
        )
        self._unreadable: list[Refused] = []

    def run(self) -> BatchSummary:
        """Read everything; the summary accounts for all of it."""
        self._check()
        reader = self._reader()
        for file in self._sources.files:
            for patients in _chunks(reader.patients(file)):
                self._admit(file, patients)
        for chunk in _chunks(self._rest(reader)):
            self._store(chunk)
        if self._unreadable and self._summary.read == len(self._sources.beside):
            raise ImportRefused("; ".join(refused.why for refused in self._unreadable[:3]))
        self._finish()
        return self._summary

    def _check(self) -> None:
        with self._steps.read() as session:
            batch = session.get(Batch, self._summary.batch)
            if batch is not None and batch.digest != self._sources.digest:
                raise ImportRefused(f"batch id {batch.id!r} was used for other content")
            try:
                for team in self._teams:
                    find_team(session, team)
                if "mrn" in self._options:
                    self._subjects.given = patient_by_mrn(session, self._actor, self._options["mrn"])
            except (NotFound, Held) as error:
                raise ImportRefused(str(error)) from error

    def _reader(self) -> Reader:
        if self._sources.format == FHIR:
            return FhirImport(self._now, self._subjects)
        return SheetImport(
            format=self._sources.format,
            now=self._now,
            patient=self._by_mrn,
            zone=_zone(self._options.get("zone")),
            date_order=_date_order(self._options.get("date_order")),
        )

    def _rest(self, reader: Reader) -> Iterator[Parcel]:
        for file in self._sources.files:
            try:
                yield from reader.rest(file)
            except Unreadable as error:
                why = f"{file.name} {error}"
                self._unreadable.append(Refused(where=file.name, why=why, suggestion=None, raw=""))
        for file in self._sources.beside:
            yield Parcel(file.name, b"", Ignored(f"file *{file.path.suffix.lower()[:10]}"))

    def _admit(self, file: SourceFile, chunk: Sequence[PatientParcel]) -> None:
        outcomes: list[str | Refused] = []
        met: list[tuple[tuple[str, ...], int | None]] = []
        with self._steps.write() as session:
            self._open(session)
            for parcel in chunk:
                outcome, patient_id = self._admitted(session, parcel)
                outcomes.append(outcome)
                met.append((parcel.references, patient_id))
            self._quarantine(session, [o for o in outcomes if isinstance(o, Refused)])
        for references, patient_id in met:
            self._subjects.add(file.name, references, patient_id)
        self._count(outcomes)

    def _admitted(self, session: Session, parcel: PatientParcel) -> tuple[str | Refused, int | None]:
        if not isinstance(parcel.outcome, PatientFacts):
            return parcel.outcome, None
        try:
            with session.begin_nested():
                admission = admit(session, self._actor, parcel.outcome, teams=self._teams, now=self._now)
        except Held as held:
            raw = quoted(parcel.raw)
            return Refused(where=parcel.where, why=str(held), suggestion=held.suggestion, raw=raw), None
        return admission.outcome, admission.patient_id

    def _store(self, chunk: Sequence[Parcel]) -> None:
        items: list[Item] = []
        for parcel in chunk:
            if isinstance(parcel.outcome, tuple):
                items += parcel.outcome
        refused = [parcel.outcome for parcel in chunk if isinstance(parcel.outcome, Refused)]
        outcomes: list[str | Refused] = [*refused]
        if items or refused:
            with self._steps.write() as session:
                self._open(session)
                verdicts = iter(
                    store_chunk(session, batch_id=self._summary.batch, items=items, actor=self._actor, now=self._now)
                )
                for parcel in chunk:
                    if isinstance(parcel.outcome, tuple):
                        outcomes.append(_joined(parcel, [next(verdicts) for _ in parcel.outcome]))
                self._quarantine(session, [o for o in outcomes if isinstance(o, Refused)])
        self._summary.ignored.update(p.outcome.type for p in chunk if isinstance(p.outcome, Ignored))
        self._count(outcomes)

    def _count(self, outcomes: Sequence[str | Refused]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                self._summary.quarantined.append(outcome)
            else:
                self._summary.count(outcome)

    def _open(self, session: Session) -> None:
        open_batch(
            session,
            self._actor,
            batch_id=self._summary.batch,
            format=self._sources.format,
            now=self._now,
            digest=self._sources.digest,
            files=self._summary.files,
        )

    def _quarantine(self, session: Session, refused: Sequence[Refused]) -> None:
        hold(
            session,
            refused,
            batch_id=self._summary.batch,
            format=self._sources.format,
            options=self._options,
            now=self._now,
        )

    def _finish(self) -> None:
        with self._steps.write() as session:
            self._open(session)
            self._quarantine(session, self._unreadable)
            self._summary.quarantined += self._unreadable
            batch = session.get_one(Batch, self._summary.batch)
            if batch.finished_at is None:
                batch.finished_at = self._now
                batch.summary = self._summary.as_json()
            counts = {name: value for name, value in self._summary.as_json().items() if isinstance(value, int)}
            write_audit(
                session, self._actor, "import", now=self._now, object=f"batch {self._summary.batch}", detail=counts
            )

    def _by_mrn(self, mrn: str) -> int:
        patient_id = self._known.get((None, mrn))
        if patient_id is None:
            with self._steps.read() as session:
                patient_id = self._known[(None, mrn)] = patient_by_mrn(session, self._actor, mrn)
        return patient_id

    def _stored(self, reference: str) -> int | None:
        key = (FHIR_ID, reference)
        if key not in self._known:
            with self._steps.read() as session:
                found = find_by_identifier(session, self._actor, FHIR_ID, reference)
                self._known[key] = None if found is None else found.id
        return self._known[key]

    def _numbered(self, system: str | None, value: str) -> int | None:
        if (system, value) not in self._known:
            with self._steps.read() as session:
                self._known[(system, value)] = patient_by_number(session, self._actor, system, value)
        return self._known[(system, value)]


def _joined(parcel: Parcel, verdicts: Sequence[Verdict]) -> str | Refused:
    """One verdict for a resource: refused if any part was, else the most that happened to a part."""
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


def _chunks(parcels: Iterator[T]) -> Iterator[list[T]]:
    chunk: list[T] = []
    for parcel in parcels:
        chunk.append(parcel)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImportRefused(f"{name!r} is not a time zone") from error


def _date_order(said: str | None) -> DateOrder | None:
    if said is None:
        return None
    if said == "dmy":
        return "dmy"
    if said == "mdy":
        return "mdy"
    raise ImportRefused(f"the date order is dmy or mdy, not {said!r}")
