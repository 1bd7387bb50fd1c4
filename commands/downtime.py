"""What is needed for the time Nadir is away: the lists to print."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from commands.frame import UNABLE, Json, cli_actor, clock, in_force, say, settled
from commands.private_file import written_privately
from data.audit import write_audit
from data.db import Database
from data.errors import BadInput
from data.settings import Settings

downtime_app = typer.Typer(no_args_is_help=True, help="For the time Nadir is away.")
GROUPS = {"downtime": downtime_app}
COMMANDS: dict[str, Any] = {}
NIGHTS_KEPT: Final = 7
PATTERN: Final = "nadir-list-????-??-??T????-*.pdf"


@downtime_app.command("lists")
def lists(
    folder: Annotated[Path | None, typer.Option(help="instead of NADIR_DOWNTIME_DIR")] = None,
    as_json: Json = False,
) -> None:
    """For each team a PDF to print: one page a patient with regimen, open flags and last values."""
    from dashboard.board.pdf import PdfUnavailable

    settings, database = settled()
    into = folder or settings.downtime_dir
    if into is None:
        raise BadInput("no folder for the lists: set NADIR_DOWNTIME_DIR or give --folder")
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        made = _make(settings, database, into, clock())
    except PdfUnavailable as missing:
        typer.echo(f"nadir: {missing}", err=True)
        raise typer.Exit(UNABLE) from missing
    removed = _remove_old(into)
    counts = {"lists": len(made), "patients": sum(made.values()), "removed": removed}
    say(counts, as_json, *(f"{name}: {patients} patients" for name, patients in made.items()))


def _make(settings: Settings, database: Database, folder: Path, now: datetime) -> dict[str, int]:
    """Write the list of every team that has patients; by file the number of patients."""
    from dashboard.board.downtime import list_pdf, team_lists
    from dashboard.language import speaking

    protocol, made = in_force(settings, database), {}
    with database.read() as session:
        teams = [one for one in team_lists(session) if one.mrns]
    for number, one in enumerate(teams, start=1):
        with speaking(settings.downtime_language):
            content = list_pdf(database, one, protocol, zone=settings.zone, now=now)
        file = folder / f"nadir-list-{now.astimezone(settings.zone):%Y-%m-%dT%H%M}-{number:02}-{_plain(one.team)}.pdf"
        detail = {
            "team": one.team,
            "file": file.name,
            "patients": list(one.uuids),
            "sha256": sha256(content).hexdigest(),
        }
        with database.write() as session:
            write_audit(session, cli_actor(), "downtime.list", now=now, detail=detail)
        with written_privately(file) as printed:
            printed.write(content)
        made[file.name] = len(one.mrns)
    return made


def _plain(team: str | None) -> str:
    """The name of a team as part of a file name."""
    return re.sub(r"[^\w-]+", "-", team or "no team").strip("-")[:60] or "team"


def _remove_old(folder: Path) -> int:
    """Keep the lists of the newest nights, by name."""
    files = sorted(folder.glob(PATTERN))
    nights = sorted({file.name[11:26] for file in files})[:-NIGHTS_KEPT]
    old = [file for file in files if file.name[11:26] in nights]
    for file in old:
        file.unlink()
    return len(old)
