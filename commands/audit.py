"""Commands about the audit trail: does its chain hold, what is in it, who saw one record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from commands.frame import REFUSED, Json, cli_actor, clock, day, say, settled
from commands.private_file import written_privately
from data.audit_search import Looker

audit_app = typer.Typer(no_args_is_help=True, help="The audit trail.")
GROUPS = {"audit": audit_app}


@audit_app.command("verify")
def audit_verify(anchor: Annotated[Path | None, typer.Option()] = None, as_json: Json = False) -> None:
    """Recompute the audit chain, against an anchor file if given; names the first row that does not hold."""
    from data.anchors import read_anchors, verify_against

    _, database = settled()
    anchors = read_anchors(anchor) if anchor is not None else []
    with database.read() as session:
        report = verify_against(session, anchors)
    say(report, as_json, f"{report.rows} rows, " + ("the chain holds" if report.ok else report.why or "broken"))
    if not report.ok:
        raise typer.Exit(REFUSED)


@audit_app.command("export")
def audit_export(
    out: Annotated[Path, typer.Option("-o", "--out", help="file to write; an existing one is replaced")],
    patient: Annotated[str | None, typer.Option(help="MRN")] = None,
    person: Annotated[str | None, typer.Option(help="part of an address")] = None,
    action: Annotated[str | None, typer.Option(help="an action, or the first part of several: patient.")] = None,
    since: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    until: Annotated[str | None, typer.Option(help="YYYY-MM-DD, included")] = None,
) -> None:
    """Take the rows of the audit trail out as CSV, all or those asked for; the export is a row of the trail itself."""
    from data.audit_search import Asked
    from data.exports.audit_sheet import audit_sheet

    settings, database = settled()
    asked = Asked(person=person, patient=patient, action=action, since=day(since), until=day(until))
    with written_privately(out) as file:
        for part in audit_sheet(database, cli_actor(), asked, zone=settings.zone, now=clock()):
            file.write(part.encode())


@audit_app.command("who-saw")
def audit_who_saw(patient: Annotated[str, typer.Argument(help="MRN")], as_json: Json = False) -> None:
    """Everybody in the trail of one patient's record, who looked last first."""
    from data.audit_search import who_saw

    settings, database = settled()
    with database.write() as session:
        who = who_saw(session, cli_actor(), patient, now=clock())
    say(who, as_json, *(_looker(one, settings.zone) for one in who))


def _looker(one: Looker, zone: ZoneInfo) -> str:
    counts = f"looked {one.looked}, took out {one.taken}, other acts {one.acted}, refused {one.denied}"
    last = datetime.isoformat(one.last.astimezone(zone), timespec="seconds")
    return f"{one.actor:<30} {one.role:<11} {counts}, last {last}" + (", emergency" if one.emergency else "")


COMMANDS: dict[str, Callable[..., None]] = {}
