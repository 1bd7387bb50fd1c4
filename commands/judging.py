"""Commands that run the rules and show what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clinical.protocol import load_protocol
from commands.frame import REFUSED, Json, cli_actor, clock, day, moment, protocol_of, say, settled
from data.settings import load_settings

flag_app = typer.Typer(no_args_is_help=True, help="Flags.")
GROUPS = {"flag": flag_app}


def sweep(
    as_of: Annotated[str | None, typer.Option(help="ISO 8601 moment with zone")] = None,
    patient: Annotated[str | None, typer.Option()] = None,
    full: Annotated[bool, typer.Option("--full")] = False,
    as_json: Json = False,
) -> None:
    """Evaluate the rules, open and update flags, write the outbox."""
    from data.outbox import mail_policy
    from jobs.sweep import sweep as run_sweep

    settings, database = settled()
    report = run_sweep(
        database,
        protocol=protocol_of(settings),
        mail=mail_policy(settings),
        as_of=moment(as_of),
        now=clock(),
        full=full,
        mrn=patient,
    )
    document = report.as_json()
    say(
        document,
        as_json,
        f"{document['evaluated']} of {document['patients']} patients judged: {document['opened']} flags opened, "
        f"{document['updated']} updated, {document['resolved']} resolved, {document['outbox_rows']} mails written",
        *(f"  failed {f['patient']}: {f['why']}" for f in document["failed"]),
    )
    if document["failed"]:
        raise typer.Exit(REFUSED)


def replay(
    patient: Annotated[str, typer.Option()],
    from_: Annotated[str | None, typer.Option("--from", help="YYYY-MM-DD")] = None,
    to: Annotated[str | None, typer.Option("--to", help="YYYY-MM-DD")] = None,
    protocol: Annotated[Path | None, typer.Option(help="protocol file to try")] = None,
    as_json: Json = False,
) -> None:
    """Run the rules as they would have run day by day; changes nothing."""
    from data.charts import replay_patient

    settings, database = settled()
    first, last = day(from_), day(to) or clock().astimezone(settings.zone).date()
    in_force = load_protocol(protocol, jurisdiction=settings.jurisdiction) if protocol else protocol_of(settings)
    with database.read() as session:
        document = replay_patient(session, cli_actor(), patient, protocol=in_force, first=first, last=last)
    say(
        document,
        as_json,
        *(
            f"{f['opens']}  {f['rule']}  {f['severity']:<7} {f['why']}"
            + (f"  (clears {f['clears']})" if f["clears"] else "")
            for f in document["flags"]
        ),
    )


def rules(as_json: Json = False) -> None:
    """Every rule: trigger in words, thresholds with source and sign-off."""
    from clinical.rules import describe_rules

    document = describe_rules(protocol_of(load_settings()))
    say(document, as_json, *(f"{r['id']}  {r['axis']:<8} {r['severity']:<12} {r['trigger']}" for r in document))


@flag_app.command("list")
def flag_list(
    patient: Annotated[str | None, typer.Option()] = None,
    status: Annotated[str | None, typer.Option()] = None,
    as_json: Json = False,
) -> None:
    """Flags, newest first."""
    from data.flags import list_flags

    _, database = settled()
    with database.read() as session:
        flags = list_flags(session, cli_actor(), mrn=patient, status=status)
    say(
        flags,
        as_json,
        *(
            f"{f['severity']:<7} {f['status']:<13} {f['patient']:<14} {f['rule']} {f['why']}  [{f['id']}]"
            for f in flags
        ),
    )


@flag_app.command("show")
def flag_show(flag_id: str, as_json: Json = False) -> None:
    """One flag with its evidence and history."""
    from data.flags import show_flag

    _, database = settled()
    with database.read() as session:
        flag = show_flag(session, cli_actor(), flag_id)
    say(flag, as_json, flag["title"], flag["question"], flag["why"], f"{flag['severity']}, {flag['status']}")


COMMANDS = {"sweep": sweep, "replay": replay, "rules": rules}
