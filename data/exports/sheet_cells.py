"""Text for sheets that people open in a spreadsheet: no cell of it may become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

Value = str | float | int | bool | date | datetime | None
STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the start of a formula, full-width forms included (OWASP, CSV Injection)."""


def sheet(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """The rows as CSV (RFC 4180, every text quoted). Times stand in ISO 8601, None is an empty cell."""
    return lines([heads]) + lines(rows)


def lines(rows: Iterable[Sequence[Value]]) -> str:
    """Rows as `sheet` writes them, for one that is written a part at a time."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return written.getvalue()


def harmless(text: str) -> str:
    """The text with an apostrophe in front, which makes spreadsheets take it as text, where it could be a formula."""
    return f"'{text}" if text.startswith(STARTS) or text.lstrip().startswith(STARTS) else text


def _cell(value: Value) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return harmless(value)
