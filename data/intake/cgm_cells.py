"""The rows of a table without quotes as columns of bytes, so that a whole column can be looked at together.

Where no quote, NUL or lone carriage return stands, a line is a row and a delimiter ends a cell, as `csv` reads it too.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

# The widest cell that is looked at together with others; also the room behind the text, so that no view runs over it.
WIDEST = 128
_NEWLINE, _RETURN = 10, 13
# So many bytes and what is made of them lie in the cache of a processor, and their memory is used again.
_AT_ONCE = 1 << 19
_WORD = np.dtype("<u8")
# By a number of bytes: the bits of that many of the first bytes of a word.
LOW_BYTES = np.array([(1 << 8 * length) - 1 for length in range(_WORD.itemsize + 1)], dtype=np.uint64)


# Places in a text.
Places = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cells(Sequence[list[str]]):
    """Some rows of a table one below the other, cut when they are asked for. `start`: how many rows of the table stand
    above them. `text`: their bytes, and at least WIDEST others behind them. `marks`: where delimiters and line ends
    stand, and -1 for the end of a line before the first. By row: where it begins and ends, the place in `marks` of the
    line end before it, how many cells it has and the number of its line in the file."""

    delimiter: str
    start: int
    text: NDArray[np.uint8]
    marks: NDArray[np.int32]
    begins: Places
    ends: Places
    before: NDArray[np.int64]
    width: NDArray[np.int64]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.begins)

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[str]]: ...
    def __getitem__(self, at: int | slice) -> list[str] | list[list[str]]:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        return self.said(int(self.begins[at]), int(self.ends[at] - self.begins[at])).split(self.delimiter)

    def said(self, begin: int, length: int) -> str:
        """The text that stands at a place."""
        return self.text[begin : begin + length].tobytes().decode()

    def column(self, at: int) -> tuple[Places, Places]:
        """Where the cell of each row begins and how long it is; of no length where a row has no such cell."""
        there = self.width > at
        whole = bool(there.all())
        around = np.lib.stride_tricks.sliding_window_view(self.marks, 2)[self.before + (at if whole else at * there)]
        begins = around[:, 0] + 1
        lengths = np.minimum(around[:, 1], self.ends) - begins
        return begins, lengths if whole else lengths * there

    def below(self, count: int) -> Cells:
        """The rows below the first `count` that have something in one of their cells."""
        rows = np.flatnonzero(self.ends - self.begins > self.width - 1)
        rows = rows[rows >= count]
        by_row = ("begins", "ends", "before", "width", "lines")
        return replace(self, **{name: getattr(self, name)[rows] for name in by_row})

    def letters(self, begins: Places, length: int) -> NDArray[np.uint8]:
        """`length` bytes from each place: an array of (length, places), so that all first letters lie together."""
        found = np.lib.stride_tricks.sliding_window_view(self.text, length)[begins]
        return np.ascontiguousarray(found.T)

    def words(self, begins: Places) -> NDArray[np.uint64]:
        """The eight bytes from each place as one number, the first the lowest."""
        every = np.ndarray(len(self.text) - _WORD.itemsize + 1, dtype=_WORD, buffer=self.text, strides=(1,))
        found: NDArray[np.uint64] = every[begins]
        return found

    def holds(self, begins: Places, text: bytes) -> NDArray[np.bool_]:
        """At which places `text` stands."""
        same = np.ones(len(begins), dtype=np.bool_)
        for at in range(0, len(text), _WORD.itemsize):
            part = text[at : at + _WORD.itemsize]
            same &= self.words(begins + at) & LOW_BYTES[len(part)] == int.from_bytes(part, "little")
        return same

    def alike(
        self, begins: Places, lengths: Places, among: NDArray[np.int64], most: int
    ) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """The rows of `among` by the text they hold there, for the first `most` texts; none longer than WIDEST."""
        for _ in range(most):
            if not len(among) or lengths[among[0]] > WIDEST:
                return
            begin, length = int(begins[among[0]]), int(lengths[among[0]])
            text = self.text[begin : begin + length].tobytes()
            same = (lengths[among] == length) & self.holds(begins[among], text)
            yield text.decode(), among[same]
            among = among[~same]


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Sequence[list[str]]):
    """All rows of a table."""

    parts: Sequence[Cells]

    def __len__(self) -> int:
        return self.parts[-1].start + len(self.parts[-1])

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[str]]: ...
    def __getitem__(self, at: int | slice) -> list[str] | list[list[str]]:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        part = self.parts[bisect_right(self.parts, at, key=lambda part: part.start) - 1]
        return part[at - part.start]


def cells_of(text: bytes, delimiter: str, above: int) -> tuple[list[list[str]], list[Cells]] | None:
    """The first `above` rows and the header of a table in UTF-8, and the rows below them that are not empty.

    None where `csv` must read.
    """
    if b'"' in text or b"\0" in text:
        return None
    head: list[list[str]] = []
    parts: list[Cells] = []
    rows = line = end = 0
    while end < len(text) or not parts:
        begin, end = end, text.find(b"\n", end + _AT_ONCE) + 1 or len(text)
        part = _part(text, begin, end, delimiter, rows, line)
        if part is None:
            return None
        if not parts:
            head = [part[at] for at in range(above + 1)]
        line += len(part)
        part = part.below(above + 1 if not parts else 0)
        rows += len(part)
        parts.append(part)
    return head, parts


def _part(text: bytes, begin: int, end: int, delimiter: str, start: int, line: int) -> Cells | None:
    """All lines between two places of a text, also the empty ones."""
    if end + WIDEST <= len(text):
        padded = np.frombuffer(text, np.uint8, end + WIDEST - begin, begin)
        size = end - begin
    else:
        last = text[begin:end] if text.endswith(b"\n") else text[begin:end] + b"\n"
        padded = np.frombuffer(last + bytes(WIDEST), np.uint8)
        size = len(last)
    body = padded[:size]
    found = np.flatnonzero((body == ord(delimiter)) | (body == _NEWLINE))
    marks: NDArray[np.int32] = np.concatenate([[-1], found]).astype(np.int32)
    closing = np.concatenate([[0], np.flatnonzero(padded[marks[1:]] == _NEWLINE) + 1])
    newlines = marks[closing]
    begins, ends = newlines[:-1] + 1, newlines[1:]
    returns = (padded[ends - 1] == _RETURN) & (ends > begins)
    ends = ends - returns
    if (ends - begins).max() > csv.field_size_limit():
        return None
    if np.count_nonzero(body == _RETURN) != np.count_nonzero(returns):
        return None
    return Cells(
        delimiter=delimiter,
        start=start,
        text=padded,
        marks=marks,
        begins=begins,
        ends=ends,
        before=closing[:-1],
        width=np.diff(closing),
        lines=np.arange(line + 1, line + 1 + len(begins)),
    )
