"""Commands about accounts, care teams and patients."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.frame import Json, cli_actor, clock, day, say, settled

user_app = typer.Typer(no_args_is_help=True, help="Accounts.")
team_app = typer.Typer(no_args_is_help=True, help="Care teams.")
patient_app = typer.Typer(no_args_is_help=True, help="Patients.")
GROUPS = {"user": user_app, "team": team_app, "patient": patient_app}


@user_app.command("add")
def user_add(
    email: str,
    role: Annotated[str, typer.Option()],
    team: Annotated[list[str] | None, typer.Option()] = None,
) -> None:
    """Make an account; prints a one-time link with which the person chooses a password."""
    from data.people import add_person

    settings, database = settled()
    with database.write() as session:
        token = add_person(session, cli_actor(), email=email, role=role, teams=team or [], now=clock())
    typer.echo(f"{settings.base_url}/welcome/{token}")


@user_app.command("disable")
def user_disable(email: str) -> None:
    """Switch an account off and end its sessions."""
    from data.people import disable

    _, database = settled()
    with database.write() as session:
        disable(session, cli_actor(), email=email, now=clock())
    typer.echo(f"{email} is disabled")


@user_app.command("role")
def user_role(email: str, role: str) -> None:
    """Give an account another role and end its sessions."""
    from data.people import set_role

    _, database = settled()
    with database.write() as session:
        set_role(session, cli_actor(), email=email, role=role, now=clock())
    typer.echo(f"{email} is now {role}")


@user_app.command("list")
def user_list(as_json: Json = False) -> None:
    """Every account."""
    from data.people import list_people

    _, database = settled()
    with database.read() as session:
        people = list_people(session, cli_actor())
    say(people, as_json, *(f"{p['email']:<30} {p['role']:<11} {', '.join(p['teams'])}" for p in people))


@team_app.command("add")
def team_add(name: str) -> None:
    """Make a care team."""
    from data.people import add_team

    _, database = settled()
    with database.write() as session:
        add_team(session, cli_actor(), name=name, now=clock())
    typer.echo(f"team {name}")


@patient_app.command("add")
def patient_add(
    mrn: str,
    name: Annotated[str | None, typer.Option()] = None,
    birth_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    sex: Annotated[str | None, typer.Option(help="female, male or other")] = None,
    team: Annotated[list[str] | None, typer.Option()] = None,
) -> None:
    """Register a patient."""
    from data.patients import add_patient

    _, database = settled()
    with database.write() as session:
        add_patient(
            session, cli_actor(), mrn=mrn, name=name, birth_date=day(birth_date), sex=sex, teams=team or [], now=clock()
        )
    typer.echo(f"patient {mrn}")


@patient_app.command("list")
def patient_list(as_json: Json = False) -> None:
    """Every patient."""
    from data.patients import list_patients

    _, database = settled()
    with database.read() as session:
        patients = list_patients(session, cli_actor())
    say(patients, as_json, *(f"{p['mrn']:<20} {p['name'] or '-'}" for p in patients))


@patient_app.command("assign")
def patient_assign(mrn: str, team: Annotated[str, typer.Option()]) -> None:
    """Put a patient under a care team."""
    from data.patients import assign_team

    _, database = settled()
    with database.write() as session:
        assign_team(session, cli_actor(), mrn=mrn, team=team, now=clock())
    typer.echo(f"{mrn} is with {team}")


COMMANDS = {}
