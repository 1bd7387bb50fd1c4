"""The process a workbook is parsed in: it limits itself, checks the file, and writes the cells as lines of JSON.

    {"sheet": "Labs", "hidden": false}      what follows is of this sheet
    [7, [["s", "M-1"], ["d", "2024-03-10"]]]    row 7: the kind and text of each cell
    {"end": true}                           everything was written
    {"refused": "holds macros; ..."}        or why the workbook is not read

Kinds: s text, n number, d date or time, b boolean, e error, f formula (its text, never a result), empty for no cell.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from data.intake.limited import parse_within_limits, say
from data.intake.xlsx_guard import WorkbookRefused, check_workbook

MOST_COLUMNS = 1_000
# One more than a cell may hold, so that the row is held and a line stays short.
CUT = 20_001


def main() -> None:
    """Write the cells of the workbook named on the command line to standard output, of all rows or the first few."""
    parse_within_limits(_write_sheets, "a workbook")


def _write_sheets(path: Path, rows: str | None = None) -> None:
    check_workbook(path)
    import openpyxl

    if not openpyxl.DEFUSEDXML:
        raise WorkbookRefused("cannot be read safely: defusedxml is not in use")
    book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    for sheet in book.worksheets:
        say({"sheet": sheet.title, "hidden": sheet.sheet_state != "visible"})
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(max_row=None if rows is None else int(rows)), 1):
            cells = [_cell(cell) for cell in row]
            while cells and not cells[-1][1].strip():
                del cells[-1]
            if len(cells) > MOST_COLUMNS:
                raise WorkbookRefused(f"has more than {MOST_COLUMNS} columns in row {number} of {sheet.title!r}")
            if cells:
                say([number, cells])


def _cell(cell: Any) -> tuple[str, str]:
    value, kind = cell.value, cell.data_type
    if value is None:
        return "", ""
    if kind == "f":
        text = value if isinstance(value, str) else str(getattr(value, "text", None) or "formula")
        return "f", text[:CUT]
    if kind == "b":
        return "b", "TRUE" if value else "FALSE"
    if kind == "n" and isinstance(value, int | float):
        return "n", repr(value).removesuffix(".0")
    if kind == "d":
        return _date(value, cell.number_format)
    return ("e" if kind == "e" else "s"), str(value)[:CUT]


def _date(value: Any, number_format: str) -> tuple[str, str]:
    """A date cell as the cell shows it: a time of day only where there is one or the format asks for it."""
    if not isinstance(value, datetime):
        return "d", value.isoformat() if isinstance(value, date) else str(value)
    shown = number_format.casefold()
    if (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0) and "h" not in shown:
        return "d", value.date().isoformat()
    seconds = value.second or value.microsecond or "s" in shown
    return "d", value.isoformat(timespec="seconds" if seconds else "minutes")


if __name__ == "__main__":
    main()
