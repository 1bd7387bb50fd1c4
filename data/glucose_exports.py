"""Readings of `nadir score cgm` from the makers' exports: what can be read, and what was left out with place and cause.

Times on the wearer's clock stay there, so that a clock change cannot be told from a gap or a doubling; times in UTC are
taken as the wearer's clock, because no zone is known. Historic and scanned values of LibreView are scored together.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.glucose_readings import HIGH_MARK, LOW_MARK, NUMBER, GlucoseUnit, Readings, readings
from clinical.units import to_canonical
from data.errors import BadInput
from data.intake.cgm_export import Export, Series
from data.intake.cgm_formats import sensor_format
from data.intake.cgm_text import content
from data.intake.cgm_workbook import exports, workbook_format
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable
from data.intake.xlsx_guard import ZIP
from data.readings import HIGH, LOW

_PROBE = 65_536
# A clock that shows minutes puts two scans of one minute at one time: neither contradicts the other.
_MINUTE = 60


def export_format(path: Path) -> str | None:
    """The maker whose export a file is; None for another file or one that cannot be read."""
    try:
        start = content(path)[:_PROBE]
    except Unreadable:
        return None
    return workbook_format(path) if start.startswith(ZIP) else sensor_format(start)


def export_readings(path: Path, format: str, date_order: DateOrder | None) -> tuple[Readings, list[str]]:
    """The readings of one export, and what of it was left out: rows that cannot be read, and two values of one second.

    Raises BadInput for a file that cannot be read or holds no reading.
    """
    try:
        sheets = exports(path, format, date_order)
    except Unreadable as error:
        raise BadInput(f"{path.name} {error}") from error
    left_out = [f"{path.name} {sheet.place(held.row)}: {held.why}" for sheet in sheets for held in sheet.held]
    found = [(sheet, series) for sheet in sheets for series in sheet.series()]
    units = {series.unit for _, series in found}
    unit: GlucoseUnit = "mmol/L" if units == {"mmol/L"} else "mg/dL"
    times: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    marks: list[NDArray[np.int64]] = []
    for sheet, series in found:
        factor = 1.0 if series.unit == unit else to_canonical("glucose", Decimal(1), series.unit)
        kept, contradicted = _once(series)
        left_out += [f"{path.name} {_together(sheet, rows)}" for rows in contradicted]
        times.append(series.times[kept])
        values.append(series.values[kept] * factor)
        marks.append(series.marks[kept])
    if not sum(map(len, times)):
        raise BadInput(f"{path.name} holds no reading; {left_out[0] if left_out else 'nothing was left out'}")
    mark = np.concatenate(marks)
    return readings(
        np.concatenate(times).astype("datetime64[s]"),
        np.concatenate(values),
        marks=np.select([mark == LOW, mark == HIGH], [LOW_MARK, HIGH_MARK], NUMBER).astype(np.int8),
        unit=unit,
    ), left_out


def _once(series: Series) -> tuple[list[int], list[list[int]]]:
    """Each reading once, in the order of the file; and the rows of every second for which there are two values."""
    by_minute = not (series.times % _MINUTE).any()
    at: dict[int, dict[str, int]] = {}
    columns = (column.tolist() for column in (series.times, series.values, series.marks))
    for index, (time, value, mark) in enumerate(zip(*columns, strict=True)):
        at.setdefault(time, {}).setdefault(repr((value, mark)), index)
    kept, contradicted = [], []
    for found in at.values():
        if len(found) == 1 or by_minute:
            kept += list(found.values())
        else:
            contradicted.append(series.rows[list(found.values())].tolist())
    return sorted(kept), contradicted


def _together(sheet: Export, rows: list[int]) -> str:
    return f"{' and '.join(sheet.place(row) for row in rows)}: different values at one time"
