"""Nightscout: `sgv` entries as JSON, or the table of its CSV exporter; always mg/dL in JSON.

Nightscout shows no value below 39. The codes 0 to 12 say why a Dexcom sensor shows none and are counted apart. Numbers
from 13 to 38 are neither a code that is known nor a value it would show: they may be a severe hypoglycaemia that an
uploader passed on, so they are held and not dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from data.intake.cgm_clock import settled_order, utc_seconds, wall_seconds
from data.intake.cgm_export import Export
from data.intake.cgm_json import number, place, raw_of, read_list, text
from data.intake.cgm_text import device_name, read_table
from data.intake.cgm_values import glucose, unit_of
from data.intake.item import Held
from data.intake.moments import DateOrder
from data.readings import Unit

LAST_CODE, LOWEST_SHOWN = 12, 39
LATEST_MS = 8_000_000_000_000
_DIGITS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,12})?")
_EPOCH_MS = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,6})?")
_AMERICAN = re.compile(r"[1-9][0-9]?/[1-9][0-9]?/[0-9]{4} [1-9][0-9]?:[0-9]{2}:[0-9]{2} [AP]M")
_DATE, _TIME, _GLUCOSE, _TYPE, _DEVICE = range(5)


def is_header(row: Sequence[str]) -> bool:
    """Whether a row names the columns of the CSV exporter."""
    names = [name.casefold() for name in row[:4]]
    return (
        len(names) == 4 and names[:2] == ["date", "time"] and names[3] == "type" and unit_of(row[_GLUCOSE]) is not None
    )


def read(raw: bytes, date_order: DateOrder | None) -> Export:
    """What a Nightscout file states. Raises Unreadable."""
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        return _entries(raw)
    return _table(raw, date_order)


def _entries(raw: bytes) -> Export:
    entries = read_list(raw)
    export = Export(local=False, place=place, raw=raw_of(entries))
    for at, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise Held("this is not an entry", "send the export as the maker wrote it")
            type = text(entry, "type") or ("sgv" if "sgv" in entry else "untyped")
            if type != "sgv":
                export.ignore(type)
                continue
            if text(entry, "units").casefold().startswith("mmol"):
                raise Held(
                    "an sgv entry that says mmol/L", "sgv is mg/dL in Nightscout; send the entry as it stores it"
                )
            reading = _reading(number(entry, "sgv") or "", "mg/dL", False)
            if reading is None:
                export.ignore("sgv error code")
                continue
            device = device_name(text(entry, "device")) or "Nightscout"
            export.add(device, "mg/dL", at, _moment(number(entry, "date"), text(entry, "dateString")), reading)
        except Held as held:
            export.hold(at, held)
    return export


def _moment(date: str | None, written: str) -> int:
    if date is None and written:
        return utc_seconds(written)
    if date is None or not _EPOCH_MS.fullmatch(date) or Decimal(date) > LATEST_MS:
        raise Held(f"date {date!r} is no time in milliseconds", "send the export as the maker wrote it")
    return int(Decimal(date) // 1000)


def _table(raw: bytes, date_order: DateOrder | None) -> Export:
    table = read_table(raw, is_header)
    unit: Unit = unit_of(table.header[_GLUCOSE]) or "mg/dL"
    end = next((at for at, row in enumerate(table.rows) if row[0].startswith("#")), len(table.rows))
    stamps = [f"{row[_DATE]} {row[_TIME]}" for row in table.rows[:end] if len(row) > _TIME]
    order = settled_order(stamps, (), date_order or _browser_order(stamps))
    export = Export(local=True, place=table.place, raw=table.raw, date_order=order)
    for at, row in enumerate(table.rows[:end]):
        try:
            if not _DEVICE < len(row) <= len(table.header):
                raise Held(
                    f"the line has {len(row)} cells, the header {len(table.header)}", "check delimiters and quotes"
                )
            if row[_TYPE].strip() != "sgv":
                export.ignore(row[_TYPE].strip() or "untyped")
                continue
            reading = _reading(row[_GLUCOSE].strip(), unit, table.decimal_comma)
            if reading is None:
                export.ignore("sgv error code")
                continue
            time = wall_seconds(f"{row[_DATE].strip()} {row[_TIME].strip()}", order)
            export.add(device_name(row[_DEVICE]) or "Nightscout", unit, at, time, reading)
        except Held as held:
            export.hold(at, held)
    treatments = sum(not row[0].startswith("#") and row[0] != "Date" for row in table.rows[end:])
    if treatments:
        export.ignored["treatment row"] += treatments
    return export


def _browser_order(stamps: Sequence[str]) -> DateOrder | None:
    """Month before day where a browser of the United States wrote the table: the exporter writes times as the browser
    does, and no locale that puts the day first leaves out leading zeros and writes AM and PM in capitals."""
    return "mdy" if all(_AMERICAN.fullmatch(stamp) for stamp in stamps) else None


def _reading(said: str, unit: Unit, decimal_comma: bool) -> tuple[float, int] | None:
    """Value and mark; None for an error code."""
    if unit == "mg/dL" and _DIGITS.fullmatch(said) and Decimal(said) < LOWEST_SHOWN:
        if Decimal(said) <= LAST_CODE:
            return None
        raise Held(
            f"sgv {said} is below {LOWEST_SHOWN}, which Nightscout takes for an error and not for glucose",
            "look it up in the sensor's own record",
        )
    return glucose(said, unit, decimal_comma)
