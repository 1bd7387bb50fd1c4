"""Commands that keep the database: migrations, checks, demonstration cohort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from commands.frame import REFUSED, UNABLE, Json, cli_actor, clock, say, settled
from data.db import open_database
from data.settings import load_settings

db_app = typer.Typer(no_args_is_help=True, help="Migrate and check the database.")
demo_app = typer.Typer(no_args_is_help=True, help="The demonstration cohort.")
GROUPS = {"db": db_app, "demo": demo_app}


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the schema of this program."""
    from data.migrate import upgrade

    settings = load_settings()
    upgrade(open_database(settings.database_url, settings.audit_key()))
    typer.echo("database is up to date")


@db_app.command("downgrade")
def db_downgrade(revision: str) -> None:
    """Go back to a named revision."""
    from data.migrate import downgrade

    settings = load_settings()
    downgrade(open_database(settings.database_url, settings.audit_key()), revision)
    typer.echo(f"database is at {revision}")


@db_app.command("check")
def db_check() -> None:
    """Check tables, files, audit chain, invariants and the settings of PostgreSQL; a line for each trouble."""
    from data.checking import check_database

    settings, database = settled()
    troubles = check_database(database, settings, now=clock())
    for line in troubles:
        typer.echo(line)
    if troubles:
        raise typer.Exit(REFUSED)
    typer.echo("tables, files, audit chain and invariants hold")


@db_app.command("grant")
def db_grant(role: str) -> None:
    """Give a PostgreSQL role what the processes need and nothing more; run as the owner, after each upgrade."""
    from data.least_rights import grant_least

    _, database = settled()
    grant_least(database, role)
    typer.echo(f"{role} may run Nadir; it may not change tables, the audit trail or history")


@db_app.command("compact")
def db_compact() -> None:
    """Rewrite the database file, so that nothing of what was deleted or erased is left in it."""
    from data.erasing.erase import compact

    _, database = settled()
    if not compact(database):
        typer.echo("nadir: the database file is in use; stop Nadir first", err=True)
        raise typer.Exit(UNABLE)
    typer.echo("the database file holds nothing but what stands")


@db_app.command("copy")
def db_copy(to: Annotated[str, typer.Option("--to", help="URL of an empty database.")], as_json: Json = False) -> None:
    """Move a clinic to another database, verified row by row; the processes of Nadir are to be stopped."""
    from data.moving import copy_database

    settings, database = settled()
    counts = copy_database(database, open_database(to, settings.audit_key()), cli_actor(), now=clock())
    rows = sum(counts.values())
    say({"tables": counts, "rows": rows}, as_json, f"{rows} rows of {len(counts)} tables copied and read back")


@demo_app.command("load")
def demo_load() -> None:
    """Load the demonstration cohort; prints its sign-ins once."""
    from data.demo import load_demo

    settings, database = settled()
    now = clock()
    loaded = load_demo(database, cli_actor(), today=now.astimezone(settings.zone).date(), now=now)
    typer.echo(f"{loaded.patients} synthetic patients, {loaded.records} records. Demo sign-ins, shown once:")
    for email, role, password in loaded.people:
        typer.echo(f"  {email:<28} {password}   ({role})")


COMMANDS: dict[str, Callable[..., None]] = {}
