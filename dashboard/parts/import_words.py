"""The words of the import pages: formats, states, verdicts, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.language import message

FORMAT_WORDS = {
    "fhir-r4": "FHIR R4",
    "hl7v2": "HL7 v2",
    "csv": message("Sheet of results"),
    "csv-therapy": message("Sheet of therapy"),
    "csv-lesions": message("Sheet of lesions"),
    "csv-skin": message("Sheet of skin scores"),
    "xlsx": message("Excel workbook"),
    "dexcom-clarity": "Dexcom Clarity",
    "libreview": "LibreView",
    "nightscout": "Nightscout",
    "tidepool": "Tidepool",
    "dicom-sr": message("DICOM report"),
    "visit": message("Visit, typed in"),
    "correction": message("Correction by hand"),
}
STATE_WORDS = {
    "uploaded": message("Not previewed yet"),
    "previewing": message("Being previewed"),
    "previewed": message("Ready to import"),
    "importing": message("Being imported"),
    "imported": message("Imported"),
    "refused": message("Not readable"),
    "broken": message("Broke off"),
    "cancelled": message("Cancelled"),
    "expired": message("Expired"),
}
VERDICT_WORDS = {
    "stored": "New",
    "unchanged": "Already there",
    "superseded": "Newer version",
    "held": "Held",
}


def rows_text(count: int, noun: str) -> str:
    """`1 row`, `12,400 rows`"""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size_text(size: int) -> str:
    """`812 B`, `44 kB`, `3.2 MB`"""
    if size < 1_000:
        return f"{size} B"
    return f"{round(size / 1_000)} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def files_text(files: Sequence[Mapping[str, Any]]) -> str:
    """The first file by name and how many more there are."""
    first = str(files[0]["name"]) if files else "no file"
    return first if len(files) < 2 else f"{first} and {len(files) - 1} more"


def brought(counts: Mapping[str, Any]) -> str:
    """`640 stored, 12 held`: what an import came to, in few words."""
    parts = [f"{counts['stored'] + counts['superseded']:,} new"]
    parts += [f"{counts['held']:,} held"] if counts["held"] else []
    return ", ".join(parts)


def button_text(preview: Mapping[str, Any]) -> str | None:
    """What the button that stores says: how many rows for how many patients. None when there is nothing to do."""
    fresh = preview["stored"] + preview["superseded"]
    if fresh:
        patients = preview["patients"]
        if len(patients) == 1:
            one = patients[0]
            return f"Import {rows_text(fresh, 'row')} for {one['name'] or 'name not recorded'} ({one['mrn']})"
        return f"Import {rows_text(fresh, 'row')} for {rows_text(preview['patient_count'], 'patient')}"
    return f"Put {rows_text(preview['held'], 'row')} into quarantine" if preview["held"] else None


def account_text(counts: Mapping[str, Any], *, stored: bool) -> str:
    """The account as one sentence whose numbers add up."""
    parts = [
        f"{counts['stored']:,} {'stored' if stored else 'new'}",
        f"{counts['unchanged']:,} already there",
        f"{counts['superseded']:,} newer versions",
        f"{counts['ignored']:,} outside what Nadir reads",
        f"{counts['held']:,} held",
    ]
    return f"{rows_text(counts['read'], 'item')} read = " + " + ".join(parts)
