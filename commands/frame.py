"""What every command shares: printing, the clock, the settled system, exit codes."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
import typer

from clinical.protocol import Protocol, load_protocol
from data.db import Database, DatabaseAway, open_database
from data.people import Actor
from data.read_only import ReadOnly, forbid_writes
from data.settings import Settings, load_settings

REFUSED, UNUSABLE, UNABLE = 1, 2, 3
LOOK_S = 1.0

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def say(document: Any, as_json: bool, *lines: str) -> None:
    """Print `document` as JSON, or the lines for a person."""
    if as_json:
        text = msgspec.json.format(
            msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode(document), indent=2
        )
        typer.echo(text.decode())
    else:
        for line in lines:
            typer.echo(line)


def cli_actor() -> Actor:
    """Whoever may run commands on this machine acts for the system."""
    return Actor.system("cli")


def clock() -> datetime:
    """The wall clock, read here and nowhere below."""
    return datetime.now(UTC)


def moment(text: str | None) -> datetime:
    """An ISO 8601 moment with its zone, or now. Raises typer.BadParameter for a naive or unreadable one."""
    if text is None:
        return clock()
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 time") from error
    if parsed.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone; write 2026-03-01T06:00:00Z")
    return parsed.astimezone(UTC)


def day(text: str | None) -> date | None:
    """An ISO 8601 date, None where none was given. Raises typer.BadParameter for an unreadable one."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date; write 2026-03-01") from error


def settled() -> tuple[Settings, Database]:
    """Settings and the database, at the schema this program knows."""
    from data.migrate import require_current

    settings = load_settings()
    database = _opened(settings)
    require_current(database)
    return settings, database


def settled_or_away() -> tuple[Settings, Database]:
    """As `settled`, also while nothing answers at the address of the database."""
    from data.migrate import require_current

    settings = load_settings()
    database = _opened(settings)
    try:
        require_current(database)
    except DatabaseAway as error:
        typer.echo(f"nadir: {str(error).splitlines()[0]}", err=True)
    return settings, database


def _opened(settings: Settings) -> Database:
    database = open_database(settings.database_url, settings.audit_key(), settings.previous_audit_keys())
    if settings.read_only:
        forbid_writes(database)
    return database


def refuse_read_only(what: str) -> None:
    """Raise ReadOnly where the site is read-only and `what`, a process that lives by writing, is to be started."""
    if load_settings().read_only:
        raise ReadOnly(f"Nadir is read-only (NADIR_READ_ONLY): {what} is not started")


def settled_in_time(stop: threading.Event) -> tuple[Settings, Database] | None:
    """As `settled`, waiting for a database that is away; None when `stop` was set meanwhile."""
    from data.migrate import require_current

    settings, database = settled_or_away()
    while not stop.is_set():
        try:
            require_current(database)
        except DatabaseAway:
            stop.wait(LOOK_S)
        else:
            return settings, database
    return None


def protocol_of(settings: Settings) -> Protocol:
    """What this installation brings: the bundled protocol with the site's file over it, under its labels."""
    return load_protocol(settings.protocol_file, jurisdiction=settings.jurisdiction)


def in_force(settings: Settings, database: Database) -> Protocol:
    """The protocol in force: what this installation brings, with what was activated and signed since."""
    from data.protocol.in_force import protocol_in_force

    with database.read() as session:
        return protocol_in_force(session, protocol_of(settings))


def until_told_to_stop() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
