"""Sensor exports that were saved as a workbook: their sheets become tables of text and are read like any other.

Cells come out of the limited child, as text as it stands: a formula is never evaluated and is no reading.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data.intake.cgm_export import Export
from data.intake.cgm_formats import HEADERS, READERS
from data.intake.cgm_text import LINES_ABOVE, content
from data.intake.child import lines
from data.intake.limited import FileRefused
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable
from data.intake.sheet_format import SheetError, columns, format_of
from data.intake.xlsx_guard import ZIP
from data.intake.xlsx_process import parse


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet of a workbook: its rows that are not empty, each with its number."""

    title: str
    hidden: bool
    numbers: list[int]
    rows: list[list[str]]

    def format(self) -> tuple[str, int] | None:
        """The maker whose columns the sheet has, and how many rows stand above them."""
        if self.hidden:
            return None
        for above, row in enumerate(self.rows[:LINES_ABOVE]):
            cells = [cell.strip() for cell in row]
            found = next((name for name, is_header in HEADERS.items() if is_header(cells)), None)
            if found is not None:
                return found, above
        return None

    def read(self, format: str, above: int, date_order: DateOrder | None) -> Export:
        """The sheet as a table of its maker."""
        width = len(self.rows[above])
        target = io.StringIO()
        csv.writer(target, lineterminator="\n").writerows([*row, *[""] * (width - len(row))] for row in self.rows)
        export = READERS[format](target.getvalue().encode(), date_order)
        below = self.numbers[above + 1 :]
        export.place = lambda row: f"{self.title}!row[{below[row]}]"
        return export


def workbook_format(path: Path) -> str | None:
    """The maker whose columns a sheet of a workbook has; None where there is none, or a sheet of Nadir's own."""
    try:
        sheets = list(_sheets(path, rows=LINES_ABOVE))
    except (OSError, SheetError, FileRefused):
        return None
    if any(format_of(columns(sheet.rows[0])) for sheet in sheets if sheet.rows and not sheet.hidden):
        return None
    return next((found[0] for sheet in sheets if (found := sheet.format()) is not None), None)


def exports(path: Path, format: str, date_order: DateOrder | None) -> list[Export]:
    """What a file states, sheet by sheet where it is a workbook. Raises Unreadable."""
    raw = content(path)
    if not raw.startswith(ZIP):
        return [READERS[format](raw, date_order)]
    try:
        sheets = list(_sheets(path))
    except (OSError, SheetError, FileRefused) as error:
        raise Unreadable(" ".join(str(error).split())) from error
    found: list[Export] = []
    beside: list[str] = []
    for sheet in sheets:
        kind = sheet.format()
        if kind is None or kind[0] != format:
            beside.append("sheet hidden" if sheet.hidden else "sheet of other columns")
        else:
            found.append(sheet.read(format, kind[1], date_order))
    if not found:
        raise Unreadable(f"has no sheet of {format}")
    for type in beside:
        found[0].ignore(type)
    return found


def _sheets(path: Path, rows: int | None = None) -> Iterator[_Sheet]:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        parse(path, spool, rows=rows)
        sheet: _Sheet | None = None
        for said in lines(spool):
            if isinstance(said, dict):
                if sheet is not None:
                    yield sheet
                sheet = _Sheet(said["sheet"], said["hidden"], [], []) if "sheet" in said else None
            elif sheet is not None:
                sheet.numbers.append(said[0])
                sheet.rows.append([text for _, text in said[1]])
