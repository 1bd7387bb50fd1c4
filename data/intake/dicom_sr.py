"""TID 1500 measurement reports into lesions: each measurement group on its own, a bad one keeps no other out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from data.intake.coded import sized
from data.intake.dicom_lesion import (
    LONG_AXIS,
    SESSION,
    SHORT_AXIS,
    TRACKING,
    TRACKING_UID,
    Misplaced,
    Scan,
    is_measured,
    lesion,
    text_of,
)
from data.intake.dicom_patient import patient_facts, person
from data.intake.dicom_read import Code, Content, Document, Report, read_document, same
from data.intake.fhir_imaging import MODALITIES
from data.intake.fhir_patient import Subjects
from data.intake.fhir_read import quoted
from data.intake.fhir_types import Reference
from data.intake.hl7_time import read_time
from data.intake.identity import PatientFacts
from data.intake.item import Held, Item, Refused
from data.intake.item_limits import storable
from data.intake.moments import Moment, refuse_future
from data.intake.parcel import Ignored, Parcel, PatientParcel, Unreadable
from data.intake.source import SourceFile

TEMPLATE = "1500"
TITLES = tuple(("DCM", f"12600{number}") for number in range(4))
MEASUREMENTS = ("DCM", "126010")
GROUP = ("DCM", "125007")
DERIVED = ("DCM", "126011")
QUALITATIVE = ("UMLS", "C0034375")
MODALITY = ("DCM", "121139")
PERSON = ("DCM", "121008")
# Whose images a report measured, by the class of what it refers to.
_IMAGES = {
    **dict.fromkeys(("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"), "CT"),
    **dict.fromkeys(("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"), "MR"),
    **dict.fromkeys(("1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130"), "PT"),
    **dict.fromkeys(("1.2.840.10008.5.1.4.1.1.20",), "NM"),
    **dict.fromkeys(("1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"), "US"),
}


@dataclass(slots=True)
class DicomImport:
    """The reports of the files of one import. Read the patients of every file first, then the rest."""

    now: datetime
    subjects: Subjects
    zone: ZoneInfo | None
    _read: dict[str, Document] = field(default_factory=dict)

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """The patient of a report that measures a lesion. `rest` reports an unreadable file."""
        try:
            document = self._read[file.name] = _measurement_report(file)
        except Unreadable:
            return
        if document.report.patient_id and any(map(is_measured, _groups(document))):
            yield _patient(file, document)

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Every group of a report, and what else it measured or judged. Raises Unreadable for no such report."""
        document = self._read.pop(file.name, None) or _measurement_report(file)
        groups = list(_groups(document))
        tracked = Counter(_tracked(group) for group in groups if is_measured(group))
        for group in groups:
            if is_measured(group):
                yield self._parcel(file, document, group, twice=tracked[_tracked(group)] > 1)
        others = list(_others(document, groups))
        for item in others:
            yield Parcel(f"{file.name}#{item.path}", b"", Ignored(_counted(item)))
        if not groups and not others:
            yield Parcel(file.name, b"", Ignored("report without measurements"))

    def _parcel(self, file: SourceFile, document: Document, group: Content, *, twice: bool) -> Parcel:
        where = f"{file.name}#{group.path}"
        raw = document.kept(*_context(document, group))
        outcome: tuple[Item, ...] | Refused
        try:
            if twice:
                raise Held("the lesion is measured in two groups of the report", "send one group for each lesion")
            outcome = (storable(self._item(file, document, group, where)),)
        except Held as held:
            where = f"{file.name}#{held.where}" if isinstance(held, Misplaced) else where
            outcome = Refused(where=where, why=str(held), suggestion=held.suggestion, raw=quoted(raw))
        return Parcel(where, raw, outcome)

    def _item(self, file: SourceFile, document: Document, group: Content, where: str) -> Item:
        report = document.report
        moment, notes = _scanned_at(report, self.zone)
        refuse_future(moment, self.now)
        scan = Scan(
            modality=_modality(document),
            reader=_reader(document, group),
            signed=report.verification == "VERIFIED",
        )
        detail = lesion(group, scan)
        if notes:
            detail["notes"] = [*detail.get("notes", ()), *notes]
        size = sized(detail)
        return Item(
            patient_id=self._whose(file, report),
            kind="lesion",
            analyte="lesion",
            effective_at=moment.at,
            effective_text=moment.text,
            precision=moment.precision,
            place=where,
            status="preliminary" if report.completion == "PARTIAL" or report.preliminary == "PRELIMINARY" else "final",
            detail=detail,
            source_id=_source_id(report, group, scan.reader),
            source_version=_version(report, self.zone),
            value=size.get("value"),
            unit=size.get("unit"),
        )

    def _whose(self, file: SourceFile, report: Report) -> int:
        if report.patient_id:
            return self.subjects.resolve(file.name, Reference(reference=_reference(file)), ())
        if self.subjects.given is None:
            raise Held("there is no patient number (PatientID)", "send it, or name the patient with --patient")
        return self.subjects.given


