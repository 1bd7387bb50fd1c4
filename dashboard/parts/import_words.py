"""The words of the import pages: formats, states, verdicts, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.language import _, counted, marked, message, whole

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
    "stored": message("New"),
    "unchanged": message("Already there"),
    "superseded": message("Newer version"),
    "held": message("Held"),
}


NOUNS = {
    "row": (message("{n} row"), message("{n} rows")),
    "item": (message("{n} item"), message("{n} items")),
    "patient": (message("{n} patient"), message("{n} patients")),
    "pair": (message("{n} pair"), message("{n} pairs")),
    "record": (message("{n} record"), message("{n} records")),
}


def rows_text(count: int, noun: str) -> str:
    """`1 row`, `12,400 rows`; `noun` is one of `NOUNS`."""
    return counted(*NOUNS[noun], count)


def size_text(size: int) -> str:
    """`812 B`, `44 kB`, `3.2 MB`"""
    if size < 1_000:
        return f"{size} B"
    return f"{round(size / 1_000)} kB" if size < 1_000_000 else marked(f"{size / 1_000_000:.1f} MB")


def files_text(files: Sequence[Mapping[str, Any]]) -> str:
    """The first file by name and how many more there are."""
    first = str(files[0]["name"]) if files else _("no file")
    return first if len(files) < 2 else _("{first} and {n} more", first=first, n=len(files) - 1)


def brought(counts: Mapping[str, Any]) -> str:
    """`640 stored, 12 held`: what an import came to, in few words."""
    parts = [_("{n} new", n=whole(counts["stored"] + counts["superseded"]))]
    parts += [_("{n} held", n=whole(counts["held"]))] if counts["held"] else []
    return ", ".join(parts)


def button_text(preview: Mapping[str, Any]) -> str | None:
    """What the button that stores says: how many rows for how many patients. None when there is nothing to do."""
    fresh = preview["stored"] + preview["superseded"]
    if fresh:
        patients = preview["patients"]
        if len(patients) == 1:
            one = patients[0]
            return _(
                "Import {rows} for {name} ({mrn})",
                rows=rows_text(fresh, "row"),
                name=one["name"] or _("name not recorded"),
                mrn=one["mrn"],
            )
        many = rows_text(preview["patient_count"], "patient")
        return _("Import {rows} for {patients}", rows=rows_text(fresh, "row"), patients=many)
    if not preview["held"]:
        return None
    return _("Put {rows} into quarantine", rows=rows_text(preview["held"], "row"))


def account_text(counts: Mapping[str, Any], *, stored: bool) -> str:
    """The account as one sentence whose numbers add up."""
    kept = whole(counts["stored"])
    parts = [
        _("{n} stored", n=kept) if stored else _("{n} new", n=kept),
        _("{n} already there", n=whole(counts["unchanged"])),
        _("{n} newer versions", n=whole(counts["superseded"])),
        _("{n} outside what Nadir reads", n=whole(counts["ignored"])),
        _("{n} held", n=whole(counts["held"])),
    ]
    return _("{items} read", items=rows_text(counts["read"], "item")) + " = " + " + ".join(parts)
