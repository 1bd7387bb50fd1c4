"""Dexcom Clarity: rows of type EGV are readings; an Alert row holds a threshold in the same column and is none.

Clarity writes the names of its columns and some of its types in the language of the clinic, but not the type EGV.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from data.intake.cgm_clock import settled_order, wall_seconds
from data.intake.cgm_columns import MOST_DEVICES, Stamps, equal, said, stamps, values
from data.intake.cgm_export import Export
from data.intake.cgm_text import Table, device_name, read_table
from data.intake.cgm_values import glucose, unit_of
from data.intake.item import Held
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable
from data.readings import Unit

# The pattern in brackets is the same in the languages Clarity writes its columns in.
_STAMP = re.compile(r"\([A-Z]{4}-[A-Z]{2}-[A-Z]{2}Thh:mm:ss\)$", re.IGNORECASE)

_READING = "EGV"
# Rows that hold a name of the wearer; in other languages they are the first two.
_NAMES = frozenset({"FirstName", "LastName"})
_NAMED_FIRST = 2
# Where Clarity writes all its columns: wearer and device by their distance from the type, the glucose behind them.
_INFO, _SOURCE, _GLUCOSE = 2, 4, 5


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the columns of a table stand; None for one it does not have. `translated`: the types may be as well."""

    stamp: int
    value: int
    event: int | None
    info: int | None
    source: int | None
    translated: bool

    @property
    def last(self) -> int:
        """The last column that a reading needs."""
        return max(self.stamp, self.value, self.event or 0, self.source or 0)

    def names_wearer(self, at: int, row: Sequence[str]) -> bool:
        """Whether a row, the table's `at`, that is no reading holds a name of the wearer."""
        if self.event is None or self.info is None or self.info >= len(row):
            return False
        first = self.translated and at < _NAMED_FIRST and not row[self.stamp].strip()
        return first or row[self.event].strip() in _NAMES


def is_header(row: Sequence[str]) -> bool:
    """Whether a row names the columns of Clarity."""
    return _column(row) is not None and any(unit_of(name) for name in row)


def read(raw: bytes, date_order: DateOrder | None) -> Export:
    """What a Clarity file states. Raises Unreadable.

    The device is the receiver of each row. A table of nothing but times and glucose holds readings only.
    """
    table = read_table(raw, is_header)
    columns = _columns(table)
    stamp, value, event, source = columns.stamp, columns.value, columns.event, columns.source
    unit: Unit = unit_of(table.header[value]) or "mg/dL"
    times = [stamps(cells, stamp) for cells in table.cells or ()]
    rows = (row[stamp] for row in table.rows if len(row) > stamp)
    order = settled_order(rows if table.cells is None else said(times), (), date_order)
    export = Export(local=True, place=table.place, raw=table.raw, date_order=order)
    left: Iterable[int] = range(len(table.rows)) if table.cells is None else ()
    for part in times:
        ordinary = (part.cells.width > columns.last) & (part.cells.width <= len(table.header))
        if event is not None:
            ordinary &= equal(part.cells, event, _READING)
        left = chain(left, _together(export, part, value, source, unit, ordinary))
    for at in left:
        row = table.rows[at]
        if not columns.last < len(row) <= len(table.header):
            export.hold(at, _ragged(table, row))
        elif event is not None and row[event].strip() != _READING:
            if columns.info is not None and columns.names_wearer(at, row):
                export.person = f"{export.person} {row[columns.info]}".strip()
            export.ignore(f"{row[event].strip().lower() or 'untyped'} row")
        elif not row[value].strip():
            export.ignore("EGV row without a value")
        else:
            try:
                time = wall_seconds(row[stamp], order)
                reading = glucose(row[value], unit, table.decimal_comma)
            except Held as held:
                export.hold(at, held)
                continue
            export.add(device_name("Dexcom", "" if source is None else row[source]), unit, at, time, reading)
    return export


def _columns(table: Table) -> _Columns:
    """Where what is read stands. Raises Unreadable where rows may have a type and none is that of a reading."""
    stamp, value = _column(table.header) or 0, next(i for i, name in enumerate(table.header) if unit_of(name))
    names = {name.casefold(): at for at, name in reversed(list(enumerate(table.header)))}
    info, source = names.get("patient info"), names.get("source device id")
    if "event type" in names:
        return _Columns(stamp, value, names["event type"], info, source, translated=False)
    index = 0 if stamp == 1 else None
    others = [at for at in range(len(table.header)) if at not in (index, stamp, value, info, source)]
    event = next((at for at in others if _types_readings(table, at)), None)
    if event is None and others:
        raise Unreadable("has no row of type EGV, and without that type a threshold looks like a reading")
    if event is not None and value - event == _GLUCOSE:
        info, source = event + _INFO, event + _SOURCE
    return _Columns(stamp, value, event, info, source, translated=True)


def _types_readings(table: Table, column: int) -> bool:
    if table.cells is None:
        return any(len(row) > column and row[column] == _READING for row in table.rows)
    return any(equal(cells, column, _READING).any() for cells in table.cells)


def _together(
    export: Export, times: Stamps, value: int, source: int | None, unit: Unit, among: NDArray[np.bool_]
) -> list[int]:
    """Add the ordinary rows of `among` to `export`, and give all other rows as the table counts them."""
    cells = times.cells
    wall, timed = times.wall_seconds(export.date_order)
    glucose, marks, measured = values(cells, *cells.column(value), unit)
    ordinary = among & timed & measured
    begins, lengths = cells.column(source or 0)
    lengths = lengths * (source is not None)
    left = np.ones(len(cells), dtype=np.bool_)
    for name, rows in cells.alike(begins, lengths, np.flatnonzero(ordinary), MOST_DEVICES):
        device = device_name("Dexcom", name)
        export.add_rows(device, unit, rows + cells.start, wall[rows], glucose[rows], marks[rows])
        left[rows] = False
    return (np.flatnonzero(left) + cells.start).tolist()


def _column(row: Sequence[str]) -> int | None:
    return next((i for i, name in enumerate(row) if _STAMP.search(name)), None)


def _ragged(table: Table, row: Sequence[str]) -> Held:
    return Held(f"the line has {len(row)} cells, the header {len(table.header)}", "check delimiters and quotes")
