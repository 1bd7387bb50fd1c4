"""Workbooks: parsed in a child process within limits, and only then read row by row like any other sheet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from data.intake.child import lines
from data.intake.item import Held
from data.intake.limited import FileRefused
from data.intake.parcel import Ignored, Parcel, PatientParcel, Unreadable
from data.intake.sheet_format import SHEET_FORMATS, Layout, SheetError, columns, format_of
from data.intake.sheets import LOST, SheetImport
from data.intake.source import SourceFile
from data.intake.xlsx_cells import refusal
from data.intake.xlsx_process import parse


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet of a workbook: its name, and how its rows are read; no reader for a sheet of other columns."""

    title: str
    header: tuple[str, ...]
    first: int
    reader: SheetImport | None
    ignored: str


@dataclass(frozen=True, slots=True)
class XlsxImport:
    """The rows of the workbooks of one import; every sheet is read as the kind its header names."""

    sheets: SheetImport

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """Workbooks bring no patients along."""
        del file
        return iter(())

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Every row of a workbook. Raises Unreadable, before the first row, for one that is not read as a whole."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
            try:
                parse(file.path, spool)
                sheets = self._sheets(spool)
            except (OSError, SheetError, FileRefused) as error:
                raise Unreadable(" ".join(str(error).split())) from error
            yield from self._rows(file, spool, sheets)

    def _sheets(self, spool: IO[str]) -> list[_Sheet]:
        found: list[_Sheet] = []
        told: dict[str, Any] | None = None
        for said in lines(spool):
            if isinstance(said, dict):
                told = said
            elif told is not None:
                found.append(self._sheet(told, said[0], [text for _, text in said[1]]))
                told = None
        if not any(sheet.reader for sheet in found):
            raise SheetError(f"has no sheet with the columns of {', '.join(SHEET_FORMATS)}")
        return found

    def _sheet(self, told: dict[str, Any], first: int, names: list[str]) -> _Sheet:
        title, header = told["sheet"], columns(names)
        kind = None if told["hidden"] else format_of(header)
        twice = [name for name in header if name and header.count(name) > 1]
        if kind is not None and twice:
            raise SheetError(f"has the column {twice[0]!r} twice in sheet {title!r}")
        reader = None if kind is None else replace(self.sheets, format=kind)
        return _Sheet(title, header, first, reader, "sheet hidden" if told["hidden"] else "sheet of other columns")

    def _rows(self, file: SourceFile, spool: IO[str], sheets: list[_Sheet]) -> Iterator[Parcel]:
        left = iter(sheets)
        sheet: _Sheet | None = None
        for said in lines(spool):
            if isinstance(said, dict):
                sheet = None
                continue
            if sheet is None:
                sheet = next(left)
                if sheet.reader is None:
                    yield Parcel(f"{file.name}#{sheet.title}", b"", Ignored(sheet.ignored))
                continue
            if sheet.reader is not None:
                yield _parcel(sheet, sheet.reader, f"{file.name}#{sheet.title}!row[{said[0]}]", said[1])


def _parcel(sheet: _Sheet, reader: SheetImport, where: str, cells: list[tuple[str, str]]) -> Parcel:
    width = max(len(sheet.header), len(cells))
    cells = cells + [("", "")] * (width - len(cells))
    header = sheet.header + ("",) * (width - len(sheet.header))
    form = SHEET_FORMATS[reader.format]
    read = form.required | form.optional
    row: list[str] = []
    first: Held | None = None
    for name, (kind, text) in zip(header, cells, strict=True):
        held = refusal(name, kind, text) if name in read else None
        if held is None and name == "mrn" and kind == "n" and reader.zero_padded(text):
            held = Held(
                f"mrn is the number {text}, which keeps no leading zeros, and a patient has a number with them",
                "format the column as text and type it again",
            )
        first = first or held
        # A held row is kept as a sheet of text; without the mark it would be taken when it is read again from there.
        row.append(text if held is None else f"{LOST}{text}")
    return reader.parcel(where, Layout(",", sheet.header, 1), row, first)
