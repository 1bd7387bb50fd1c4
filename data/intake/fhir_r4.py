"""FHIR R4 into items: each resource is mapped on its own, so that a bad one never keeps a good one out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from data.intake import fhir_types as fhir
from data.intake.came_before import Mark, nothing
from data.intake.chunks import CHUNK
from data.intake.fhir_coded import CODED, coded_item
from data.intake.fhir_condition import condition
from data.intake.fhir_finding import FINDING, finding
from data.intake.fhir_frame import LOCAL, LOINC, Setting, codes
from data.intake.fhir_imaging import TUMOUR_SIZE, lesion, report, response, study
from data.intake.fhir_observation import results
from data.intake.fhir_patient import Subjects, patient_facts
from data.intake.fhir_read import (
    LARGEST_RESOURCE,
    MOST_ENTRIES,
    Entry,
    in_parts,
    quoted,
    read_entries,
    refuse_duplicate_keys,
)
from data.intake.fhir_therapy import administration, procedure, request, statement
from data.intake.item import Held, Item, Refused
from data.intake.item_limits import storable
from data.intake.learned import NOTHING, Learned
from data.intake.parcel import Ignored, Known, Parcel, PatientParcel, Unreadable
from data.intake.source import SourceFile

Mapper = Callable[[Any, Setting], Sequence[Item] | Ignored]
# What was read and may not be stored yet: a chunk that is being stored, another that is gathered, and before those what
# was asked about together.
MOST_UNDER_WAY = 2 * CHUNK + MOST_ENTRIES
# Subjects of a file that are remembered once they are found.
MOST_SUBJECTS = 10_000
KNOWN = Known()
NO_RESOURCE = Ignored("entry without resource")


def _observation(observation: fhir.Observation, setting: Setting) -> Sequence[Item] | Ignored:
    for code in codes(observation.code, LOCAL):
        if code in CODED:
            kind, read = CODED[code]
            return coded_item(observation, setting, kind, code, read)
        if code == "recist-response":
            return response(observation, setting)
        if code == FINDING:
            return finding(observation, setting)
    if TUMOUR_SIZE in codes(observation.code, LOINC):
        return lesion(observation, setting)
    return results(observation, setting)


_TYPES: Mapping[str, tuple[type[fhir.Resource], Mapper]] = {
    "Observation": (fhir.Observation, _observation),
    "DiagnosticReport": (fhir.DiagnosticReport, report),
    "ImagingStudy": (fhir.ImagingStudy, study),
    "MedicationAdministration": (fhir.MedicationAdministration, administration),
    "MedicationStatement": (fhir.MedicationStatement, statement),
    "MedicationRequest": (fhir.MedicationRequest, request),
    "Procedure": (fhir.Procedure, procedure),
    "Condition": (fhir.Condition, condition),
}
_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(type) for name, (type, _) in _TYPES.items()
}
_SKETCH = msgspec.json.Decoder(fhir.Sketch)
_PATIENT = msgspec.json.Decoder(fhir.Patient)
_MEDICATION = msgspec.json.Decoder(fhir.Medication)


@dataclass(slots=True)
class FhirImport:
    """The resources of the files of one import. Read the patients of every file first, then the rest."""

    now: datetime
    subjects: Subjects
    learned: Learned = NOTHING
    before: Callable[[Collection[Mark]], Set[Mark]] = nothing
    _medications: dict[tuple[str, str], fhir.Medication] = field(default_factory=dict)
    _under_way: dict[str, None] = field(default_factory=dict)
    _meant: dict[tuple[str, fhir.Reference], int] = field(default_factory=dict)

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """The Patient resources of a file; Medication resources are remembered. `rest` reports an unreadable file."""
        try:
            for entry in read_entries(file):
                if isinstance(entry, Entry) and entry.type == "Patient":
                    yield self._patient(entry)
                elif isinstance(entry, Entry) and entry.type == "Medication":
                    self._remember(file, entry)
        except Unreadable:
            return

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Every resource of a file but its patients. Raises Unreadable for a file that holds nothing readable."""
        begun = blake2b(self.learned.fingerprint, digest_size=16)
        for part in in_parts(read_entries(file)):
            marks = [self._mark(file, entry, begun.copy()) for entry in part]
            known = self.before([mark for mark in marks if mark is not None and mark[1]])
            for entry, mark in zip(part, marks, strict=True):
                if isinstance(entry, Refused):
                    yield Parcel(entry.where, b"", entry)
                elif mark in known and mark is not None and mark[0] not in self._under_way:
                    yield Parcel(entry.where, entry.raw, KNOWN)
                elif entry.type != "Patient":
                    yield self._parcel(file, entry, mark)

    def _mark(self, file: SourceFile, entry: Entry | Refused, digest: blake2b) -> Mark | None:
        """By what a result is known when it comes again; without a digest where it needs more than its bytes."""
        if isinstance(entry, Refused) or entry.type != "Observation":
            return None
        try:
            sketch = _SKETCH.decode(entry.raw)
        except (ValueError, RecursionError):
            return None
        if sketch.id is None:
            return None
        source_id = f"Observation/{sketch.id}"
        try:
            patient_id = self._subject(file, sketch.subject, ())
        except Held:
            return source_id, b""
        digest.update(b"%d " % patient_id)
        digest.update(entry.raw)
        return source_id, b"" if sketch.contained else digest.digest()

    def _patient(self, entry: Entry) -> PatientParcel:
        named: tuple[str, ...] = () if entry.full_url is None else (entry.full_url,)
        try:
            patient = _decoded(entry, _PATIENT)
            named += () if patient.id is None else (f"Patient/{patient.id}",)
            if patient.modifier_extension or patient.implicit_rules is not None:
                raise Held("a modifier of the patient is not understood", "it may change the meaning")
            facts = patient_facts(patient, entry.full_url, self.now)
            return PatientParcel(entry.where, entry.raw, facts, facts.references)
        except Held as held:
            return PatientParcel(entry.where, entry.raw, _refusal(entry, held), named)

    def _remember(self, file: SourceFile, entry: Entry) -> None:
        try:
            medication: fhir.Medication = _decoded(entry, _MEDICATION)
        except Held:
            return  # what refers to it is counted as an unknown drug
        for name in (entry.full_url, None if medication.id is None else f"Medication/{medication.id}"):
            if name is not None:
                self._medications[(file.name, name)] = self._medications[("", name)] = medication

    def _parcel(self, file: SourceFile, entry: Entry, mark: Mark | None) -> Parcel:
        outcome: tuple[Item, ...] | Ignored | Refused
        if mark is not None:
            self._note(mark[0])
        try:
            if entry.type is None:
                outcome = NO_RESOURCE
            elif entry.type not in _TYPES:
                outcome = Ignored(entry.type if entry.type.isalpha() and entry.type.isascii() else "unknown type")
            else:
                mapped = _TYPES[entry.type][1](_decoded(entry, _DECODERS[entry.type]), self._setting(file, entry))
                outcome = mapped if isinstance(mapped, Ignored) else tuple(storable(item) for item in mapped)
            if mark is not None and isinstance(outcome, tuple) and [item.source_id for item in outcome] == [mark[0]]:
                outcome[0].sent_digest = mark[1] or None
        except Held as held:
            outcome = _refusal(entry, held)
        return Parcel(entry.where, entry.raw, outcome)

    def _note(self, source_id: str) -> None:
        """Remember what was read and may not be stored yet: it may say something newer than what stands."""
        self._under_way.pop(source_id, None)
        self._under_way[source_id] = None
        if len(self._under_way) > MOST_UNDER_WAY:
            del self._under_way[next(iter(self._under_way))]

    def _setting(self, file: SourceFile, entry: Entry) -> Setting:
        def medication(name: str) -> fhir.Medication | None:
            return self._medications.get((file.name, name)) or self._medications.get(("", name))

        return Setting(
            where=entry.where,
            now=self.now,
            full_url=entry.full_url,
            patient=lambda reference, contained: self._subject(file, reference, contained),
            medication=medication,
            learned=self.learned,
        )

    def _subject(
        self, file: SourceFile, reference: fhir.Reference | None, contained: tuple[dict[str, Any], ...]
    ) -> int:
        if reference is None or contained:
            return self.subjects.resolve(file.name, reference, contained)
        meant = self._meant.get((file.name, reference))
        if meant is None:
            if len(self._meant) == MOST_SUBJECTS:
                self._meant.clear()
            meant = self._meant[(file.name, reference)] = self.subjects.resolve(file.name, reference, contained)
        return meant


def _decoded(entry: Entry, decoder: msgspec.json.Decoder[Any]) -> Any:
    if len(entry.raw) > LARGEST_RESOURCE:
        raise Held(f"the resource is larger than {LARGEST_RESOURCE // 1024 // 1024} MB", "send it in parts")
    refuse_duplicate_keys(entry.raw)
    try:
        return decoder.decode(entry.raw)
    except RecursionError as error:
        raise Held("the resource is nested too deeply") from error
    except ValueError as error:
        raise Held(f"the resource cannot be read: {error}", "correct it at the source") from error


def _refusal(entry: Entry, held: Held) -> Refused:
    return Refused(where=entry.where, why=str(held), suggestion=held.suggestion, raw=quoted(entry.raw))
