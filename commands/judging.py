"""Commands that run the rules and show what they say."""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from clinical.protocol import Protocol, Revision, load_protocol, revised
from commands.frame import REFUSED, UNABLE, Json, cli_actor, clock, day, in_force, moment, protocol_of, say, settled
from data.settings import load_settings

flag_app = typer.Typer(no_args_is_help=True, help="Flags.")
GROUPS = {"flag": flag_app}


def sweep(
    as_of: Annotated[str | None, typer.Option(help="ISO 8601 moment with zone")] = None,
    patient: Annotated[str | None, typer.Option()] = None,
    full: Annotated[bool, typer.Option("--full")] = False,
    executor: Annotated[str, typer.Option(help="local, or dask://HOST:PORT: the scheduler of a cluster")] = "local",
    as_json: Json = False,
) -> None:
    """Evaluate the rules, open and update flags, write the outbox."""
    from data.outbox import mail_policy
    from jobs.cluster import LOCAL, ClusterUnavailable, scheduler_address, sweep_on_cluster
    from jobs.sweep import sweep as sweep_here

    judge_all = sweep_here if executor == LOCAL else partial(sweep_on_cluster, address=scheduler_address(executor))
    settings, database = settled()
    try:
        report = judge_all(
            database,
            protocol=in_force(settings, database),
            mail=mail_policy(settings),
            as_of=moment(as_of),
            now=clock(),
            full=full,
            mrn=patient,
        )
    except ClusterUnavailable as error:
        typer.echo(f"nadir: {error}", err=True)
        raise typer.Exit(UNABLE) from error
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
    protocol: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="protocol file to try")] = None,
    as_json: Json = False,
) -> None:
    """Run the rules as they would have run day by day; changes nothing."""
    from data.charts import replay_patient

    settings, database = settled()
    first, last = day(from_), day(to) or clock().astimezone(settings.zone).date()
    if first is not None and first > last:
        raise typer.BadParameter(f"--from {first} lies after --to {last}")
    judged_by = (
        load_protocol(protocol, jurisdiction=settings.jurisdiction) if protocol else in_force(settings, database)
    )
    with database.read() as session:
        document = replay_patient(session, cli_actor(), patient, protocol=judged_by, first=first, last=last)
    say(
        document,
        as_json,
        *(
            f"{f['opens']}  {f['rule']}  {f['severity']:<7} {f['why']}"
            + (f"  (clears {f['clears']})" if f["clears"] else "")
            for f in document["flags"]
        ),
    )


def rules(
    dry_run: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="protocol file to try on everybody")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every rule: trigger in words, thresholds with source and sign-off; or what another protocol would change."""
    from clinical.rules.description import describe_rules

    if dry_run is not None:
        _try_protocol(dry_run, as_json)
        return
    document = describe_rules(_protocol())
    say(document, as_json, *(f"{r['id']}  {r['axis']:<8} {r['severity']:<12} {r['trigger']}" for r in document))


def _protocol() -> Protocol:
    """The protocol in force; of a machine without tables, where nobody can have signed, the one it would begin with."""
    from data.migrate import has_tables

    settings = load_settings()
    if has_tables(settings.database_url):
        return in_force(*settled())
    return revised(protocol_of(settings), {}, signed=())


def _try_protocol(file: Path, as_json: bool) -> None:
    from data.dry_run import dry_run
    from data.protocol.in_force import standing_protocol

    settings, database = settled()
    brought = load_protocol(file, jurisdiction=settings.jurisdiction)
    with database.read() as session:
        standing = standing_protocol(session, protocol_of(settings))
        # What was activated at the site stays, but for what the file names.
        kept = standing.activations.keys() - tomllib.loads(file.read_text(encoding="utf-8")).keys()
        revisions = {name: Revision(t.value, t.source) for name in kept if (t := standing.threshold(name))}
        trial = revised(brought, revisions, signed=())
        found = dry_run(session, cli_actor(), in_force=standing.protocol, trial=trial, now=clock())
    changed = (("opens", found.newly_open), ("ends", found.no_longer_open), ("severity", found.severity_changed))
    say(
        found.as_json(),
        as_json,
        *(f"{t['name']}: {t['tried']} instead of {t['in_force']} {t['unit']}" for t in found.thresholds),
        f"{found.patients} patients: {len(found.newly_open)} flags would newly open, {len(found.no_longer_open)} no "
        f"longer, {len(found.severity_changed)} with another severity; nothing was changed",
        *(f"  {what:<8} {c.patient:<14} {c.rule} {c.severity:<7} {c.why}" for what, all_ in changed for c in all_),
        *(f"  failed {f['patient']}: {f['why']}" for f in found.failed),
    )
    if found.failed:
        raise typer.Exit(REFUSED)


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
