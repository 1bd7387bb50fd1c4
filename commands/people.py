"""Commands about accounts, care teams and patients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from commands.frame import Json, cli_actor, clock, day, say, settled

user_app = typer.Typer(no_args_is_help=True, help="Accounts.")
team_app = typer.Typer(no_args_is_help=True, help="Care teams.")
patient_app = typer.Typer(no_args_is_help=True, help="Patients.")
proposal_app = typer.Typer(no_args_is_help=True, help="What messages say about who somebody is.")
token_app = typer.Typer(no_args_is_help=True, help="Tokens of programs, for accounts of the role service.")
user_app.add_typer(token_app, name="token")
GROUPS = {"user": user_app, "team": team_app, "patient": patient_app, "proposal": proposal_app}


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
    typer.echo(f"{settings.base_url.rstrip('/')}/welcome/{token}")


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


@user_app.command("reset")
def user_reset(email: str) -> None:
    """Take password and second factor from an account and end its sessions; prints a fresh one-time link."""
    from data.people import reset

    settings, database = settled()
    with database.write() as session:
        token = reset(session, cli_actor(), email, now=clock())
    typer.echo(f"{settings.base_url.rstrip('/')}/welcome/{token}")


@token_app.command("make")
def token_make(email: str, label: Annotated[str, typer.Option(help="what uses it")]) -> None:
    """Make a token of a service account; it is printed this once."""
    from data.service_tokens import make_token

    _, database = settled()
    with database.write() as session:
        token = make_token(session, cli_actor(), email, label, now=clock())
    typer.echo(token)


@token_app.command("revoke")
def token_revoke(token: Annotated[int, typer.Argument(help="its number in the list")]) -> None:
    """Let a token open nothing from now on."""
    from data.service_tokens import revoke_token

    _, database = settled()
    with database.write() as session:
        revoke_token(session, cli_actor(), token, now=clock())
    typer.echo(f"token {token} is revoked")


@token_app.command("list")
def token_list(as_json: Json = False) -> None:
    """Every token, without what it is."""
    from data.service_tokens import list_tokens

    _, database = settled()
    with database.read() as session:
        tokens = list_tokens(session, cli_actor())
    say(tokens, as_json, *(_token_line(token) for token in tokens))


def _token_line(token: dict[str, Any]) -> str:
    state = f"revoked {token['revoked_at']}" if token["revoked_at"] else f"since {token['created_at']}"
    return f"{token['id']:>5}  {token['email']:<30} {token['label']:<20} {state}"


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


@patient_app.command("merge")
def patient_merge(merged: str, into: str, reason: Annotated[str, typer.Option()]) -> None:
    """Show one patient as another from now on; it can be taken back."""
    from data.merges import merge_patients

    _, database = settled()
    with database.write() as session:
        merge = merge_patients(session, cli_actor(), merged=merged, into=into, reason=reason, now=clock())
    typer.echo(f"{merge.merged} is shown as {merge.survivor}")


@patient_app.command("unmerge")
def patient_unmerge(merged: str, reason: Annotated[str, typer.Option()]) -> None:
    """Take a merge back: both patients stand for themselves again."""
    from data.merges import unmerge_patient

    _, database = settled()
    with database.write() as session:
        merge = unmerge_patient(session, cli_actor(), merged=merged, reason=reason, now=clock())
    typer.echo(f"{merge.merged} stands for itself again, apart from {merge.survivor}")


@patient_app.command("merges")
def patient_merges(patient: Annotated[str | None, typer.Option()] = None, as_json: Json = False) -> None:
    """Every merge, those taken back too."""
    from data.merges import merge_history

    _, database = settled()
    with database.read() as session:
        merges = merge_history(session, cli_actor(), patient)
    say(
        merges,
        as_json,
        *(f"{m['at']}  {m['from']} into {m['into']}{', taken back' if m['unmerged_at'] else ''}" for m in merges),
    )


@patient_app.command("emergencies")
def patient_emergencies(as_json: Json = False) -> None:
    """Who opened which patient in an emergency, newest first, and why."""
    from data.emergency import list_emergencies

    _, database = settled()
    with database.read() as session:
        opened = list_emergencies(session, cli_actor())
    say(opened, as_json, *(f"{e['opened_at']}  {e['who']:<30} {e['patient']:<20} {e['reason']}" for e in opened))


@patient_app.command("status")
def patient_status_(
    mrn: str,
    status: Annotated[str | None, typer.Option("--set", help="active, deceased, transferred or withdrawn")] = None,
    on: Annotated[str | None, typer.Option(help="YYYY-MM-DD, today when not given")] = None,
    reason: Annotated[str | None, typer.Option()] = None,
    as_json: Json = False,
) -> None:
    """Whether a patient is followed, or say so: anything but active ends reminders and mails, never the record."""
    from data.patient_status import patient_status, set_status

    _, database = settled()
    with database.write() if status is not None else database.read() as session:
        if status is None:
            document = patient_status(session, cli_actor(), mrn)
        else:
            now = clock()
            document = set_status(
                session, cli_actor(), mrn=mrn, status=status, on=day(on) or now.date(), reason=reason or "", now=now
            )
    say(document, as_json, f"{document['patient']} is {document['status']}")


@proposal_app.command("list")
def proposal_list(
    all_: Annotated[bool, typer.Option("--all", help="decided ones too")] = False, as_json: Json = False
) -> None:
    """What messages say about who somebody is."""
    from data.identity_proposals import list_proposals

    _, database = settled()
    with database.read() as session:
        rows = list_proposals(session, cli_actor(), all=all_)
    say(rows, as_json, *(f"{p['id']:>5}  {p['state']:<8} {p['kind']:<6} {p['why']}" for p in rows))


@proposal_app.command("accept")
def proposal_accept(proposal: int, reason: Annotated[str, typer.Option()], as_json: Json = False) -> None:
    """Do what a proposal says."""
    from data.identity_proposals import accept_proposal

    _, database = settled()
    with database.write() as session:
        document = accept_proposal(session, cli_actor(), proposal, reason=reason, now=clock())
    say(document, as_json, f"proposal {proposal} is accepted")


@proposal_app.command("refuse")
def proposal_refuse(proposal: int, reason: Annotated[str, typer.Option()], as_json: Json = False) -> None:
    """Close a proposal without doing what it says."""
    from data.identity_proposals import refuse_proposal

    _, database = settled()
    with database.write() as session:
        document = refuse_proposal(session, cli_actor(), proposal, reason=reason, now=clock())
    say(document, as_json, f"proposal {proposal} is refused")


COMMANDS: dict[str, Callable[..., None]] = {}
