"""Commands that take records in and show what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.frame import REFUSED, Json, cli_actor, clock, say, settled

record_app = typer.Typer(no_args_is_help=True, help="Stored records.")
quarantine_app = typer.Typer(no_args_is_help=True, help="What could not be read, and its working-off.")
GROUPS = {"record": record_app, "quarantine": quarantine_app}


def import_(
    paths: list[Path],
    format: Annotated[str | None, typer.Option("--format")] = None,
    team: Annotated[str | None, typer.Option(help="care team of patients the file brings")] = None,
    patient: Annotated[str | None, typer.Option(help="MRN, for files that name no patient")] = None,
    date_order: Annotated[str | None, typer.Option(help="dmy or mdy")] = None,
    zone: Annotated[str | None, typer.Option(help="time zone of times without one")] = None,
    batch_id: Annotated[str | None, typer.Option()] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
    as_json: Json = False,
) -> None:
    """Take in files; what cannot be read goes to quarantine with where and why."""
    from data.intake.batch import import_paths

    _, database = settled()
    summary = import_paths(
        database,
        cli_actor(),
        paths,
        format=format,
        team=team,
        mrn=patient,
        date_order=date_order,
        zone=zone,
        batch_id=batch_id,
        dry_run=dry_run,
        now=clock(),
    )
    document = summary.as_json()
    held = document["quarantined"]
    say(
        document,
        as_json,
        f"batch {document['batch']} ({document['format']}): {document['read']} read, {document['stored']} stored, "
        f"{document['unchanged']} unchanged, {document['superseded']} superseded, {document['ignored']} ignored, "
        f"{len(held)} quarantined",
        *(f"  {item['where']}: {item['why']}" for item in held),
    )
    if held:
        raise typer.Exit(REFUSED)


@record_app.command("list")
def record_list(
    patient: Annotated[str, typer.Option()],
    analyte: Annotated[str | None, typer.Option()] = None,
    all_: Annotated[bool, typer.Option("--all", help="superseded rows too")] = False,
    as_json: Json = False,
) -> None:
    """What is stored of one patient, as received and canonical, with provenance."""
    from data.records import list_records

    _, database = settled()
    with database.read() as session:
        rows = list_records(session, cli_actor(), patient, analyte=analyte, include_superseded=all_)
    say(
        rows,
        as_json,
        *(
            f"{r['effective']:<26} {r['analyte'] or r['kind']:<20} "
            f"{r['comparator'] or ''}{r['value'] if r['value'] is not None else r['text'] or '-'} {r['unit'] or ''}"
            for r in rows
        ),
    )


@record_app.command("duplicates")
def record_duplicates(patient: Annotated[str, typer.Option()], as_json: Json = False) -> None:
    """Records that may be one: the same but for a part that one of them lacks."""
    from data.duplicates import possible_duplicates

    _, database = settled()
    with database.read() as session:
        pairs = possible_duplicates(session, cli_actor(), patient)
    say(
        pairs,
        as_json,
        *(f"{' and '.join(p['records'])}: {p['analyte'] or p['kind']}, {p['missing']} missing" for p in pairs),
    )


@record_app.command("retract")
def record_retract(record: int, reason: Annotated[str, typer.Option()]) -> None:
    """Retract a record as entered in error; it stays listed with --all."""
    from data.duplicates import retract_record

    _, database = settled()
    with database.write() as session:
        closed_by = retract_record(session, cli_actor(), record, reason=reason, now=clock())
    typer.echo(f"record {record} is retracted by record {closed_by}")


@quarantine_app.command("list")
def quarantine_list(as_json: Json = False) -> None:
    """Everything held."""
    from data.intake.quarantine import list_quarantined

    _, database = settled()
    with database.read() as session:
        held = list_quarantined(session, cli_actor())
    say(held, as_json, *(f"{q['id']:>6}  {q['where']}: {q['why']}" for q in held))


@quarantine_app.command("show")
def quarantine_show(item: int, as_json: Json = False) -> None:
    """One held item with its raw content."""
    from data.intake.quarantine import show_quarantined

    _, database = settled()
    with database.read() as session:
        held = show_quarantined(session, cli_actor(), item)
    say(held, as_json, f"{held['where']}: {held['why']}", held["suggestion"] or "", held["raw"])


@quarantine_app.command("retry")
def quarantine_retry(
    item: int,
    patient: Annotated[str | None, typer.Option(help="MRN, where the item names nobody that is known")] = None,
    as_json: Json = False,
) -> None:
    """Read a held item again, after what was wrong has been mended."""
    from data.intake.quarantine import retry_quarantined

    _, database = settled()
    document = retry_quarantined(database, cli_actor(), item, now=clock(), mrn=patient).as_json()
    say(document, as_json, f"{document['stored']} stored, {len(document['quarantined'])} still held")
    if document["quarantined"]:
        raise typer.Exit(REFUSED)


@quarantine_app.command("discard")
def quarantine_discard(item: int, as_json: Json = False) -> None:
    """Close a held item without storing it."""
    from data.intake.quarantine import discard_quarantined

    _, database = settled()
    with database.write() as session:
        document = discard_quarantined(session, cli_actor(), item, now=clock())
    say(document, as_json, f"item {item} discarded")


COMMANDS = {"import": import_}
