"""Readings of `nadir score cgm` from CSV files `id, time, gl`, read whole or refused, and from sensor exports.

`HI` and `LO` become marks. A time with its offset is kept on both clocks; one without is the wearer's clock alone, and
then a clock change cannot be told from a gap or a doubling.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from clinical.analytes import CATALOGUE
from clinical.glucose_readings import HIGH_MARK, LOW_MARK, NUMBER, GlucoseUnit, Readings, readings
from clinical.numbers import NumberError, parse_number
from clinical.units import to_canonical
from data.errors import BadInput
from data.glucose_exports import export_format, export_readings
from data.intake.moments import DateOrder
from data.score_files import rows

_MARKS: Mapping[str, int] = {"lo": LOW_MARK, "low": LOW_MARK, "hi": HIGH_MARK, "high": HIGH_MARK}
_Reading = tuple[float, int]


@dataclass(frozen=True, slots=True)
class _Time:
    """A reading's time on both clocks, and whether its offset was written."""

    utc: datetime
    wall: datetime
    has_offset: bool


@dataclass(frozen=True, slots=True)
class Glucose:
    """The readings of each id, and what of sensor exports was left out, with place and cause."""

    readings: dict[str, Readings]
    left_out: list[str]


def glucose_readings(paths: Iterable[Path], unit: GlucoseUnit, date_order: DateOrder | None = None) -> Glucose:
    """The readings of each id over all files, values in `unit`; of a sensor export in its own unit, by the file's stem.

    The same reading twice counts once. `date_order` settles what an export leaves open; its rows that are
    unclear are left out. Raises BadInput for an empty or unreadable cell of another file, a value no glucose in `unit`
    has, two values at one time, and an id whose times carry an offset in part only.
    """
    found: dict[str, dict[_Time, tuple[_Reading, str]]] = defaultdict(dict)
    exported: dict[str, Readings] = {}
    left_out: list[str] = []
    for path in paths:
        format = export_format(path)
        if format is not None:
            if path.stem in exported:
                raise BadInput(f"{path.name}: another export is named {path.stem} too")
            exported[path.stem], missed = export_readings(path, format, date_order)
            left_out += missed
            continue
        for where, row in rows(path, "id", "time", "gl"):
            time, reading = _time(row["time"], where), _reading(row["gl"], unit, where)
            name = row["id"].strip()
            if not name:
                raise BadInput(f"{where}: the id is empty")
            earlier = found[name].setdefault(time, (reading, where))
            if earlier[0] != reading:
                raise BadInput(f"{where}: another value at {row['time'].strip()} stands at {earlier[1]}")
    both = exported.keys() & found.keys()
    if both:
        raise BadInput(f"{min(both)}: the id of a row and the name of an export")
    return Glucose(exported | {name: _arrays(name, known, unit) for name, known in found.items()}, left_out)


def _time(said: str, where: str) -> _Time:
    try:
        parsed = datetime.fromisoformat(said.strip())
    except ValueError as error:
        raise BadInput(f"{where}: time {said!r} is not ISO 8601; write 2026-03-01 06:00:00") from error
    if parsed.tzinfo is None:
        return _Time(parsed, parsed, False)
    return _Time(parsed.astimezone(UTC).replace(tzinfo=None), parsed.replace(tzinfo=None), True)


def _reading(said: str, unit: GlucoseUnit, where: str) -> _Reading:
    mark = _MARKS.get(said.strip().casefold())
    if mark is not None:
        return np.nan, mark
    try:
        parsed = parse_number(said)
    except NumberError as error:
        raise BadInput(f"{where}: gl: {error}") from error
    if parsed.comparator is not None:
        raise BadInput(f"{where}: gl {said!r} is neither a number nor HI or LO")
    glucose = CATALOGUE["glucose"]
    if not glucose.plausible_low <= to_canonical("glucose", parsed.value, unit) <= glucose.plausible_high:
        raise BadInput(f"{where}: gl {said.strip()} {unit} is no glucose; is the unit right? (--unit)")
    return float(parsed.value), NUMBER


def _arrays(name: str, known: Mapping[_Time, tuple[_Reading, str]], unit: GlucoseUnit) -> Readings:
    if len({time.has_offset for time in known}) > 1:
        raise BadInput(f"{name}: some times have an offset and some have none")
    return readings(
        np.array([time.utc for time in known], dtype="datetime64[s]"),
        np.array([value for (value, _), _ in known.values()], dtype=np.float64),
        marks=np.array([mark for (_, mark), _ in known.values()], dtype=np.int8),
        wall=np.array([time.wall for time in known], dtype="datetime64[s]"),
        unit=unit,
    )
