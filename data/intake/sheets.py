"""Sheets (csv, csv-therapy, csv-lesions, csv-skin) row by row; a row that cannot be read is held with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from data.intake.item import Held, Item, Refused
from data.intake.item_limits import storable
from data.intake.moments import DateOrder, Moment, read_moment, refuse_future
from data.intake.parcel import Ignored, Parcel, PatientParcel, Unreadable
from data.intake.sheet_coded import lesion_row, skin_row, therapy_row
from data.intake.sheet_format import SHEET_FORMATS, Layout, SheetError, decoded, layout, missing
from data.intake.sheet_results import result_row
from data.intake.source import SourceFile

LARGEST_SHEET = 64 * 1024 * 1024
LONGEST_CELL = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its cells by column name, the patient they are about, the moment they name, their place."""

    cells: Mapping[str, str]
    patient_id: int
    moment: Moment
    where: str


_ROWS: Mapping[str, Callable[[Row], Item | Ignored]] = {
    "csv": result_row,
    "csv-therapy": therapy_row,
    "csv-lesions": lesion_row,
    "csv-skin": skin_row,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetImport:
    """The rows of the sheets of one import. `patient` gives the id of a number, or raises Held."""

    format: str
    now: datetime
    patient: Callable[[str], int]
    zone: ZoneInfo | None = None
    date_order: DateOrder | None = None

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """Sheets bring no patients along."""
        del file
        return iter(())

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Every row of a sheet. Raises Unreadable for a file that is no such sheet."""
        try:
            if file.path.stat().st_size > LARGEST_SHEET:
                raise SheetError(f"is larger than {LARGEST_SHEET // 1024 // 1024} MB; send it in parts")
            text = decoded(file.path.read_bytes())
            form = layout(text)
            absent = missing(self.format, form.header)
            if absent:
                raise SheetError(f"has no column {', '.join(absent)}")
        except (OSError, SheetError) as error:
            raise Unreadable(str(error)) from error
        yield from self._rows(file, text, form)

    def _rows(self, file: SourceFile, text: str, form: Layout) -> Iterator[Parcel]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
        for _ in range(form.lines_before):
            next(reader, None)
        while True:
            where = f"{file.name}#line[{reader.line_num + 1}]"
            try:
                row = next(reader, None)
            except csv.Error as error:
                why = f"the line cannot be read: {error}; a quote that is not closed swallows what follows"
                yield Parcel(where, b"", Refused(where=where, why=why, suggestion="close the quote", raw=""))
                return
            if row is None:
                return
            if any(cell.strip() for cell in row):
                yield self._parcel(where, form.header, row)

    def _parcel(self, where: str, header: tuple[str, ...], row: list[str]) -> Parcel:
        raw = _written(header, row)
        outcome: tuple[Item, ...] | Ignored | Refused
        try:
            mapped = self._mapped(where, header, row)
            outcome = mapped if isinstance(mapped, Ignored) else (storable(mapped),)
        except Held as held:
            outcome = Refused(where=where, why=str(held), suggestion=held.suggestion, raw=raw.replace("\x00", "\ufffd"))
        return Parcel(where, raw.encode(), outcome)

    def _mapped(self, where: str, header: tuple[str, ...], row: list[str]) -> Item | Ignored:
        if len(row) != len(header):
            raise Held(f"the line has {len(row)} cells, the header {len(header)}", "check delimiters and quotes")
        if any("\x00" in cell or len(cell) > LONGEST_CELL for cell in row):
            raise Held(f"a cell holds a NUL character or more than {LONGEST_CELL} characters", "clean the cell")
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        known = SHEET_FORMATS[self.format].required | SHEET_FORMATS[self.format].optional
        beside = {name: cell for name, cell in cells.items() if name not in known and name and cell}
        moment = read_moment(
            cells["scan_date" if self.format == "csv-lesions" else "when"], zone=self.zone, date_order=self.date_order
        )
        refuse_future(moment, self.now)
        mapped = _ROWS[self.format](Row(cells=cells, patient_id=self.patient(cells["mrn"]), moment=moment, where=where))
        if isinstance(mapped, Ignored) or not beside:
            return mapped
        return mapped.beside(beside)


def _written(header: tuple[str, ...], row: list[str]) -> str:
    """Header and row as a sheet of one line, so that a held row can be read again on its own."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows((header, row))
    return target.getvalue()
