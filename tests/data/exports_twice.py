"""One sensor export read by column and by row, to be compared.

A quote in the header makes `csv` read the file row by row, so each file is read once with and once without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from data.intake.cgm_clarity import is_header as is_clarity
from data.intake.cgm_formats import CLARITY, LIBREVIEW, READERS
from data.intake.cgm_libreview import is_header as is_libreview
from data.intake.cgm_text import find_header, read_table
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable

IS_HEADER = {CLARITY: is_clarity, LIBREVIEW: is_libreview}


def by_row(format: str, text: str) -> str:
    """The same file with the first cell of its header in quotes."""
    found = find_header(text, IS_HEADER[format])
    assert found is not None
    delimiter, above = found
    lines = text.split("\n")
    first, rest = lines[above].split(delimiter, 1)
    lines[above] = f'"{first}"{delimiter}{rest}'
    return "\n".join(lines)


def stated(format: str, text: str, order: DateOrder | None) -> Any:
    """Everything an export says, readings with their rows and held rows with line and cause; or why it is refused."""
    try:
        export = READERS[format](text.encode(), order)
    except Unreadable as error:
        return str(error)
    return (
        [
            (
                s.device,
                s.unit,
                s.rows.tolist(),
                s.times.tolist(),
                s.marks.tolist(),
                np.nan_to_num(s.values, nan=-1).tolist(),
            )
            for s in export.series()
        ],
        [export.place(row) for s in export.series() for row in s.rows.tolist()],
        export.ignored,
        [(export.place(held.row), held.why, held.suggestion, export.raw(held.row)) for held in export.held],
        export.date_order,
    )


def alike(format: str, text: str, order: DateOrder | None) -> Any:
    assert read_table(text.encode(), IS_HEADER[format]).cells is not None
    quoted = by_row(format, text)
    assert read_table(quoted.encode(), IS_HEADER[format]).cells is None
    together = stated(format, text, order)
    assert together == stated(format, quoted, order)
    return together
