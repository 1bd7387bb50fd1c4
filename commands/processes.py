"""Commands that run the processes and look after them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.frame import (
    REFUSED,
    Json,
    cli_actor,
    clock,
    moment,
    protocol_of,
    refuse_read_only,
    say,
    settled,
    settled_in_time,
    settled_or_away,
    until_told_to_stop,
)
from data.debugging import refuse_debugging
from data.settings import load_settings

jobs_app = typer.Typer(no_args_is_help=True, help="Scheduled jobs.")
outbox_app = typer.Typer(no_args_is_help=True, help="Alert e-mails and their delivery.")
policy_app = typer.Typer(no_args_is_help=True, help="Who may do what.")
Port = Annotated[int, typer.Option(min=1, max=65_535)]
GROUPS = {"jobs": jobs_app, "outbox": outbox_app, "policy": policy_app}


def serve(host: str = "127.0.0.1", port: Port = 8050) -> None:
    """The web application alone."""
    # Before what takes seconds to load: who starts it wrongly is told at once.
    refuse_debugging()
    load_settings().secret_key()
    from dashboard.server import serve as run_web

    settings, database = settled_or_away()
    run_web(database, settings, protocol_of(settings), host=host, port=port)


def scheduler() -> None:
    """Run the scheduled jobs; one process leads, others stand by."""
    from jobs.scheduler import run

    refuse_read_only("the scheduler")
    stop = until_told_to_stop()
    if (found := settled_in_time(stop)) is not None:
        settings, database = found
        run(database, settings, protocol_of(settings), stop=stop)


def sender() -> None:
    """Send the mails of the outbox."""
    from jobs.sender import run

    refuse_read_only("the sender")
    stop = until_told_to_stop()
    if (found := settled_in_time(stop)) is not None:
        settings, database = found
        run(database, settings, stop=stop)


def mllp(
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535)] = None,
) -> None:
    """Receive HL7 v2 messages of laboratories; without options where NADIR_MLLP_HOST and NADIR_MLLP_PORT say."""
    from jobs.mllp import DEFAULT_PORT, run

    refuse_read_only("the receiver of HL7 messages")
    stop = until_told_to_stop()
    if (found := settled_in_time(stop)) is not None:
        settings, database = found
        wanted = port if port is not None else settings.mllp_port or DEFAULT_PORT
        run(database, settings, host=host or settings.mllp_host, port=wanted, stop=stop)


def up(host: str = "127.0.0.1", port: Port = 8050) -> None:
    """Web, scheduler, sender and, where NADIR_MLLP_PORT is set, mllp under one parent that restarts what dies."""
    from jobs.supervisor import supervise

    settings, database = settled_or_away()
    database.close()
    program = [sys.executable, "-m", "nadir"]
    typer.echo(f"Nadir is at {settings.base_url}")
    processes = {"web": [*program, "serve", "--host", host, "--port", str(port)]}
    if settings.read_only:
        typer.echo("Nadir is read-only (NADIR_READ_ONLY): nothing is judged, sent or received")
    else:
        processes |= {"scheduler": [*program, "scheduler"], "sender": [*program, "sender"]}
        if settings.mllp_port is not None:
            processes["mllp"] = [*program, "mllp"]
    supervise(processes, stop=until_told_to_stop())


@jobs_app.command("status")
def jobs_status(as_json: Json = False) -> None:
    """Schedule, last and next runs, age of the last sweep, gaps."""
    from jobs.runs import jobs_status as status
    from jobs.schedule import schedule

    settings, database = settled()
    with database.read() as session:
        document = status(session, schedule(settings), now=clock())
    say(
        document,
        as_json,
        f"leader {document['leader'] or 'none'}, last sweep {document['sweep_age_s']} s ago, "
        f"oldest unsent mail {document['oldest_unsent_s']} s",
        *(
            f"{j['name']:<12} {j['schedule']:<16} last {j['last_finished']} {j['outcome']} next {j['next_due']}"
            for j in document["jobs"]
        ),
    )


@jobs_app.command("run")
def jobs_run(name: str, as_of: Annotated[str | None, typer.Option()] = None, as_json: Json = False) -> None:
    """Run one job now."""
    from jobs.scheduler import run_job

    settings, database = settled()
    document = run_job(name, database, settings, protocol_of(settings), as_of=moment(as_of), now=clock())
    say(document, as_json, f"{name}: {document}")


@outbox_app.command("list")
def outbox_list(as_json: Json = False) -> None:
    """Alert e-mails and their delivery."""
    from data.outbox import list_outbox

    _, database = settled()
    with database.read() as session:
        rows = list_outbox(session, cli_actor())
    say(
        rows,
        as_json,
        *(f"{r['state']:<9} {r['severity']:<8} {r['recipient']:<30} {r['attempts']} tries [{r['id']}]" for r in rows),
    )


@outbox_app.command("retry")
def outbox_retry(mail: str) -> None:
    """Send a dead or waiting mail again, with its first Message-ID."""
    from data.outbox import retry

    _, database = settled()
    with database.write() as session:
        retry(session, cli_actor(), mail, now=clock())
    typer.echo(f"{mail} is queued")


@outbox_app.command("clear")
def outbox_clear(mail: str, reason: Annotated[str, typer.Option()]) -> None:
    """Take a mail that was given up off the list of what needs somebody."""
    from data.outbox import clear_dead

    _, database = settled()
    with database.write() as session:
        clear_dead(session, cli_actor(), mail, why=reason, now=clock())
    typer.echo(f"{mail} is cleared")


def watchdog() -> None:
    """Exit 0 when sweeps and mail are fresh and the invariants hold, else 1 with a line each."""
    from jobs.watchdog import clock_troubles, miscounts, troubles

    settings, database = settled()
    with database.read() as session:
        lines = troubles(session, settings, now=clock())
        lines += miscounts(session, protocol_of(settings), settings, now=clock())
        lines += clock_troubles(session, now=clock())
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(REFUSED)
    typer.echo("sweeps and mail are fresh, the invariants hold")


@policy_app.command("dump")
def policy_dump(as_json: Json = False) -> None:
    """Callback or route x role -> allow, deny, scope."""
    from dashboard.app import create_app
    from dashboard.inventory import policy_dump as dump

    settings, database = settled()
    cells = dump(create_app(database, settings, protocol_of(settings)))
    say(cells, as_json, *(f"{c['kind']:<8} {c['role']:<11} {c['decision']:<6} {c['target']}" for c in cells))


def routes(as_json: Json = False) -> None:
    """Every HTTP route and whether it is public."""
    from dashboard.app import create_app
    from dashboard.inventory import routes as listed

    settings, database = settled()
    rows = listed(create_app(database, settings, protocol_of(settings)))
    say(
        rows,
        as_json,
        *(f"{'public' if r['public'] else 'gated':<7} {','.join(r['methods']):<20} {r['rule']}" for r in rows),
    )


COMMANDS = {
    "serve": serve,
    "scheduler": scheduler,
    "sender": sender,
    "mllp": mllp,
    "up": up,
    "watchdog": watchdog,
    "routes": routes,
}
