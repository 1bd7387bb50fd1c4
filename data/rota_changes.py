"""Changing the rota: who is on call in a week, who stands in for whom, who leads a team. Every change is audited.

The rota of a team is kept by its oncologists and by admins; a person's own stand-in by that person too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.errors import BadInput
from data.models import MailChoice, Person, PersonTeam, RotaWeek, StandIn, Team, TeamLead
from data.people import Actor, Forbidden, NotFound
from data.rota import WEEK, leads_of, monday_of, read_roster, week_name
from data.upsert import insert_or

MOST_WEEKS: Final = 53
LONGEST_AWAY: Final = timedelta(days=366)


class NotOnRota(BadInput):
    """A change of the rota that cannot be; the message says why."""


def may_keep(actor: Actor, team_id: int) -> bool:
    """Whether the actor keeps the rota of this team."""
    return actor.role in ("admin", "system") or (actor.role == "oncologist" and team_id in actor.team_ids)


def set_weeks(
    session: Session, actor: Actor, team_id: int, first: date, *, weeks: int, person_id: int | None, now: datetime
) -> None:
    """Put a person (None: nobody) on call for a team in `weeks` weeks, the first that of the day `first`.

    Raises Forbidden, NotFound for no such team, NotOnRota for somebody who is no enabled oncologist of it, or for more
    than a year at once.
    """
    _keeper(actor, team_id)
    team = _team(session, team_id)
    if not 1 <= weeks <= MOST_WEEKS:
        raise NotOnRota(say("choose 1 to {n} weeks", n=MOST_WEEKS))
    name = None if person_id is None else _member(session, team_id, person_id)
    mondays = [monday_of(first) + n * WEEK for n in range(weeks)]
    before = _planned(session, team_id, mondays)
    if person_id is None:
        session.execute(delete(RotaWeek).where(RotaWeek.team_id == team_id, RotaWeek.monday.in_(mondays)))
    else:
        rows = insert_or(session, RotaWeek.__table__).values(
            [{"team_id": team_id, "monday": monday, "person_id": person_id} for monday in mondays]
        )
        session.execute(rows.on_conflict_do_update(index_elements=["team_id", "monday"], set_={"person_id": person_id}))
    detail = {"from": week_name(mondays[0]), "weeks": weeks, "old": before, "person": name}
    write_audit(session, actor, "rota.set", now=now, object=team, detail=detail)


def set_stand_in(
    session: Session,
    actor: Actor,
    team_id: int,
    *,
    person_id: int,
    first_day: date,
    last_day: date,
    stand_in_id: int,
    now: datetime,
) -> None:
    """Let somebody take a person's place in a team from the first to the last day, both included.

    Raises Forbidden, NotFound, or NotOnRota for people who are no enabled oncologists of the team or the same, for days
    in the wrong order or over a year, and where the person is already stood in for on one of them.
    """
    if actor.person_id != person_id:
        _keeper(actor, team_id)
    team = _team(session, team_id)
    away, stand_in = _member(session, team_id, person_id), _member(session, team_id, stand_in_id)
    if person_id == stand_in_id:
        raise NotOnRota(say("a stand-in is somebody else"))
    if not first_day <= last_day <= first_day + LONGEST_AWAY:
        raise NotOnRota(say("the last day comes after the first, and within a year of it"))
    overlapping = select(StandIn.id).where(
        StandIn.team_id == team_id,
        StandIn.person_id == person_id,
        StandIn.first_day <= last_day,
        StandIn.last_day >= first_day,
    )
    if session.execute(overlapping.limit(1)).first() is not None:
        raise NotOnRota(say("there is already a stand-in on one of these days; take that away first"))
    session.add(
        StandIn(team_id=team_id, person_id=person_id, first_day=first_day, last_day=last_day, stand_in_id=stand_in_id)
    )
    session.flush()
    detail = {"person": away, "from": first_day.isoformat(), "to": last_day.isoformat(), "stand_in": stand_in}
    write_audit(session, actor, "rota.stand-in", now=now, object=team, detail=detail)


def remove_stand_in(session: Session, actor: Actor, stand_in: int, *, now: datetime) -> None:
    """Let a person take their own place again. Raises NotFound, Forbidden."""
    row = session.execute(select(StandIn).where(StandIn.id == stand_in).with_for_update()).scalar_one_or_none()
    if row is None:
        raise NotFound(f"no stand-in {stand_in}")
    if actor.person_id != row.person_id:
        _keeper(actor, row.team_id)
    team = _team(session, row.team_id)
    detail = {
        "person": _email(session, row.person_id),
        "from": row.first_day.isoformat(),
        "to": row.last_day.isoformat(),
        "stand_in": _email(session, row.stand_in_id),
    }
    session.delete(row)
    session.flush()
    write_audit(session, actor, "rota.back", now=now, object=team, detail=detail)


def set_lead(session: Session, actor: Actor, team_id: int, person_id: int, *, now: datetime) -> None:
    """Name the lead of a team. Raises Forbidden, NotFound, NotOnRota for no enabled oncologist of it."""
    _keeper(actor, team_id)
    team, name = _team(session, team_id), _member(session, team_id, person_id)
    led = session.scalar(select(TeamLead.person_id).where(TeamLead.team_id == team_id).with_for_update())
    before = None if led is None else _email(session, led)
    session.execute(
        insert_or(session, TeamLead.__table__)
        .values(team_id=team_id, person_id=person_id)
        .on_conflict_do_update(index_elements=["team_id"], set_={"person_id": person_id})
    )
    write_audit(session, actor, "rota.lead", now=now, object=team, detail={"old": before, "new": name})


def list_rota(session: Session, team_ids: list[int], first: date, weeks: int) -> list[dict[str, Any]]:
    """By team and week who is on call: `team, team_id, week, monday, person, person_id, email, stand_ins, gaps, lead`.

    `stand_ins`: `id, person, person_id, from, to, stand_in`, those that concern the week. `gaps`: days without anybody.
    """
    mondays = [monday_of(first) + n * WEEK for n in range(weeks)]
    roster = read_roster(session, team_ids, mondays[0], mondays[-1] + WEEK - timedelta(days=1))
    teams = session.execute(select(Team.id, Team.name).where(Team.id.in_(team_ids)).order_by(Team.name)).all()
    people = session.execute(select(Person.id, Person.name, Person.email)).all()
    leads = leads_of(session, team_ids)
    names, emails = {row.id: row.name for row in people}, {row.id: row.email for row in people}
    return [
        {
            "team": team.name,
            "team_id": team.id,
            "week": week_name(monday),
            "monday": monday,
            "person": names.get(roster.planned.get((team.id, monday), 0)),
            "person_id": roster.planned.get((team.id, monday)),
            "email": emails.get(roster.planned.get((team.id, monday), 0)),
            "stand_ins": [
                {
                    "id": one.id,
                    "person": names[one.person_id],
                    "person_id": one.person_id,
                    "from": one.first_day,
                    "to": one.last_day,
                    "stand_in": names[one.stand_in_id],
                }
                for one in roster.away
                if one.team_id == team.id and one.first_day < monday + WEEK and one.last_day >= monday
            ],
            "gaps": list(roster.gaps(team.id, (monday + timedelta(days=n) for n in range(7)))),
            "lead": names.get(leads.get(team.id, 0)),
        }
        for team in teams
        for monday in mondays
    ]


@dataclass(frozen=True, slots=True)
class Member:
    """An oncologist of a team who can be put on its rota; `off`: their address is switched off."""

    id: int
    name: str
    email: str
    off: bool


def members_of(session: Session, team_id: int) -> tuple[Member, ...]:
    """The enabled oncologists of a team, by name."""
    rows = session.execute(
        select(Person.id, Person.name, Person.email, MailChoice.off_at)
        .join(PersonTeam, PersonTeam.person_id == Person.id)
        .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
        .where(PersonTeam.team_id == team_id, Person.role == "oncologist", Person.disabled_at.is_(None))
        .order_by(Person.name, Person.email)
    )
    return tuple(Member(row.id, row.name, row.email, row.off_at is not None) for row in rows)


def rota_teams(session: Session, actor: Actor) -> tuple[tuple[int, str], ...]:
    """Id and name of the teams whose rota the actor sees, by name: all for an admin, else their own."""
    teams = select(Team.id, Team.name).order_by(Team.name)
    if actor.role not in ("admin", "system"):
        teams = teams.where(Team.id.in_(sorted(actor.team_ids)))
    return tuple((row.id, row.name) for row in session.execute(teams))


def person_named(session: Session, email: str) -> int:
    """The id of the account with this address. Raises NotFound."""
    found = session.scalar(select(Person.id).where(Person.email == email.strip().lower()))
    if found is None:
        raise NotFound(f"no account {email!r}")
    return found


def _keeper(actor: Actor, team_id: int) -> None:
    if not may_keep(actor, team_id):
        raise Forbidden("The rota of a team is kept by its oncologists and by admins.")


def _team(session: Session, team_id: int) -> str:
    name = session.scalar(select(Team.name).where(Team.id == team_id))
    if name is None:
        raise NotFound(f"no team {team_id}")
    return name


def _planned(session: Session, team_id: int, mondays: list[date]) -> dict[str, str]:
    """By week who is on call in those of these weeks that somebody is planned for, locked until they are changed."""
    rows = session.execute(
        select(RotaWeek.monday, Person.email)
        .join(Person, Person.id == RotaWeek.person_id)
        .where(RotaWeek.team_id == team_id, RotaWeek.monday.in_(mondays))
        .order_by(RotaWeek.monday)
        .with_for_update(of=RotaWeek)
    )
    return {week_name(monday): email for monday, email in rows}


def _email(session: Session, person_id: int) -> str:
    return session.scalars(select(Person.email).where(Person.id == person_id)).one()


def _member(session: Session, team_id: int, person_id: int) -> str:
    email = session.scalar(
        select(Person.email)
        .join(PersonTeam, PersonTeam.person_id == Person.id)
        .where(Person.id == person_id, PersonTeam.team_id == team_id)
        .where(Person.role == "oncologist", Person.disabled_at.is_(None))
    )
    if email is None:
        raise NotOnRota(say("choose an oncologist of the team whose account is open"))
    return email
