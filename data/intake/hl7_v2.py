"""HL7 v2 result messages into items: each OBX on its own, so that a bad one never keeps a good one out."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from data.intake.fhir_read import quoted
from data.intake.fhir_types import Reference
from data.intake.hl7_codes import analyte_of, counted_code, learned_code
from data.intake.hl7_frames import Frame, read_frames, wide
from data.intake.hl7_message import Message, Segment, not_production, parse_message
from data.intake.hl7_patient import has_number, patient_facts
from data.intake.hl7_result import Observed, filler_of, laboratory, result, said_time
from data.intake.identity import PatientFacts
from data.intake.item import Held, Item, Refused
from data.intake.item_limits import storable
from data.intake.learned import NOTHING, Learned
from data.intake.parcel import Ignored, Notice, Parcel, PatientParcel, Unreadable
from data.intake.source import SourceFile

LARGEST_FILE = 64 * 1024 * 1024
RESULT_MESSAGES = frozenset({"ORU", "OUL"})
MERGES = frozenset({"ADT^A40"})
ANNOUNCEMENTS = MERGES | {"ADT^A08", "ADT^A31"}
GZIP = b"\x1f\x8b"
_CHARSET = 18


@dataclass(frozen=True, slots=True)
class Group:
    """The results of one PID of a message, and the name they call their patient by."""

    where: str
    reference: str
    header: Segment
    pid: Segment | None
    results: tuple[Observed, ...]


class Named(Protocol):
    """Whom the patients of an import turned out to be; `given` is the one named for all of it."""

    given: int | None

    def resolve(self, file: str, reference: Reference, contained: tuple[dict[str, Any], ...]) -> int:
        """The patient a reference means. Raises Held when it means nobody known, or not clearly one."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A message about a patient that holds no result: its type, its PID, and the number it says is given up."""

    where: str
    type: str
    header: Segment
    pid: Segment
    merged: str | None


Read = Group | Announced | Parcel


