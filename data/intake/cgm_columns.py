"""Times and values of whole columns: what is written as sensors mostly write it is read together, all else is left.

What is read here is what `cgm_clock` and `cgm_values` would read from the same cells; each distinct date and value is
still read by them, once. A cell in any other form is no error: its row is left to be read on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.intake.cgm_cells import LOW_BYTES, Cells, Places
from data.intake.cgm_clock import day_number
from data.intake.cgm_values import glucose
from data.intake.item import Held
from data.intake.moments import DateOrder
from data.readings import SECONDS_A_DAY, Unit

# Rows of devices beyond these are read one by one.
MOST_DEVICES = 16
_DATE, _MINUTES, _SECONDS = 10, 16, 19
# The characters of a date, `-./0123456789`, follow one another.
_FIRST_OF_DATE, _OF_DATE = ord("-"), 13
_TEN = np.uint8(10)


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """A column of times. `rows`: those written `DDDDDDDDDD HH:MM`, with `:SS` or ` AM` behind it or nothing, and their
    second of the day; `runs`: where in `rows` another date begins; `dates`: the text of each run's date."""

    cells: Cells
    column: int
    rows: NDArray[np.int64]
    seconds: NDArray[np.int64]
    runs: NDArray[np.int64]
    dates: list[str]

    def said(self) -> Iterator[str]:
        """Every date of the column at least once, as its stamp begins."""
        yield from self.dates
        regular = np.zeros(len(self.cells), dtype=np.bool_)
        regular[self.rows] = True
        begins, lengths = self.cells.column(self.column)
        for row in np.flatnonzero(~regular & (self.cells.width > self.column)).tolist():
            yield self.cells.said(int(begins[row]), int(lengths[row]))

    def wall_seconds(self, order: DateOrder | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The clock reading of each row, and which rows have one."""
        days = np.zeros(len(self.dates), dtype=np.int64)
        possible = np.ones(len(self.dates), dtype=np.bool_)
        for at, text in enumerate(self.dates):
            try:
                days[at] = day_number(text, order)
            except Held:
                possible[at] = False
        lengths = np.diff(self.runs, append=len(self.rows))
        wall, read = np.zeros(len(self.cells), dtype=np.int64), np.zeros(len(self.cells), dtype=np.bool_)
        wall[self.rows] = np.repeat(days, lengths) * SECONDS_A_DAY + self.seconds
        read[self.rows] = np.repeat(possible, lengths)
        return wall, read


def stamps(cells: Cells, column: int) -> Stamps:
    """The times of a column."""
    begins, lengths = cells.column(column)
    rows = np.flatnonzero((lengths == _MINUTES) | (lengths == _SECONDS))
    text = cells.letters(begins[rows], _SECONDS)
    digit = text - ord("0")
    is_digit = digit < 10
    dated = (text[:_DATE] - _FIRST_OF_DATE < _OF_DATE).all(axis=0)
    good = dated & ((text[_DATE] == ord(" ")) | (text[_DATE] == ord("T"))) & (text[13] == ord(":"))
    good &= is_digit[11] & is_digit[12] & is_digit[14] & is_digit[15]
    hour, minute, second = (digit[at] * _TEN + digit[at + 1] for at in (11, 14, 17))
    bare = lengths[rows] == _MINUTES
    sixty = ~bare & (text[16] == ord(":")) & is_digit[17] & is_digit[18]
    second = np.where(sixty, second, 0)
    after_noon = text[17] == ord("P")
    half = ~bare & (text[16] == ord(" ")) & (after_noon | (text[17] == ord("A"))) & (text[18] == ord("M"))
    good &= (bare | sixty | (half & (hour >= 1) & (hour <= 12))) & (hour < 24) & (minute < 60) & (second < 60)
    hour = np.where(half, hour % 12 + np.where(after_noon, 12, 0), hour)
    seconds = (hour.astype(np.int64) * 60 + minute) * 60 + second
    if not good.all():
        rows, text, seconds = rows[good], text[:, good], seconds[good]
    differs = (text[:_DATE, 1:] != text[:_DATE, :-1]).any(axis=0)
    runs = np.flatnonzero(np.concatenate([[True], differs]))[: len(rows)]
    dates = [text[:_DATE, at].tobytes().decode() for at in runs.tolist()]
    return Stamps(cells, column, rows, seconds, runs, dates)


def said(parts: Iterable[Stamps]) -> Iterator[str]:
    """Every date of a column of a whole table at least once, as its stamp begins."""
    for part in parts:
        yield from part.said()


def values(
    cells: Cells, begins: Places, lengths: Places, unit: Unit
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Value and mark of each glucose cell, and which cells are one; longer texts than any sensor's are left."""
    short = (lengths > 0) & (lengths < len(LOW_BYTES))
    keys = cells.words(begins) & LOW_BYTES[np.where(short, lengths, 0)]
    known, of = np.unique(keys, return_inverse=True)
    value, mark = np.zeros(len(known)), np.zeros(len(known), dtype=np.int64)
    good = np.ones(len(known), dtype=np.bool_)
    for at, key in enumerate(known):
        try:
            value[at], mark[at] = glucose(
                int(key).to_bytes(8, "little").rstrip(b"\0").decode(), unit, cells.delimiter == ";"
            )
        except Held:
            good[at] = False
    return value[of], mark[of], short & good[of]


def equal(cells: Cells, column: int, text: str) -> NDArray[np.bool_]:
    """Which rows hold `text`, which is ASCII and not empty, in a column."""
    begins, lengths = cells.column(column)
    found: NDArray[np.bool_] = (lengths == len(text)) & cells.holds(begins, text.encode())
    return found
