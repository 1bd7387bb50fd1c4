"""The sheets Nadir reads: which columns each has, how they are written, and telling them apart by their header."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DELIMITERS = (",", ";", "\t")
XLSX = "xlsx"
LARGEST_SHEET = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SheetFormat:
    """A sheet: columns it must have, and columns it may have. Any other column is kept beside the row."""

    required: frozenset[str]
    optional: frozenset[str]


def _columns(required: str, optional: str) -> SheetFormat:
    return SheetFormat(frozenset(required.split()), frozenset(optional.split()))


# In the order in which a header is tried.
SHEET_FORMATS: Mapping[str, SheetFormat] = {
    "csv": _columns("mrn when analyte value unit", "comparator ref_low ref_high lab method fasting note id status"),
    "csv-therapy": _columns(
        "mrn when kind drug", "dose unit route interval_days note completeness intent planned_next"
    ),
    "csv-lesions": _columns(
        "mrn scan_date lesion role", "modality site organ node diameter_mm state into reader signed"
    ),
    "csv-skin": _columns(
        "mrn when overall",
        "iga bsa erythema erosion crust mucosal itch pain sites infection new_drug rater note",
    ),
}


class SheetError(ValueError):
    """A sheet that cannot be read as a whole; the message says why."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a sheet is written: its delimiter, its columns in order, and how many lines stand before the first row."""

    delimiter: str
    header: tuple[str, ...]
    lines_before: int


def decoded(raw: bytes) -> str:
    """The text of a sheet: UTF-8 with or without a mark, UTF-16 with one. Raises SheetError; no encoding is guessed."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16") if wide else raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        name = "UTF-16" if wide else "UTF-8"
        raise SheetError(f"is not {name}: {error.reason} at byte {error.start}; save it as UTF-8") from error


def layout(text: str) -> Layout:
    """The delimiter and header of a sheet. Raises SheetError when it is empty or a column stands twice."""
    lines = text.split("\n", 2)
    first, before = lines[0].rstrip("\r"), 1
    told = first.casefold().removeprefix("sep=") if first.casefold().startswith("sep=") else None
    if told is not None:
        first, before = (lines[1].rstrip("\r") if len(lines) > 1 else ""), 2
    if not first.strip():
        raise SheetError("is empty")
    tried = (told,) if told in DELIMITERS else DELIMITERS
    headers = {delimiter: _header(first, delimiter) for delimiter in tried if delimiter is not None}
    delimiter = max(headers, key=lambda d: len(headers[d]))
    header = headers[delimiter]
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise SheetError(f"has the column {twice[0]!r} twice")
    return Layout(delimiter, header, before)


def sheet_format(probe: bytes) -> str | None:
    """The sheet format whose columns the first line of a file names; None for none of them."""
    try:
        header = layout(_start(probe)).header
    except SheetError:
        return None
    return format_of(header)


def format_of(header: Iterable[str]) -> str | None:
    """The sheet format whose columns a header has; None for none of them."""
    names = frozenset(header)
    return next((name for name, form in SHEET_FORMATS.items() if form.required <= names), None)


def columns(names: Iterable[str]) -> tuple[str, ...]:
    """The cells of a header as names of columns."""
    return tuple(name.strip().casefold() for name in names)


def missing(format: str, header: Sequence[str]) -> list[str]:
    """The columns a sheet of `format` must have and this header lacks."""
    return sorted(SHEET_FORMATS[format].required - set(header))


def _start(probe: bytes) -> str:
    wide = probe.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if wide:
        return probe[: len(probe) // 2 * 2].decode("utf-16", "replace")
    return probe.decode("utf-8-sig", "replace")


def _header(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        row = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    except csv.Error:
        return ()
    return columns(row)
