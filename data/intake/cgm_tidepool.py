"""Tidepool: `cbg` entries as JSON. Finger pricks (`smbg`) and everything else are counted and left out.

Tidepool keeps mmol/L whatever the device shows: 110 mg/dL becomes 6.10584, its number divided by 18.01559. A value that
multiplied back is a whole mg/dL is stored as what the device showed. A device whose values are all tenths of mmol/L is
stored in mmol/L. What is neither is held: four bytes a reading hold tenths, and rounding would make up a number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

from data.intake.cgm_clock import utc_seconds
from data.intake.cgm_export import Export
from data.intake.cgm_json import number, place, raw_of, read_list, text
from data.intake.cgm_text import device_name
from data.intake.cgm_values import glucose, marked
from data.intake.item import Held
from data.intake.moments import DateOrder
from data.readings import HIGH, LOW, Unit

# The factor Tidepool converts with, and how far its five decimals can lie from the whole number.
MG_DL_A_MMOL = Decimal("18.01559")
CLOSE = Decimal("0.001")
_NUMBER = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,20})?")
_Stated = tuple[int, int, str, str, int | None]


def read(raw: bytes, date_order: DateOrder | None) -> Export:
    """What a Tidepool file states. Raises Unreadable."""
    del date_order
    entries = read_list(raw)
    export = Export(local=False, place=place, raw=raw_of(entries))
    devices: dict[str, list[_Stated]] = defaultdict(list)
    for at, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise Held("this is not an entry", "send the export as the maker wrote it")
            type = text(entry, "type") or "untyped"
            value = number(entry, "value") if type == "cbg" else None
            if type != "cbg" or value is None:
                export.ignore(type if type != "cbg" else "cbg without a value")
                continue
            device = device_name(text(entry, "deviceId")) or "Tidepool"
            stated = at, utc_seconds(text(entry, "time")), value, text(entry, "units"), _beyond(entry)
            devices[device].append(stated)
        except Held as held:
            export.hold(at, held)
    for device, readings in devices.items():
        _add(export, device, readings)
    return export


def _add(export: Export, device: str, readings: list[_Stated]) -> None:
    whole = any(_mg_dl(value, units) is not None for _, _, value, units, _ in readings)
    unit: Unit = "mg/dL" if whole else "mmol/L"
    for at, time, value, units, mark in readings:
        try:
            if units not in ("mmol/L", "mg/dL"):
                raise Held(f"a number with the unit {units!r}", "send mmol/L or mg/dL")
            if mark is not None:
                export.add(device, unit, at, time, marked(mark))
                continue
            shown = _mg_dl(value, units) if whole else value
            if shown is None:
                raise Held(
                    f"{value} {units} is not what a device shows in mg/dL, as it does elsewhere in this file",
                    "send the export of the maker of the sensor",
                )
            export.add(device, unit, at, time, glucose(shown, unit))
        except Held as held:
            export.hold(at, held)


def _mg_dl(value: str, units: str) -> str | None:
    if not _NUMBER.fullmatch(value):
        return None
    if units == "mg/dL":
        return value
    exact = Decimal(value) * MG_DL_A_MMOL
    return str(round(exact)) if abs(exact - round(exact)) <= CLOSE else None


def _beyond(entry: dict[str, Any]) -> int | None:
    """The mark of a value that Tidepool says lies outside what the device measures."""
    annotations = entry.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else ():
        if isinstance(annotation, dict) and annotation.get("code") == "bg/out-of-range":
            return {"low": LOW, "high": HIGH}.get(str(annotation.get("value")))
    return None
