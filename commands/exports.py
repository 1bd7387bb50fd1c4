"""The command that hands out one patient: for another system, for a spreadsheet, for the tumour board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.frame import UNABLE, cli_actor, clock, in_force, settled
from commands.private_file import written_privately
from data.db import Database
from data.errors import BadInput
from data.exports.patient_record import ExportFormat
from data.people import Actor
from data.settings import Settings

GROUPS: dict[str, typer.Typer] = {}


def export(
    patient: Annotated[str, typer.Option(help="MRN")],
    format: Annotated[ExportFormat, typer.Option("--format")],
    out: Annotated[Path, typer.Option("-o", "--out", help="file to write; an existing one is replaced")],
) -> None:
    """Hand out one patient: a FHIR R4 Bundle, the record as CSV, or the tumour-board summary as PDF."""
    from dashboard.board.pdf import PdfUnavailable
    from data.exports.patient_record import note_export

    settings, database = settled()
    actor, now = cli_actor(), clock()
    if not out.parent.is_dir():
        raise BadInput(f"{out.parent} is no folder")
    try:
        content, records = _content(settings, database, actor, patient, format, now)
    except PdfUnavailable as missing:
        typer.echo(f"nadir: {missing}", err=True)
        raise typer.Exit(UNABLE) from missing
    with database.write() as session:
        note_export(session, actor, patient, format, records=records, now=now)
    with written_privately(out) as file:
        file.write(content)
    typer.echo(f"{out}: {format} of {patient}, {records} records, {len(content)} bytes", err=True)


def _content(
    settings: Settings, database: Database, actor: Actor, mrn: str, format: ExportFormat, now: Any
) -> tuple[bytes, int]:
    if format == "pdf":
        from dashboard.board.case import read_case
        from dashboard.board.pdf import tumour_board_pdf
        from dashboard.parts.units import Units

        protocol = in_force(settings, database)
        with database.read() as session:
            case = read_case(session, actor, mrn, protocol=protocol, now=now)
        by = "a command on this machine"
        made = tumour_board_pdf(case, protocol, Units(), zone=settings.zone, now=now, by=by)
        return made, len(case.trends.chart.results)
    from data.exports.csv import record_csv
    from data.exports.fhir_r4 import record_bundle
    from data.exports.patient_record import patient_record

    with database.read() as session:
        record = patient_record(session, actor, mrn)
    content = record_bundle(record, now=now) if format == "fhir" else record_csv(record).encode()
    return content, len(record.records)


COMMANDS = {"export": export}
