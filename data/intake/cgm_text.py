"""The tables of sensor exports: their encoding, their delimiter and where their header stands.

Makers put lines of their own above the header. Nothing but names of people and devices is outside ASCII in these files,
so a file that is not UTF-8 is read as cp1252, which programs for Windows write.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.intake.cgm_cells import Cells, Rows, cells_of
from data.intake.parcel import Unreadable

LARGEST_EXPORT = 64 * 1024 * 1024
DELIMITERS = (",", ";", "\t")
LINES_ABOVE = 6
LONGEST_DEVICE = 60
# A header stands within so much of a file.
_START = 65_536
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows under a header, each with the number of its last line; `above` are the rows before the header. `cells`:
    the same rows as columns of bytes, some at a time, where no cell is quoted."""

    delimiter: str
    above: Sequence[Sequence[str]]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int] | NDArray[np.int64]
    cells: Sequence[Cells] | None = None

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma in a number can only be its decimal sign."""
        return self.delimiter == ";"

    def place(self, row: int) -> str:
        """Where a row stands."""
        return f"line[{self.lines[row]}]"

    def raw(self, row: int) -> str:
        """Header and row, so that the row can be read again on its own."""
        target = io.StringIO()
        csv.writer(target, delimiter=self.delimiter, lineterminator="\n").writerows((self.header, self.rows[row]))
        return target.getvalue().replace("\x00", "\ufffd")


def content(path: Path) -> bytes:
    """The bytes of an export, unzipped. Raises Unreadable."""
    try:
        if path.stat().st_size > LARGEST_EXPORT:
            raise Unreadable(_too_large())
        raw = path.read_bytes()
        if raw.startswith(_GZIP):
            with gzip.open(path, "rb") as unzipped:
                raw = unzipped.read(LARGEST_EXPORT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"cannot be read: {error}") from error
    if len(raw) > LARGEST_EXPORT:
        raise Unreadable(_too_large())
    return raw


def decoded(raw: bytes) -> str:
    """UTF-8, UTF-16 where a mark says so, else cp1252. Raises Unreadable."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("is not text in UTF-8, UTF-16 or cp1252")


def find_header(text: str, is_header: Callable[[Sequence[str]], bool]) -> tuple[str, int] | None:
    """The delimiter of a table and how many rows stand above its header; None where there is no such header."""
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text[:_START], newline=""), delimiter=delimiter)
        try:
            for above, row in enumerate(islice(reader, LINES_ABOVE)):
                if is_header([cell.strip() for cell in row]):
                    return delimiter, above
        except csv.Error:
            continue
    return None


def read_table(raw: bytes, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """The table of an export. Raises Unreadable where there is no such header or a line cannot be read."""
    plain = raw if raw.isascii() else decoded(raw).encode()
    found = find_header(plain[:_START].decode(errors="ignore"), is_header)
    if found is None:
        raise Unreadable("has no header row of this maker")
    delimiter, count = found
    columns = cells_of(plain, delimiter, count)
    if columns is not None:
        head, cells = columns
        header = [cell.strip() for cell in head[-1]]
        lines = np.concatenate([part.lines for part in cells])
        return Table(delimiter=delimiter, above=head[:-1], header=header, rows=Rows(cells), lines=lines, cells=cells)
    reader = csv.reader(io.StringIO(plain.decode(), newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        above = list(islice(reader, count))
        header = [cell.strip() for cell in next(reader)]
        for row in reader:
            if any(row):
                rows.append(row)
                numbers.append(reader.line_num)
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num} cannot be read: {error}; is a quote not closed?") from error
    return Table(delimiter=delimiter, above=above, header=header, rows=rows, lines=numbers)


@lru_cache(maxsize=1_024)
def device_name(*parts: str, longest: int = LONGEST_DEVICE) -> str:
    """What tells one device of a patient from another, no longer than its column or `longest`."""
    name = "".join(c for c in " ".join(part.strip() for part in parts if part.strip()) if c.isprintable())
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}~{sha256(name.encode()).hexdigest()[:8]}"


def _too_large() -> str:
    return f"is larger than {LARGEST_EXPORT // 1024 // 1024} MB; send it in parts"
