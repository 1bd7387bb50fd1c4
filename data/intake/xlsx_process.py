"""Which workbooks are parsed at all, and the child they are parsed in (`data.intake.xlsx_child`)."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from data.intake.child import parse_in_child
from data.intake.sheet_format import LARGEST_SHEET, SheetError


def parse(path: Path, spool: IO[str], *, rows: int | None = None) -> None:
    """Let the child write the cells into `spool`, of the first `rows` rows of a sheet or of all.

    Raises SheetError for what is no workbook by its name or size, FileRefused when the child refuses it, dies or
    takes too long.
    """
    name = path.name.lower()
    if name.endswith(".xlsm"):
        raise SheetError("may hold macros; save it as .xlsx without them")
    if not name.endswith(".xlsx"):
        raise SheetError("is an Excel file but not named .xlsx")
    if path.stat().st_size > LARGEST_SHEET:
        raise SheetError(f"is larger than {LARGEST_SHEET // 1024 // 1024} MB; send it in parts")
    parse_in_child("data.intake.xlsx_child", path, spool, *([] if rows is None else [str(rows)]))
