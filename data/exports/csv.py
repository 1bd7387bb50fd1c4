"""The record of a patient as CSV that a spreadsheet shows and never calculates.

A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV Injection"); every field is
quoted. Columns of numbers hold nothing but the decimals as received, so they stay numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from data.exports.patient_record import PatientRecord
from data.exports.sheet_cells import harmless
from data.models import Record

COLUMNS = (
    *("patient", "kind", "analyte", "effective", "precision", "comparator", "value", "unit", "text"),
    *("canonical_value", "canonical_unit", "ref_low", "ref_high", "interpretation", "lab", "method", "fasting"),
    *("specimen", "status", "details", "reason", "id", "batch", "format", "where", "recorded_at"),
)
NUMBERS = frozenset({"value", "canonical_value", "ref_low", "ref_high", "id"})
# What starts a formula in one spreadsheet or another, their full-width forms among it, and what hides such a start.
BYTE_ORDER_MARK = "\ufeff"


def record_csv(found: PatientRecord) -> str:
    """The rows under `COLUMNS`, oldest first; with a byte order mark, so that a spreadsheet reads it as UTF-8."""
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record, format in found.records:
        fields = _fields(record, format, found.patient.mrn)
        writer.writerow([_cell(name, fields[name]) for name in COLUMNS])
    return text.getvalue()


def _fields(record: Record, format: str, mrn: str) -> dict[str, Any]:
    return {
        "patient": mrn,
        "kind": record.kind,
        "analyte": record.analyte,
        "effective": record.effective_text,
        "precision": record.precision,
        "comparator": record.comparator,
        "value": None if record.value is None else Decimal(record.value),
        "unit": record.unit,
        "text": record.text,
        "canonical_value": record.canonical_value,
        "canonical_unit": record.canonical_unit,
        "ref_low": None if record.ref_low is None else Decimal(record.ref_low),
        "ref_high": None if record.ref_high is None else Decimal(record.ref_high),
        "interpretation": record.interpretation,
        "lab": record.lab,
        "method": record.method,
        "fasting": {True: "yes", False: "no", None: None}[record.fasting],
        "specimen": record.specimen,
        "status": record.status,
        "details": _said(record.detail),
        "reason": record.reason,
        "id": record.id,
        "batch": record.batch_id,
        "format": format,
        "where": record.place,
        "recorded_at": record.recorded_at.isoformat(),
    }


def _said(detail: Mapping[str, Any] | None) -> str:
    """The coded fields in one cell: `drug=lanreotide; dose=120`."""
    return "; ".join(f"{name}={_plain(value)}" for name, value in (detail or {}).items() if value is not None)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return str(value) if name in NUMBERS else harmless(str(value))
