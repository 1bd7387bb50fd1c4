"""Commands about how laboratories write units and codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from commands.frame import Json, cli_actor, clock, say, settled

mapping_app = typer.Typer(no_args_is_help=True, help="How laboratories write units and codes.")
GROUPS = {"mapping": mapping_app}

By = Annotated[str, typer.Option("--by", help="who you are: a mapping needs two people")]


@mapping_app.command("list")
def mapping_list(
    all_: Annotated[bool, typer.Option("--all", help="retired ones too")] = False, as_json: Json = False
) -> None:
    """The mappings proposed and in force."""
    from data.mappings import list_mappings

    _, database = settled()
    with database.read() as session:
        rows = list_mappings(session, cli_actor(), all=all_)
    lines = (
        f"{m['id']:>5}  {m['state']:<9} {m['laboratory']}: {m['kind']} {m['written']} = {m['meaning']}" for m in rows
    )
    say(rows, as_json, *lines)


@mapping_app.command("propose")
def mapping_propose(
    laboratory: str,
    kind: Annotated[str, typer.Argument(help="unit or code")],
    written: str,
    meaning: str,
    reason: Annotated[str, typer.Option()],
    by: By,
    item: Annotated[int | None, typer.Option(help="the held item it was seen in")] = None,
    as_json: Json = False,
) -> None:
    """Propose what a laboratory means; nothing is read so before somebody else approves."""
    from data.mappings import NewMapping, propose_mapping

    _, database = settled()
    new = NewMapping(laboratory=laboratory, kind=kind, written=written, meaning=meaning, reason=reason, item=item)
    with database.write() as session:
        document = propose_mapping(session, cli_actor(), new, now=clock(), name=by)
    say(document, as_json, f"mapping {document['id']} is proposed")


@mapping_app.command("approve")
def mapping_approve(mapping: int, by: By, as_json: Json = False) -> None:
    """Put a mapping somebody else has proposed in force."""
    from data.mappings import approve_mapping

    _, database = settled()
    with database.write() as session:
        document = approve_mapping(session, cli_actor(), mapping, now=clock(), name=by)
    say(document, as_json, f"mapping {mapping} is in force")


@mapping_app.command("retire")
def mapping_retire(mapping: int, by: By, reason: Annotated[str, typer.Option()], as_json: Json = False) -> None:
    """End a mapping; what was read by it stays and says so."""
    from data.mappings import retire_mapping

    _, database = settled()
    with database.write() as session:
        document = retire_mapping(session, cli_actor(), mapping, reason=reason, now=clock(), name=by)
    say(document, as_json, f"mapping {mapping} is retired")


COMMANDS: dict[str, Callable[..., None]] = {}
