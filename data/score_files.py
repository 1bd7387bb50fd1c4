"""CSV files of the clinical functions that stand alone (`nadir score`): read whole, or refused with row and cause.

A cell that cannot be read refuses the file: nothing is guessed and nothing is left out. An empty cell is "not recorded"
and is left to the clinical function, which says what it cannot answer without it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from clinical.chart import Lesion
from clinical.ctcae import Measurement
from clinical.ctcae_criteria import Indicator
from clinical.ctcae_terms import Version
from clinical.numbers import NumberError, parse_number
from clinical.skin_scores import SkinScoreError
from data.errors import BadInput
from data.intake.coded import Fields, choice, flag, lesion_detail, text
from data.intake.item import Held

_VERSIONS: Mapping[str, Version] = {"4": 4, "4.0": 4, "4.03": 4, "5": 5, "5.0": 5, "6": 6, "6.0": 6}
_INDICATORS = frozenset({"low", "normal", "high"})
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToGrade:
    """One row of `score ctcae`."""

    id: str
    name: str
    version: Version
    measured: Measurement


def rows(path: Path, *required: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row of a CSV file with its place (`file.csv line 3`, the header is line 1); column names in lower case.

    Raises BadInput for a file that cannot be read, a header that lacks a required column or names one twice, and a row
    with more or fewer cells than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().casefold() for name in next(reader, [])]
            _check_header(path, header, required)
            for cells in reader:
                where = f"{path.name} line {reader.line_num}"
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise BadInput(f"{where}: {len(cells)} cells, the header has {len(header)}")
                yield where, dict(zip(header, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error


def measurements(path: Path) -> list[ToGrade]:
    """The rows of `score ctcae`: `id, term_or_test, value, unit, lln, uln, baseline, version`, optionally `fasting`,
    `sex` (which no grade here depends on), `baseline_indicator` and `percent_change`. Raises BadInput."""
    columns = ("id", "term_or_test", "value", "unit", "lln", "uln", "baseline", "version")
    return [read_row(where, _to_grade, row) for where, row in rows(path, *columns)]


def lesions(path: Path) -> dict[str, list[Lesion]]:
    """The lesions of `score recist` by patient, in the columns of csv-lesions. Raises BadInput."""
    found: dict[str, list[Lesion]] = defaultdict(list)
    for where, row in rows(path, "mrn", "scan_date", "lesion", "role"):
        mrn, lesion = read_row(where, partial(_lesion, where), row)
        found[mrn].append(lesion)
    return dict(found)


def read_row(where: str, read: Callable[[Fields], Read], row: Fields) -> Read:
    """What `read` makes of the row; what it refuses becomes BadInput with the place."""
    try:
        return read(row)
    except (Held, NumberError, SkinScoreError) as error:
        raise BadInput(f"{where}: {error}") from error


def named(row: Fields) -> str:
    """The id of a row. Raises Held for an empty one."""
    name = text(row, "id")
    if name is None:
        raise Held("the id is empty")
    return name


def _check_header(path: Path, header: list[str], required: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise BadInput(f"{path.name}: column {', '.join(missing)} is missing")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise BadInput(f"{path.name}: column {', '.join(doubled)} stands twice")


def _to_grade(row: Fields) -> ToGrade:
    name, version = text(row, "term_or_test"), _VERSIONS.get(row["version"].strip())
    if name is None:
        raise Held("term_or_test is empty")
    if version is None:
        raise Held(f"version {row['version']!r} is not 4, 5 or 6")
    value = text(row, "value")
    parsed = None if value is None else parse_number(value)
    indicator = choice(
        {"baseline_indicator": row.get("baseline_indicator", "").lower()}, "baseline_indicator", _INDICATORS
    )
    return ToGrade(
        id=named(row),
        name=name,
        version=version,
        measured=Measurement(
            value=None if parsed is None else parsed.value,
            comparator=None if parsed is None else parsed.comparator,
            unit=text(row, "unit"),
            lln=_plain(row, "lln"),
            uln=_plain(row, "uln"),
            baseline=_plain(row, "baseline"),
            percent_change=_plain(row, "percent_change"),
            baseline_indicator=cast(Indicator | None, indicator),
            fasting=flag(row, "fasting"),
        ),
    )


def _plain(row: Fields, name: str) -> Decimal | None:
    said = text(row, name)
    if said is None:
        return None
    parsed = parse_number(said)
    if parsed.comparator is not None:
        raise Held(f"{name} {said!r} is not a plain number")
    return parsed.value


def _lesion(where: str, row: Fields) -> tuple[str, Lesion]:
    mrn, scanned = text(row, "mrn"), text(row, "scan_date")
    if mrn is None or scanned is None:
        raise Held("mrn or scan_date is empty")
    try:
        day = date.fromisoformat(scanned)
    except ValueError as error:
        raise Held(f"scan_date {scanned!r} is not a date; write 2026-03-01") from error
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    known = {field.name for field in fields(Lesion)}
    detail = {name: value for name, value in lesion_detail(row).items() if name in known}
    return mrn, Lesion(record=where, effective=at, known_at=at, precision="day", **detail)