def _measurement_report(file: SourceFile) -> Document:
    document = read_document(file)
    title = document.report.title or Code()
    if document.report.template != TEMPLATE and not same(title, *TITLES):
        raise Unreadable(f"is no measurement report (TID 1500) but {title.meaning[:60] or 'an untitled report'!r}")
    if not document.items:
        raise Unreadable("has no content: it was cut off")
    return document


def _groups(document: Document) -> Iterator[Content]:
    for item in document.items:
        if item.is_a(MEASUREMENTS):
            yield from item.below(GROUP)


def _others(document: Document, groups: Sequence[Content]) -> Iterator[Content]:
    """What a report measured or judged besides the size of lesions: numbers, judgements, groups without a number."""
    for group in groups:
        numbers = [item for item in group.children if item.kind == "NUM"]
        yield from (item for item in numbers if not item.is_a(*LONG_AXIS, *SHORT_AXIS))
        if not numbers:
            yield group
    for item in document.items:
        if item.is_a(DERIVED, QUALITATIVE):
            yield from item.children


def _counted(item: Content) -> str:
    code = f"{item.name.scheme} {item.name.value}" if item.name is not None else ""
    return (
        f"{item.kind} {code}"
        if code.strip() and code.isascii() and code.isprintable() and len(code) < 64
        else item.kind
    )


def _context(document: Document, group: Content) -> tuple[Content, ...]:
    """What a held group needs to be read again: who read it and with what, and itself."""
    about = [item for item in document.items if item.is_a(PERSON)]
    return (*about, Content(path="1", kind="CONTAINER", name=Code("126010", "DCM"), children=(group,)))


def _patient(file: SourceFile, document: Document) -> PatientParcel:
    where, raw = f"{file.name}#PatientID", document.kept()
    outcome: PatientFacts | Refused
    try:
        outcome = patient_facts(document.report)
    except Held as held:
        outcome = Refused(where=where, why=str(held), suggestion=held.suggestion, raw=quoted(raw))
    return PatientParcel(where, raw, outcome, (_reference(file),))


def _reference(file: SourceFile) -> str:
    return f"dicom:{file.name}"


def _tracked(group: Content) -> tuple[str, str]:
    return text_of(group, TRACKING), text_of(group, TRACKING_UID)


def _scanned_at(report: Report, zone: ZoneInfo | None) -> tuple[Moment, list[str]]:
    """When the scan was: to the second where its zone is known, else the day with a note of the time."""
    if not report.study_date:
        raise Held("there is no study date: when was this scan?", "send StudyDate")
    if report.study_time and (report.offset or zone is not None):
        return read_time(
            f"{report.study_date}{report.study_time.partition('.')[0]}", offset=report.offset, zone=zone
        ), []
    moment = read_time(report.study_date)
    return moment, [f"study time {report.study_time} without a zone"] if report.study_time else []


def _version(report: Report, zone: ZoneInfo | None) -> str | None:
    """When the report was made, as a text that orders its versions."""
    said = f"{report.content_date}{report.content_time.partition('.')[0]}"
    try:
        return read_time(said, offset=report.offset, zone=zone or ZoneInfo("UTC")).at.isoformat()
    except Held:
        return None


def _source_id(report: Report, group: Content, reader: str) -> str:
    """The reading a later report may correct: one reader's of one lesion in one study and session.

    A report that does not say who read it corrects nothing but itself.
    """
    tracking = text_of(group, TRACKING_UID) or text_of(group, TRACKING)
    whose = f"{report.study}#{reader}#{text_of(group, SESSION)}" if reader and report.study else report.instance
    return f"SR/{whose}#{tracking}"


def _reader(document: Document, group: Content) -> str:
    for items in (group.children, document.items):
        for item in items:
            if item.is_a(PERSON) and item.text:
                return person(item.text)
    return ""


def _modality(document: Document) -> str:
    named = {
        i.code.value for top in document.items for i in top.everything() if i.is_a(MODALITY) and i.code is not None
    }
    named = named or {_IMAGES[kind] for kind in document.report.evidence if kind in _IMAGES}
    return "+".join(sorted(named & MODALITIES))