@dataclass(frozen=True, slots=True)
class Hl7Import:
    """The messages of the files of one import. Read the patients of every file first, then the rest."""

    now: datetime
    subjects: Named
    zone: ZoneInfo | None
    learned: Learned = NOTHING

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """The patients of the messages that hold a result of the catalogue. `rest` reports an unreadable file."""
        try:
            for read in _read(file):
                if not isinstance(read, Group) or read.pid is None or not has_number(read.pid):
                    continue
                if any(map(self._matters, read.results)):
                    yield self._patient(read, read.pid)
        except Unreadable:
            return

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Every OBX of a file. Raises Unreadable for a file that holds no message."""
        for read in _read(file):
            yield from self.parcels(file.name, read)

    def parcels(self, name: str, read: Read) -> Iterator[Parcel]:
        """What one part of a message that is called `name` turned out to be: every OBX of a patient, or a notice."""
        if isinstance(read, Parcel):
            yield read
        elif isinstance(read, Announced):
            yield self._notice(read)
        else:
            for observed in read.results:
                yield self._parcel(name, read, observed)

    def _notice(self, read: Announced) -> Parcel:
        raw = _written(read.header, read.pid)
        try:
            facts = patient_facts(read.pid, self.now)
        except Held:
            return Parcel(read.where, raw, Ignored(f"message {read.type}"))
        return Parcel(read.where, raw, Notice(f"message {read.type}", facts, read.merged))

    def _patient(self, group: Group, pid: Segment) -> PatientParcel:
        where = f"{group.where}.PID"
        raw = _written(group.header, pid)
        outcome: PatientFacts | Refused
        try:
            outcome = patient_facts(pid, self.now)
        except Held as held:
            outcome = Refused(where=where, why=str(held), suggestion=held.suggestion, raw=quoted(raw))
        return PatientParcel(where, raw, outcome, (group.reference,))

    def _parcel(self, name: str, group: Group, observed: Observed) -> Parcel:
        again = [segment for same in _equals(group, observed) for segment in (same.orc, same.obr, same.obx)]
        raw = _written(group.header, group.pid, *again)
        outcome: tuple[Item, ...] | Ignored | Refused
        try:
            hand = self.learned.of(laboratory(observed))
            learned = learned_code(observed.obx, hand)
            analyte, loinc = analyte_of(observed.obx) if learned is None else (learned.meant, None)
            if analyte is None:
                outcome = Ignored(counted_code(observed.obx))
            else:
                item = result(
                    observed,
                    analyte,
                    loinc,
                    patient_id=self._whose(name, group),
                    now=self.now,
                    zone=self.zone,
                    hand=hand,
                )
                outcome = (storable(item if learned is None else item.remarked(learned.note)),)
        except Held as held:
            outcome = Refused(where=observed.where, why=str(held), suggestion=held.suggestion, raw=quoted(raw))
        return Parcel(observed.where, raw, outcome)

    def _matters(self, observed: Observed) -> bool:
        try:
            hand = self.learned.of(laboratory(observed))
            return learned_code(observed.obx, hand) is not None or analyte_of(observed.obx)[0] is not None
        except Held:
            return True

    def _whose(self, name: str, group: Group) -> int:
        if not has_number(group.pid) and self.subjects.given is None:
            raise Held("there is no patient number (PID-3)", "send it, or name the patient with --patient")
        return self.subjects.resolve(name, Reference(reference=group.reference), ())


def _read(file: SourceFile) -> Iterator[Read]:
    content = _content(file.path)
    encoding = wide(content)
    if encoding is not None:
        raise Unreadable(f"is written in {encoding}; send UTF-8")
    found = False
    for read in read_messages(file.name, content):
        found = True
        yield read
    if not found:
        raise Unreadable("holds no HL7 message")


def _content(path: Path) -> bytes:
    """The bytes of a file, unzipped. Raises Unreadable."""
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == GZIP
            plain.seek(0)
            content = (gzip.GzipFile(fileobj=plain) if zipped else plain).read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"cannot be read: {error}") from error
    if len(content) > LARGEST_FILE:
        raise Unreadable(f"is larger than {LARGEST_FILE // 1024 // 1024} MB; send it in parts")
    return content


def read_messages(name: str, content: bytes) -> Iterator[Read]:
    """The patients with results of the messages in `content`, what is said of patients without results, and what among
    it cannot be read or is out of scope."""
    for frame in read_frames(name, content):
        if isinstance(frame, Refused):
            yield Parcel(frame.where, b"", frame)
        else:
            yield from _message(frame)


def _message(frame: Frame) -> Iterator[Read]:
    try:
        message = parse_message(frame.lines)
    except Held as held:
        yield _held(frame, str(held), held.suggestion)
        return
    read: list[Read] = []
    if message.type.split("^")[0] in RESULT_MESSAGES:
        groups = list(_groups(frame.where, message))
        read += groups if any(group.results for group in groups) else []
    elif message.type in ANNOUNCEMENTS:
        read += _announced(frame.where, message)
    unproductive = not_production(message.header) if read else None
    if unproductive is not None:
        advice = "discard it, or have it sent with MSH-11 P if it is about a real patient"
        yield _held(frame, unproductive, advice)
    elif read:
        yield from read
    else:
        plain = message.type.isascii() and message.type.isprintable() and 0 < len(message.type) <= 20
        yield Parcel(frame.where, b"", Ignored(f"message {message.type}" if plain else "message"))


def _held(frame: Frame, why: str, suggestion: str | None) -> Parcel:
    raw = "\r".join(frame.lines).encode()
    return Parcel(frame.where, raw, Refused(where=frame.where, why=why, suggestion=suggestion, raw=quoted(raw)))


def _announced(where: str, message: Message) -> Iterator[Announced]:
    """The first patient of an update, and of a merge message, which names pairs of PID and MRG, every pair."""
    pid: Segment | None = None
    for segment in message.segments:
        if segment.name == "PID":
            pid = segment
            if message.type not in MERGES:
                yield Announced(where, message.type, message.header, pid, None)
                return
        elif segment.name == "MRG" and pid is not None and message.type in MERGES:
            merged = next((segment.component(r, 1).strip() for r in segment.repetitions(1)), "")
            if merged:
                yield Announced(where, message.type, message.header, pid, merged)
                pid = None


def _groups(where: str, message: Message) -> Iterator[Group]:
    pid: Segment | None = None
    order: Segment | None = None
    orc: Segment | None = None
    obr: Segment | None = None
    found: list[Observed] = []
    count = patients = 0
    for segment in message.segments:
        if segment.name == "PID":
            if found:
                yield _group(where, patients, message, pid, found)
            pid, order, orc, obr, found, patients = segment, None, None, None, [], patients + 1
        elif segment.name == "ORC":
            order = segment
        elif segment.name == "OBR":
            orc, obr, order = order, segment, None
        elif segment.name == "OBX":
            count += 1
            place = f"{where}.OBX[{count}]"
            found.append(Observed(where=place, header=message.header, orc=orc, obr=obr, obx=segment))
    yield _group(where, patients, message, pid, found)


def _group(where: str, number: int, message: Message, pid: Segment | None, found: list[Observed]) -> Group:
    """The results of one patient; those that share order, code and sub-id are told apart by their time."""
    times: dict[tuple[str, ...], set[str]] = {}
    for observed in found:
        times.setdefault(_key(observed), set()).add(said_time(observed))
    results = tuple(
        replace(observed, told_apart=said_time(observed)) if len(times[_key(observed)]) > 1 else observed
        for observed in found
    )
    return Group(where, f"hl7:{where}.PID[{number}]", message.header, pid, results)


def _key(observed: Observed) -> tuple[str, ...]:
    return filler_of(observed), *(observed.obx.part(*part) for part in ((3, 1), (3, 4), (4, 1)))


def _equals(group: Group, observed: Observed) -> tuple[Observed, ...]:
    """What has to be read again together with a held OBX for it to mean the same: those it is told apart from."""
    if not observed.told_apart:
        return (observed,)
    return tuple(same for same in group.results if _key(same) == _key(observed))


def _written(header: Segment, *segments: Segment | None) -> bytes:
    """A message of these segments alone that can be read again, in UTF-8."""
    fields = header.line.split(header.signs.field)
    fields += [""] * (_CHARSET - len(fields))
    fields[_CHARSET - 1] = "UNICODE UTF-8"
    lines = [header.signs.field.join(fields), *(s.line for s in segments if s is not None)]
    return "".join(f"{line}\r" for line in lines).encode()
