"""The reader of each format, set up for one import."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from datetime import datetime

from data.intake.came_before import Mark
from data.intake.dicom_sr import DicomImport
from data.intake.fhir_patient import Subjects
from data.intake.fhir_r4 import FhirImport
from data.intake.hl7_v2 import Hl7Import
from data.intake.learned import in_force
from data.intake.matching import Matching
from data.intake.options import date_order_of, zone_of
from data.intake.parcel import Reader
from data.intake.sheet_format import XLSX
from data.intake.sheets import SheetImport
from data.intake.source import DICOM_SR, FHIR, HL7
from data.intake.xlsx import XlsxImport


def reader_of(
    format: str,
    options: Mapping[str, str],
    *,
    now: datetime,
    subjects: Subjects,
    matching: Matching,
    before: Callable[[Collection[Mark]], Set[Mark]],
) -> Reader:
    """The reader of a format that is read item by item; `before` says what of it stands already.

    Raises ImportRefused for an option it cannot use.
    """
    with matching.steps.read() as session:
        learned = in_force(session)
    if format == FHIR:
        return FhirImport(now, subjects, learned, before)
    if format == HL7:
        return Hl7Import(now, subjects, zone_of(options), learned)
    if format == DICOM_SR:
        return DicomImport(now, subjects, zone_of(options))
    sheets = SheetImport(
        format=format,
        now=now,
        patient=matching.by_mrn,
        zero_padded=matching.zero_padded,
        zone=zone_of(options),
        date_order=date_order_of(options),
        learned=learned,
    )
    return XlsxImport(sheets) if format == XLSX else sheets
