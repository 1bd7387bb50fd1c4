"""DICOM structured reports for the tests of intake, written with pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.33"
LONG, SHORT = ("103339001", "SCT", "Long axis"), ("103340004", "SCT", "Short axis")
SITE = ("363698007", "SCT", "Finding Site")
LIVER, NODE = ("10200004", "SCT", "Liver"), ("59441001", "SCT", "Lymph Node")
MM = ("mm", "UCUM", "mm")
Triple = tuple[str, str, str]


def concept(code: Triple) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = code
    return made


def content(kind: str, name: Triple, *children: Dataset, relation: str = "CONTAINS", **values: Any) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType, made.ConceptNameCodeSequence = relation, kind, [concept(name)]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    if children:
        made.ContentSequence = list(children)
    return made


def coded(name: Triple, code: Triple, *children: Dataset) -> Dataset:
    return content("CODE", name, *children, ConceptCodeSequence=[concept(code)])


def number(name: Triple, value: str | None, unit: Triple = MM) -> Dataset:
    if value is None:
        why = concept(("114000", "DCM", "Not a number"))
        return content("NUM", name, MeasuredValueSequence=[], NumericValueQualifierCodeSequence=[why])
    measured = Dataset()
    measured.add_new(0x0040A30A, "DS", b"0")
    measured.get_item(0x0040A30A)._value = value
    measured.MeasurementUnitsCodeSequence = [concept(unit)]
    return content("NUM", name, MeasuredValueSequence=[measured])


def group(*items: Dataset, lesion: str = "T01", uid: str | None = None, site: Triple | None = LIVER) -> Dataset:
    tracking = [content("TEXT", ("112039", "DCM", "Tracking Identifier"), TextValue=lesion)]
    tracking.append(
        content("UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), UID=uid or f"1.2.3.{len(lesion)}")
    )
    place = [] if site is None else [coded(SITE, site)]
    return content("CONTAINER", ("125007", "DCM", "Measurement Group"), *tracking, *place, *items)


def dataset(
    *groups: Dataset, reader: str | None = "Reader^One", beside: tuple[Dataset, ...] = (), **head: Any
) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax = UID(head.pop("syntax", ExplicitVRLittleEndian))
    meta.MediaStorageSOPClassUID = head.get("SOPClassUID", COMPREHENSIVE)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    order = {"is_implicit_VR": syntax.is_implicit_VR, "is_little_endian": syntax.is_little_endian}
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, **order)
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "1500"
    values = {
        "SOPClassUID": COMPREHENSIVE,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "PatientID": "M-1",
        "PatientName": "Berg^Ada",
        "PatientBirthDate": "19600101",
        "StudyInstanceUID": "1.2.3",
        "StudyDate": "20240310",
        "StudyTime": "101500",
        "ContentDate": "20240311",
        "ContentTime": "080000",
        "CompletionFlag": "COMPLETE",
        "VerificationFlag": "VERIFIED",
        "ValueType": "CONTAINER",
        "ConceptNameCodeSequence": [concept(("126000", "DCM", "Imaging Measurement Report"))],
        "ContentTemplateSequence": [template],
    } | head
    for keyword, value in values.items():
        setattr(made, keyword, value)
    observer = (
        [] if reader is None else [content("PNAME", ("121008", "DCM", "Person Observer Name"), PersonName=reader)]
    )
    measured = content("CONTAINER", ("126010", "DCM", "Imaging Measurements"), *groups)
    made.ContentSequence = [*observer, *beside, measured]
    return made


def write(path: Path, *groups: Dataset, **head: Any) -> Path:
    dataset(*groups, **head).save_as(path, enforce_file_format=True)
    return path
