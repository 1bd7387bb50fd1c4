"""Commands that keep a copy of the whole database: into a sealed file and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from commands.frame import UNABLE, Json, cli_actor, clock, say, settled
from data.db import open_database
from data.settings import load_settings


def backup(file: Path, as_json: Json = False) -> None:
    """Write every row to a new encrypted file while everybody works."""
    from data.backups import back_up

    settings, database = settled()
    secret = settings.backup_key()
    try:
        report = back_up(database, file, secret, cli_actor(), now=clock())
    except (FileExistsError, FileNotFoundError, PermissionError) as error:
        raise typer.BadParameter(f"{file}: {error.strerror or error}") from error
    except OSError as error:
        typer.echo(f"nadir: {file} could not be written: {error.strerror}", err=True)
        raise typer.Exit(UNABLE) from error
    say(report.as_json(), as_json, f"{report.rows} rows of {len(report.tables)} tables in {file}")


def restore(
    file: Path,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of what is there.")] = False,
    drill: Annotated[bool, typer.Option("--drill", help="Only try it in a scratch database and compare.")] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup whole or not at all; the processes of Nadir are to be stopped."""
    from data import backups

    settings = load_settings()
    secret, now = settings.backup_key(), clock()
    if not file.is_file():
        raise typer.BadParameter(f"{file} does not exist")
    if drill:
        report = backups.drill(file, secret, settings.audit_key(), settings.previous_audit_keys())
        done = "restored into a scratch database: every row and the audit chain hold"
    else:
        database = open_database(settings.database_url, settings.audit_key())
        report = backups.restore(database, file, secret, cli_actor(), replace=replace, now=now)
        done = f"restored; {report.held_mails} mails are held for a person (nadir outbox list)"
    say(report.as_json(), as_json, f"{report.rows} rows of {report.made_at.isoformat(timespec='seconds')}: {done}")


GROUPS: dict[str, typer.Typer] = {}
COMMANDS: dict[str, Callable[..., None]] = {"backup": backup, "restore": restore}
