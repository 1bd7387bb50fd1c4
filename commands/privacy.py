"""Commands about what is known of a person: consent, their own copy, research, retention, forgetting who they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from commands.frame import REFUSED, Json, cli_actor, clock, day, say, settled
from commands.people import patient_app
from commands.private_file import written_privately
from data.errors import BadInput

research_app = typer.Typer(no_args_is_help=True, help="Pseudonymised records of who agreed to research.")
GROUPS = {"research": research_app}


@patient_app.command("erase")
def patient_erase(
    mrn: str,
    reason: Annotated[str, typer.Option(help="why; it is kept and must not name the patient")],
    as_json: Json = False,
) -> None:
    """Erase who a patient is, for ever: numbers, name, birth date, raw items, written words. The record stays."""
    from data.erasing.erase import compact, erase_identity

    _, database = settled()
    with database.write() as session:
        erased = erase_identity(session, cli_actor(), mrn, reason=reason, now=clock())
    compacted = compact(database)
    lines = [
        f"erased; the record stands under {erased.number}: {erased.records} records, {erased.raw} raw items emptied"
    ]
    lines += [f"held item {item} holds the name alone: look at it and discard it" for item in erased.doubtful]
    lines += [f"audit row {seq} names the patient and stays as it is" for seq in erased.audit_rows]
    if not compacted:
        lines.append("the database file was in use: stop Nadir and run the command `nadir db compact`")
    say(erased, as_json, *lines)
    if erased.doubtful or erased.audit_rows or not compacted:
        raise typer.Exit(REFUSED)


@patient_app.command("consent")
def patient_consent(
    mrn: str,
    purpose: Annotated[str | None, typer.Option(help="research or sharing")] = None,
    given: Annotated[bool, typer.Option("--given/--withdrawn")] = True,
    on: Annotated[str | None, typer.Option(help="YYYY-MM-DD, today when not given")] = None,
    said: Annotated[str, typer.Option(help="how: which form, in which talk")] = "",
    as_json: Json = False,
) -> None:
    """What a patient agreed to, or record it: --purpose with --given or --withdrawn."""
    from data.consent import consents, record_consent

    _, database = settled()
    now = clock()
    if purpose is not None:
        with database.write() as session:
            record_consent(
                session, cli_actor(), mrn, purpose, given=given, on=day(on) or now.date(), said=said, now=now
            )
    with database.read() as session:
        found = consents(session, cli_actor(), mrn)
    words = {True: "given", False: "withdrawn"}
    say(found, as_json, *(f"{one['on']}  {one['purpose']:<9} {words[one['given']]:<10} {one['said']}" for one in found))


@patient_app.command("report")
def patient_report(
    mrn: str, out: Annotated[Path, typer.Option("-o", "--out", help="file to write; an existing one is replaced")]
) -> None:
    """The patient's own copy: everything kept about them and who saw it, one HTML file with the same as JSON in it."""
    from data.exports.patient_copy import patient_copy

    settings, database = settled()
    with written_privately(out) as file, database.write() as session:
        file.write(patient_copy(session, cli_actor(), mrn, zone=settings.zone, now=clock()).encode())


@research_app.command("key")
def research_key(file: Path) -> None:
    """Make the key of pseudonyms in a new file; keep it apart from the database and from what is exported."""
    if file.exists():
        raise BadInput(f"{file} exists; a new key would make new pseudonyms")
    with written_privately(file) as made:
        made.write(secrets.token_urlsafe(48).encode())
    typer.echo(f"{file}: keep it where neither the database nor the exports are")


@research_app.command("export")
def research_export(
    key: Annotated[Path, typer.Option(help="the file of `nadir research key`")],
    out: Annotated[Path, typer.Option("-o", "--out", help="file to write; an existing one is replaced")],
) -> None:
    """Pseudonymised records of the patients who agreed to research, as CSV."""
    from data.exports.research import research_sheet
    from data.settings import secret_in

    _, database = settled()
    with written_privately(out) as file, database.write() as session:
        text, patients = research_sheet(session, cli_actor(), secret_in(key, "--key"), now=clock())
        file.write(text.encode())
    typer.echo(f"{out}: {patients} patients who agreed to research", err=True)


def retention(
    apply: Annotated[bool, typer.Option("--apply", help="do it; without, nothing is changed")] = False,
    as_json: Json = False,
) -> None:
    """What is past its time, by table; --apply lets go of it, as the job `retention` does every night."""
    from data.retention import Kept, apply_retention, due

    settings, database = settled()
    kept, now = Kept.of(settings), clock()
    if apply:
        counts = apply_retention(database, cli_actor(), kept, now=now)
    else:
        with database.read() as session:
            counts = due(session, kept, now)
    verb = "let go" if apply else "due, nothing changed"
    say({"applied": apply, "tables": counts}, as_json, *(f"{table:<14} {n:>7} {verb}" for table, n in counts.items()))


COMMANDS: dict[str, Callable[..., None]] = {"retention": retention}
