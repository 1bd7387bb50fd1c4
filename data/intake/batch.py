"""One pipeline for every format: read -> match patient -> normalise -> verdict per item -> store in chunks.

An import that was cut short is run again: what is stored is known by its natural key and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Unpack
from uuid import uuid4

from data.db import Database
from data.intake.came_before import CameBefore, nothing
from data.intake.cgm_formats import SENSOR_FORMATS
from data.intake.cgm_store import ReadingsImport
from data.intake.chunks import ChunkStore, chunks
from data.intake.collector import seldom_collected
from data.intake.fhir_patient import Subjects
from data.intake.item import Held, Refused
from data.intake.matching import Matching
from data.intake.options import ImportOptions, checked_id, date_order_of, kept, reading_digest, zone_of
from data.intake.parcel import Ignored, Parcel, PatientParcel, Reader, Unreadable
from data.intake.read_ahead import in_turn, read_ahead
from data.intake.readers import reader_of
from data.intake.source import ImportRefused, SourceFile, Sources, gather
from data.intake.tally import BatchSummary
from data.intake.transactions import Transactions, transactions
from data.intake.watch import Watch, unwatched
from data.journeys import ask
from data.people import Actor, NotFound, find_team


def import_paths(
    database: Database, actor: Actor, paths: Sequence[Path], *, now: datetime, **options: Unpack[ImportOptions]
) -> BatchSummary:
    """Import files and folders and say what became of everything that was read.

    `format` is detected when not given; `team` takes in new patients, `mrn` is the patient of files that name none;
    `date_order` (dmy, mdy) and `zone` settle what a sheet leaves open; `batch_id` names the batch. `dry_run` does all
    of it and rolls back. A batch id stands for one content read with the same options: used again it resumes what was
    cut short. Raises ImportRefused when nothing can be read or an option is unusable: nothing was changed.
    """
    sources = gather(paths, options.get("format"))
    return import_sources(database, actor, sources, now=now, **options)


def import_sources(
    database: Database,
    actor: Actor,
    sources: Sources,
    *,
    now: datetime,
    watch: Watch = unwatched,
    **options: Unpack[ImportOptions],
) -> BatchSummary:
    """Import gathered files; see `import_paths`. `watch` is told what became of each chunk once it is stored."""
    batch_id = checked_id(options.get("batch_id") or uuid4().hex)
    dry_run = bool(options.get("dry_run"))
    with seldom_collected(), transactions(database, dry_run=dry_run, batch=batch_id) as steps:
        return _Run(steps, actor, sources, batch_id, options, now, watch).run()


class _Brought(NamedTuple):
    """A patient and the file that brings it."""

    file: str
    parcel: PatientParcel

    @property
    def raw(self) -> bytes:
        return self.parcel.raw


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
        watch: Watch,
    ) -> None:
        self._steps = steps
        self._sources = sources
        self._options = kept(options)
        self._summary = BatchSummary(
            batch=batch_id, format=sources.format, files=len(sources.files) + len(sources.beside)
        )
        self._matching = Matching(steps, actor)
        self._subjects = Subjects(
            stored=self._matching.by_reference,
            numbered=self._matching.by_number,
            one_person=self._matching.one_person,
        )
        self._store = ChunkStore(
            steps=steps,
            actor=actor,
            summary=self._summary,
            digest=reading_digest(sources, self._options),
            options=self._options,
            now=now,
            watch=watch,
        )
        self._unreadable: list[Refused] = []

    def run(self) -> BatchSummary:
        """Read everything; the summary accounts for all of it."""
        self._check()
        if self._sources.format in SENSOR_FORMATS:
            self._sense()
        else:
            self._read(
                reader_of(
                    self._sources.format,
                    self._options,
                    now=self._store.now,
                    subjects=self._subjects,
                    matching=self._matching,
                    before=CameBefore(self._steps) if self._store.watch is unwatched else nothing,
                )
            )
        if self._unreadable and self._summary.read == len(self._sources.beside):
            raise ImportRefused("; ".join(refused.why for refused in self._unreadable[:3]))
        self._store.finish(self._unreadable)
        return self._summary

    def _check(self) -> None:
        with self._steps.read() as session:
            id = self._summary.batch
            (used,) = ask(session, ("SELECT digest FROM batch WHERE id = %s", (id,)))
            if any(digest != self._store.digest for (digest,) in used):
                raise ImportRefused(f"batch id {id!r} was used for other content or with other options")
            try:
                if "team" in self._options:
                    find_team(session, self._options["team"])
                if "mrn" in self._options:
                    self._subjects.given = self._matching.by_mrn(self._options["mrn"])
            except (NotFound, Held) as error:
                raise ImportRefused(str(error)) from error

    def _read(self, reader: Reader) -> None:
        for brought in chunks(self._patients(reader)):
            ids = self._store.admit([one.parcel for one in brought])
            for one, patient_id in zip(brought, ids, strict=True):
                self._subjects.add(one.file, one.parcel.references, patient_id)
        stored = read_ahead if self._steps.apart else in_turn
        stored(chunks(self._rest(reader)), self._store.store)

    def _patients(self, reader: Reader) -> Iterator[_Brought]:
        for file in self._sources.files:
            for parcel in reader.patients(file):
                yield _Brought(file.name, parcel)

    def _rest(self, reader: Reader) -> Iterator[Parcel]:
        for file in self._sources.files:
            try:
                yield from reader.rest(file)
            except Unreadable as error:
                self._cannot_read(file, error)
        for file in self._sources.beside:
            yield Parcel(file.name, b"", Ignored(_beside(file)))

    def _sense(self) -> None:
        if self._subjects.given is None:
            raise ImportRefused(f"a file of {self._sources.format} names no patient; import with --patient MRN")
        with self._steps.read() as session:
            (((name,),),) = ask(session, ("SELECT name FROM patient WHERE id = %s", (self._subjects.given,)))
        sensor = ReadingsImport(
            steps=self._steps,
            actor=self._store.actor,
            patient_id=self._subjects.given,
            name=name,
            summary=self._summary,
            open=self._store.open,
            hold=self._store.hold,
            zone=zone_of(self._options),
            date_order=date_order_of(self._options),
            now=self._store.now,
        )
        for file in self._sources.files:
            try:
                sensor.take(file)
            except Unreadable as error:
                self._cannot_read(file, error)
            self._store.watch((), self._summary)
        self._summary.ignored.update(_beside(file) for file in self._sources.beside)

    def _cannot_read(self, file: SourceFile, error: Unreadable) -> None:
        self._unreadable.append(Refused(where=file.name, why=f"{file.name} {error}", suggestion=None, raw=""))


def _beside(file: SourceFile) -> str:
    return f"file *{file.path.suffix.lower()[:10]}"
