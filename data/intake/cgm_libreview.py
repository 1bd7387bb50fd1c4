"""LibreView: record types 0 (historic) and 1 (scan) are readings; columns and types are alike in every language.

A scan is the value of its moment and a historic value the smoothed one of its interval: two values of one minute that
do not contradict each other. They are kept as two series, the second named `... scan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from clinical.scans import SCAN
from data.intake.cgm_clock import settled_order, wall_seconds
from data.intake.cgm_columns import MOST_DEVICES, Stamps, equal, said, stamps, values
from data.intake.cgm_export import Export
from data.intake.cgm_text import LONGEST_DEVICE, device_name, read_table
from data.intake.cgm_values import glucose, unit_of
from data.intake.item import Held
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable
from data.readings import Unit

HISTORIC, SCANNED = "0", "1"
_DEVICE, _SERIAL, _STAMP, _TYPE, _HISTORIC, _SCAN = range(6)
_GLUCOSE = re.compile(r"gl[uiy][ck]", re.IGNORECASE)
# Scans, strips, insulin, food, notes: each type of record has its digit.
_RECORD_TYPE = re.compile(r"[0-9]")


def is_header(row: Sequence[str]) -> bool:
    """Whether a row names the columns of LibreView."""
    return len(row) > _HISTORIC and _is_glucose(row[_HISTORIC])


def read(raw: bytes, date_order: DateOrder | None) -> Export:
    """What a LibreView file states. Raises Unreadable, also where nothing settles the order of day and month."""
    table = read_table(raw, is_header)
    types = (row[_TYPE].strip() for row in table.rows if len(row) > _TYPE)
    if len(table.rows) and not any(_RECORD_TYPE.fullmatch(type) for type in types):
        raise Unreadable("has no row with a record type of LibreView in its fourth column")
    unit: Unit = unit_of(table.header[_HISTORIC]) or "mg/dL"
    # The last column that holds glucose of the sensor: not every file has one for scans.
    last = _SCAN if len(table.header) > _SCAN and _is_glucose(table.header[_SCAN]) else _HISTORIC
    times = [stamps(cells, _STAMP) for cells in table.cells or ()]
    rows = (row[_STAMP] for row in table.rows if len(row) > _STAMP)
    above = (cell for row in table.above for cell in row)
    order = settled_order(rows if table.cells is None else said(times), above, date_order)
    export = Export(local=True, place=table.place, raw=table.raw, date_order=order)
    left: Iterable[int] = range(len(table.rows)) if table.cells is None else ()
    for part in times:
        left = chain(left, _together(export, part, last, len(table.header), unit))
    for at in left:
        row = table.rows[at]
        if not _HISTORIC < len(row) <= len(table.header):
            what = f"the line has {len(row)} cells, the header {len(table.header)}"
            export.hold(at, Held(what, "check delimiters and quotes"))
            continue
        type = row[_TYPE].strip()
        if not _RECORD_TYPE.fullmatch(type):
            export.hold(
                at, Held(f"the record type {type[:40]!r} is not a digit", "send the export as the maker wrote it")
            )
            continue
        if type not in (HISTORIC, SCANNED):
            export.ignore(f"record type {type}")
            continue
        stated = [cell.strip() for cell in row[_HISTORIC : last + 1] if cell.strip()]
        if not stated:
            export.ignore(f"record type {type} without a value")
            continue
        try:
            if len(set(stated)) > 1:
                raise Held("a historic and a scanned value stand in one row", "send the export as the maker wrote it")
            time = wall_seconds(row[_STAMP], order)
            reading = glucose(stated[0], unit, table.decimal_comma)
        except Held as held:
            export.hold(at, held)
            continue
        export.add(_name(row[_DEVICE], row[_SERIAL], type), unit, at, time, reading)
    return export


def _together(export: Export, times: Stamps, last: int, columns: int, unit: Unit) -> list[int]:
    """Add the ordinary rows to `export`, and give all other rows as the table counts them."""
    cells = times.cells
    wall, timed = times.wall_seconds(export.date_order)
    (historic, long), (scanned, long_scan) = cells.column(_HISTORIC), cells.column(last)
    long_scan = long_scan * (last == _SCAN)
    begins, lengths = np.where(long > 0, historic, scanned), np.where(long > 0, long, long_scan)
    glucose, marks, measured = values(cells, begins, lengths, unit)
    ordinary = timed & measured & ((long > 0) != (long_scan > 0))
    ordinary &= (cells.width > _HISTORIC) & (cells.width <= columns)
    device, (serial, long) = cells.column(_DEVICE)[0], cells.column(_SERIAL)
    left = np.ones(len(cells), dtype=np.bool_)
    for type in (HISTORIC, SCANNED):
        of_type = np.flatnonzero(ordinary & equal(cells, _TYPE, type))
        for names, rows in cells.alike(device, serial + long - device, of_type, MOST_DEVICES):
            name, number = names.split(cells.delimiter)
            named = _name(name, number, type)
            export.add_rows(named, unit, rows + cells.start, wall[rows], glucose[rows], marks[rows])
            left[rows] = False
    return (np.flatnonzero(left) + cells.start).tolist()


def _is_glucose(column: str) -> bool:
    return unit_of(column) is not None and bool(_GLUCOSE.search(column))


def _name(device: str, serial: str, type: str) -> str:
    name = device_name(device, serial, longest=LONGEST_DEVICE - len(SCAN)) or "LibreView"
    return f"{name}{SCAN}" if type == SCANNED else name
