"""The process a DICOM file is parsed in: it writes the head of a structured report and its content items as JSON.

    {"report": {...}}       patient, study, document (`dicom_read.Report`)
    {"item": {...}}         one content item below the root with all below it (`dicom_read.Content`), one a line

What points at images or shapes on them is left out. Numbers are written as they stand in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.intake.dicom_whole import refuse_cut_off
from data.intake.limited import FileRefused, parse_within_limits, say

DEEPEST = 32
MOST_ITEMS = 50_000
# One more than an item may hold, so that it is held where it is read.
CUT = 20_001
# Preamble, DICM and the element that gives the length of the head.
_HEAD = 128 + 4 + 12
REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_TEXTS = {"TEXT": "TextValue", "PNAME": "PersonName", "UIDREF": "UID", "DATE": "Date", "DATETIME": "DateTime"}
_NOT_READ = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM", "SCOORD", "SCOORD3D", "TCOORD"})


def main() -> None:
    """Write the structured report named on the command line to standard output."""
    parse_within_limits(_write_report, "DICOM")


def _write_report(path: Path) -> None:
    import pydicom

    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    _refuse_cut_off(dataset, path)
    kind = _text(dataset, "SOPClassUID")
    if not kind.startswith(REPORTS):
        name = pydicom.uid.UID(kind).name if kind else "DICOM file without a class"
        raise FileRefused(f"is no structured report but {name}")
    say({"report": _report(dataset)})
    left = iter(range(MOST_ITEMS))
    for number, item in enumerate(dataset.get("ContentSequence") or (), 1):
        for content in _content(item, f"1.{number}", 1, left):
            say({"item": content})


def _refuse_cut_off(dataset: Any, path: Path) -> None:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    length = dataset.file_meta.get("FileMetaInformationGroupLength")
    if syntax is None or length is None:
        raise FileRefused("does not say how it is written")
    if not syntax.is_deflated:
        start = _HEAD + int(length)
        refuse_cut_off(
            path.read_bytes(), start, explicit=not syntax.is_implicit_VR, little=bool(syntax.is_little_endian)
        )


def _report(dataset: Any) -> dict[str, Any]:
    names = {
        "instance": "SOPInstanceUID",
        "patient_id": "PatientID",
        "issuer": "IssuerOfPatientID",
        "name": "PatientName",
        "birth_date": "PatientBirthDate",
        "sex": "PatientSex",
        "study": "StudyInstanceUID",
        "study_date": "StudyDate",
        "study_time": "StudyTime",
        "content_date": "ContentDate",
        "content_time": "ContentTime",
        "offset": "TimezoneOffsetFromUTC",
        "completion": "CompletionFlag",
        "verification": "VerificationFlag",
        "preliminary": "PreliminaryFlag",
    }
    templates = [_text(t, "TemplateIdentifier") for t in dataset.get("ContentTemplateSequence") or ()]
    issuers = [_text(q, "UniversalEntityID") for q in dataset.get("IssuerOfPatientIDQualifiersSequence") or ()]
    return {ours: _text(dataset, theirs) for ours, theirs in names.items()} | {
        "issuer_uid": next(filter(None, issuers), ""),
        "title": _code(dataset, "ConceptNameCodeSequence"),
        "template": next(filter(None, templates), ""),
        "evidence": sorted(set(_evidence(dataset))),
    }


def _evidence(dataset: Any) -> Iterator[str]:
    for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or ():
        for series in study.get("ReferencedSeriesSequence") or ():
            for instance in series.get("ReferencedSOPSequence") or ():
                yield _text(instance, "ReferencedSOPClassUID")


def _content(item: Any, path: str, depth: int, left: Iterator[int]) -> Iterator[dict[str, Any]]:
    kind = _text(item, "ValueType")
    if kind in _NOT_READ:
        return
    if depth > DEEPEST or next(left, None) is None:
        raise FileRefused(f"holds more than {MOST_ITEMS} content items or nests them more than {DEEPEST} deep")
    children = [
        content
        for number, child in enumerate(item.get("ContentSequence") or (), 1)
        for content in _content(child, f"{path}.{number}", depth + 1, left)
    ]
    yield {
        "path": path,
        "kind": kind,
        "name": _code(item, "ConceptNameCodeSequence"),
        "text": _text(item, _TEXTS[kind]) if kind in _TEXTS else "",
        "code": _code(item, "ConceptCodeSequence"),
        "numbers": [
            {"value": _number(measured), "unit": _code(measured, "MeasurementUnitsCodeSequence")}
            for measured in item.get("MeasuredValueSequence") or ()
        ],
        "qualifier": _code(item, "NumericValueQualifierCodeSequence"),
        "children": children,
    }


def _code(item: Any, keyword: str) -> dict[str, str] | None:
    for code in item.get(keyword) or ():
        value = _text(code, "CodeValue") or _text(code, "LongCodeValue") or _text(code, "URNCodeValue")
        return {
            "value": value,
            "scheme": _text(code, "CodingSchemeDesignator"),
            "meaning": _text(code, "CodeMeaning"),
        }
    return None


def _number(measured: Any) -> str:
    """The number as it is written: with its digits, and readable where it is none."""
    raw = measured.get_item(0x0040A30A) if 0x0040A30A in measured else None
    if raw is not None and isinstance(raw.value, bytes):
        return raw.value.decode("latin-1").strip(" \x00")[:CUT]
    return _text(measured, "NumericValue")


def _text(item: Any, keyword: str) -> str:
    value = item.get(keyword)
    return "" if value is None else str(value).strip(" \x00")[:CUT]


if __name__ == "__main__":
    main()
