"""Commands about who is on call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from commands.frame import Json, cli_actor, clock, say, settled

rota_app = typer.Typer(no_args_is_help=True, help="Who is on call.")
GROUPS = {"rota": rota_app}
DAY = "%Y-%m-%d"
COMMANDS: dict[str, Callable[..., None]] = {}
Weeks = Annotated[int, typer.Option(min=1, max=53)]


@rota_app.command("list")
def rota_list(
    team: Annotated[str | None, typer.Option()] = None,
    week: Annotated[str | None, typer.Option(help="the first week, 2026-W10; this one when not given")] = None,
    weeks: Weeks = 8,
    as_json: Json = False,
) -> None:
    """Who is on call per team and week, with stand-ins and the days on which nobody is."""
    from data.people import find_team, list_teams
    from data.rota import week_named
    from data.rota_changes import list_rota

    settings, database = settled()
    first = week_named(week) if week is not None else clock().astimezone(settings.zone).date()
    with database.read() as session:
        teams = [find_team(session, team)] if team is not None else list_teams(session)
        rows = list_rota(session, [one.id for one in teams], first, weeks)
    say([_printed(row) for row in rows], as_json, *(_line(row) for row in rows))


@rota_app.command("set")
def rota_set(
    week: Annotated[str, typer.Argument(help="2026-W10, or a date in the week")],
    team: Annotated[str, typer.Option()],
    email: Annotated[str | None, typer.Argument(help="nobody when not given")] = None,
    weeks: Weeks = 1,
) -> None:
    """Put somebody on call for a team, in one week or several that follow each other."""
    from data.rota import week_name, week_named
    from data.rota_changes import set_weeks

    _, database = settled()
    first = week_named(week)
    with database.write() as session:
        team_id, person_id = _team(session, team), None if email is None else _person(session, email)
        set_weeks(session, cli_actor(), team_id, first, weeks=weeks, person_id=person_id, now=clock())
    typer.echo(f"{team} {week_name(first)}, {weeks} week(s): {email or 'nobody'}")


@rota_app.command("stand-in")
def rota_stand_in(
    away: Annotated[str, typer.Argument(help="who is away")],
    stand_in: Annotated[str, typer.Argument(help="who takes their place")],
    team: Annotated[str, typer.Option()],
    first: Annotated[datetime, typer.Option("--from", formats=[DAY])],
    last: Annotated[datetime, typer.Option("--to", formats=[DAY], help="that day included")],
) -> None:
    """Let somebody take the place of who is away; alerts follow."""
    from data.rota_changes import set_stand_in

    _, database = settled()
    first_day, last_day = first.date(), last.date()
    with database.write() as session:
        set_stand_in(
            session,
            cli_actor(),
            _team(session, team),
            person_id=_person(session, away),
            first_day=first_day,
            last_day=last_day,
            stand_in_id=_person(session, stand_in),
            now=clock(),
        )
    typer.echo(f"{stand_in} stands in for {away}, {first_day} to {last_day}")


@rota_app.command("back")
def rota_back(stand_in: Annotated[int, typer.Argument(help="the id that `nadir rota list --json` gives")]) -> None:
    """Take a stand-in away: the person takes their own place again."""
    from data.rota_changes import remove_stand_in

    _, database = settled()
    with database.write() as session:
        remove_stand_in(session, cli_actor(), stand_in, now=clock())
    typer.echo(f"stand-in {stand_in} is taken away")


@rota_app.command("lead")
def rota_lead(email: str, team: Annotated[str, typer.Option()]) -> None:
    """Name the lead of a team: the first to hear of a high flag that nobody acknowledges."""
    from data.rota_changes import set_lead

    _, database = settled()
    with database.write() as session:
        set_lead(session, cli_actor(), _team(session, team), _person(session, email), now=clock())
    typer.echo(f"{email} leads {team}")


def _team(session: Session, name: str) -> int:
    from data.people import find_team

    return find_team(session, name).id


def _person(session: Session, email: str) -> int:
    from data.rota_changes import person_named

    return person_named(session, email)


def _printed(row: dict[str, Any]) -> dict[str, Any]:
    stand_ins = [
        {"id": s["id"], "person": s["person"], "from": s["from"], "to": s["to"], "stand_in": s["stand_in"]}
        for s in row["stand_ins"]
    ]
    return {
        **{key: row[key] for key in ("team", "week", "monday", "person", "email")},
        "stand_ins": stand_ins,
        "gaps": row["gaps"],
        "lead": row["lead"],
    }


def _line(row: dict[str, Any]) -> str:
    sunday = row["monday"] + timedelta(days=6)
    stand_ins = "".join(f"; {s['stand_in']} for {s['person']} {s['from']} to {s['to']}" for s in row["stand_ins"])
    gaps = f"; NOBODY on {', '.join(map(str, row['gaps']))}" if row["gaps"] else ""
    person = row["email"] or "nobody"
    return f"{row['team']:<20} {row['week']} ({row['monday']} to {sunday})  {person}{stand_ins}{gaps}"
