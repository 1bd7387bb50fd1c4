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
from data.intake.learned import NOTHING, Learned
from data.intake.moments import DateOrder, Moment, read_moment, refuse_future
from data.intake.parcel import Ignored, Parcel, PatientParcel, Unreadable
from data.intake.sheet_coded import lesion_row, skin_row, therapy_row
from data.intake.sheet_format import LARGEST_SHEET, SHEET_FORMATS, Layout, SheetError, decoded, layout, missing
from data.intake.sheet_results import result_row
from data.intake.source import SourceFile

LONGEST_CELL = 20_000
MOST_COLUMNS = 1_000
MOST_ROWS = 500_000
# What stands where a character or the kind of a cell could not be kept.
LOST = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its cells by column name, the patient they are about, the moment they name, their place.

    `decimal_comma`: whether the sheet is written with `;`, as programs do whose decimal sign is the comma.
    """

    cells: Mapping[str, str]
    patient_id: int
    moment: Moment
    where: str
    decimal_comma: bool
    learned: Learned = NOTHING


_ROWS: Mapping[str, Callable[[Row], Item | Ignored]] = {
    "csv": result_row,
    "csv-therapy": therapy_row,
    "csv-lesions": lesion_row,
    "csv-skin": skin_row,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetImport:
    """The rows of the sheets of one import. `patient` gives the id of a number, or raises Held; `zero_padded` says
    whether a patient has a number that differs from it by leading zeros only."""

    format: str
    now: datetime
    patient: Callable[[str], int]
    zero_padded: Callable[[str], bool]
    zone: ZoneInfo | None = None
    date_order: DateOrder | None = None
    learned: Learned = NOTHING

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """Sheets bring no patients along."""
        del file
        return iter(())

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Every row of a sheet. Raises Unreadable for a file that is no such sheet."""
        try:
            if file.path.stat().st_size > LARGEST_SHEET:
                raise SheetError(f"is larger than {LARGEST_SHEET // 1024 // 1024} MB; send it in parts")
            raw = file.path.read_bytes()
            if raw.startswith(b"\x1f\x8b"):
                raise SheetError("is compressed with gzip; unpack it first")
            text = decoded(raw)
            if text.count("\n") > MOST_ROWS:
                raise SheetError(f"has more than {MOST_ROWS} rows; send it in parts")
            form = layout(text)
            absent = missing(self.format, form.header)
            if absent:
                raise SheetError(f"has no column {', '.join(absent)}")
            if len(form.header) > MOST_COLUMNS:
                raise SheetError(f"has {len(form.header)} columns; a sheet has at most {MOST_COLUMNS}")
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
                why = f"{_said(error)}; from this line on nothing was read"
                advice = "mend the line and send the file again"
                yield Parcel(where, b"", Refused(where=where, why=why, suggestion=advice, raw=""))
                return
            if row is None:
                return
            if any(cell.strip() for cell in row):
                yield self.parcel(where, form, row)

    def parcel(self, where: str, form: Layout, row: list[str], held: Held | None = None) -> Parcel:
        """One row as it is handed on; `held` says why it cannot be taken where that is known before it is read."""
        raw = _written(form, [cell[: LONGEST_CELL + 1] for cell in row])
        outcome: tuple[Item, ...] | Ignored | Refused
        try:
            if held is not None:
                raise held
            mapped = self._mapped(where, form, row)
            outcome = mapped if isinstance(mapped, Ignored) else (storable(mapped),)
        except Held as error:
            kept = raw.replace("\x00", LOST)
            outcome = Refused(where=where, why=str(error), suggestion=error.suggestion, raw=kept)
        return Parcel(where, raw.encode(), outcome)

    def _mapped(self, where: str, form: Layout, row: list[str]) -> Item | Ignored:
        header = form.header
        if len(row) != len(header):
            raise Held(f"the line has {len(row)} cells, the header {len(header)}", "check delimiters and quotes")
        if any("\x00" in cell or len(cell) > LONGEST_CELL for cell in row):
            raise Held(f"a cell holds a NUL character or more than {LONGEST_CELL} characters", "clean the cell")
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        known = SHEET_FORMATS[self.format].required | SHEET_FORMATS[self.format].optional
        lost = [name for name, cell in cells.items() if name in known and name != "note" and LOST in cell]
        if lost:
            raise Held(f"something of {lost[0]} was lost before it came here (U+FFFD)", "send the row again")
        beside = {name: cell for name, cell in cells.items() if name not in known and name and cell}
        moment = read_moment(
            cells["scan_date" if self.format == "csv-lesions" else "when"], zone=self.zone, date_order=self.date_order
        )
        refuse_future(moment, self.now)
        mapped = _ROWS[self.format](
            Row(
                cells=cells,
                patient_id=self.patient(cells["mrn"]),
                moment=moment,
                where=where,
                decimal_comma=form.delimiter == ";",
                learned=self.learned,
            )
        )
        if isinstance(mapped, Ignored) or not beside:
            return mapped
        return mapped.beside(beside)


def given_to(raw: str, mrn: str) -> str:
    """A held row, under its header, with `mrn` in the place of the number it names; what is no whole row as it is."""
    if not raw:
        return raw
    form = layout(raw)
    _, row = csv.reader(io.StringIO(raw, newline=""), delimiter=form.delimiter)
    if len(row) != len(form.header):
        return raw
    at = form.header.index("mrn")
    return _written(form, [*row[:at], mrn, *row[at + 1 :]])


def _said(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a cell holds more than {csv.field_size_limit()} characters, or a quote is not closed"
    return f"the line cannot be read: {error}; a quote is not closed or stands where none can"


def _written(form: Layout, row: list[str]) -> str:
    """Header and row as a sheet of one line, so that a held row can be read again and its commas mean the same."""
    target = io.StringIO()
    csv.writer(target, delimiter=form.delimiter, lineterminator="\n").writerows((form.header, row))
    return target.getvalue()
