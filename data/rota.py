"""The rota: who is on call for a team on a day, with stand-ins for who is away, and where nobody is.

A week is an ISO week of the site's calendar, from Monday to Sunday. Who is on call is reached: an enabled oncologist of
the team whose address is not switched off. A team that has never named anybody has no rota; its alerts go to all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.errors import BadInput
from data.models import MailChoice, Person, PersonTeam, RotaWeek, StandIn, TeamLead

WEEK: Final = timedelta(days=7)
AHEAD: Final = timedelta(weeks=26)
"""How far the rota is looked at for who comes next."""


class NoWeek(BadInput):
    """Text that names no ISO week."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on call for a team on a day; `instead_of` is who was planned, where a stand-in takes their place."""

    team_id: int
    monday: date
    person_id: int
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """A person who is away for a team, both days included, and their stand-in."""

    id: int
    team_id: int
    person_id: int
    first_day: date
    last_day: date
    stand_in_id: int


@dataclass(frozen=True, slots=True)
class Roster:
    """The rota of some teams over some weeks, as it stands."""

    planned: Mapping[tuple[int, date], int]
    away: Sequence[Away]
    reached: Mapping[int, Sequence[int]]
    """By team its oncologists who are reached, by e-mail address."""

    def on(self, team_id: int, day: date) -> Duty | None:
        """Who is on call, None where nobody is who can be reached."""
        monday = monday_of(day)
        planned = self.planned.get((team_id, monday))
        person = None if planned is None else self._present(team_id, planned, day)
        if planned is None or person is None:
            return None
        return Duty(team_id, monday, person, None if person == planned else planned)

    def order(self, team_id: int, day: date) -> list[int]:
        """Everybody to be told in turn: who is on call, who will be in the weeks that follow, then the rest of the
        team. Who is away on `day` is stood in for, or left out."""
        weeks = sorted(monday for team, monday in self.planned if team == team_id and monday >= monday_of(day))
        coming = (self._present(team_id, self.planned[team_id, monday], day) for monday in weeks)
        rest = (p for p in self.reached.get(team_id, ()) if self._stand_in(team_id, p, day) is None)
        everyone = self.reached.get(team_id, ())
        return list(dict.fromkeys([*(p for p in coming if p is not None), *rest, *everyone]))

    def gaps(self, team_id: int, days: Iterable[date]) -> Iterator[date]:
        """Those of the days on which nobody is on call who can be reached."""
        return (day for day in days if self.on(team_id, day) is None)

    def _present(self, team_id: int, person_id: int, day: date) -> int | None:
        seen: set[int] = set()
        person: int | None = person_id
        while person is not None and (stand_in := self._stand_in(team_id, person, day)) is not None:
            seen.add(person)
            person = None if stand_in in seen else stand_in
        return person if person in self.reached.get(team_id, ()) else None

    def _stand_in(self, team_id: int, person_id: int, day: date) -> int | None:
        for one in self.away:
            if (one.team_id, one.person_id) == (team_id, person_id) and one.first_day <= day <= one.last_day:
                return one.stand_in_id
        return None


def read_roster(session: Session, team_ids: Sequence[int], first: date, last: date) -> Roster:
    """The rota of these teams from the week of `first` to that of `last`."""
    planned = session.execute(
        select(RotaWeek.team_id, RotaWeek.monday, RotaWeek.person_id).where(
            RotaWeek.team_id.in_(team_ids), RotaWeek.monday.between(monday_of(first), last)
        )
    )
    away = session.scalars(
        select(StandIn)
        .where(StandIn.team_id.in_(team_ids), StandIn.last_day >= first, StandIn.first_day <= last)
        .order_by(StandIn.first_day, StandIn.id)
    )
    return Roster(
        planned={(row.team_id, row.monday): row.person_id for row in planned},
        away=[Away(s.id, s.team_id, s.person_id, s.first_day, s.last_day, s.stand_in_id) for s in away],
        reached=reached(session, team_ids),
    )


def leads_of(session: Session, team_ids: Sequence[int]) -> dict[int, int]:
    """By team who leads it, where somebody was named."""
    leads = session.execute(select(TeamLead.team_id, TeamLead.person_id).where(TeamLead.team_id.in_(team_ids)))
    return {team_id: person_id for team_id, person_id in leads}


def reached(session: Session, team_ids: Sequence[int]) -> dict[int, list[int]]:
    """By team its enabled oncologists whose address is not switched off, by e-mail address."""
    rows = session.execute(
        select(PersonTeam.team_id, Person.id)
        .join(Person, Person.id == PersonTeam.person_id)
        .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
        .where(PersonTeam.team_id.in_(team_ids), Person.role == "oncologist")
        .where(Person.disabled_at.is_(None), MailChoice.off_at.is_(None))
        .order_by(Person.email)
    )
    found: dict[int, list[int]] = {}
    for team_id, person_id in rows:
        found.setdefault(team_id, []).append(person_id)
    return found


def monday_of(day: date) -> date:
    """The first day of the ISO week of a day."""
    return day - timedelta(days=day.weekday())


def week_name(day: date) -> str:
    """The ISO week of a day: `2026-W10`"""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def week_named(text: str) -> date:
    """The Monday of an ISO week (`2026-W10`) or of the week of a date (`2026-03-02`). Raises NoWeek."""
    try:
        year, mark, week = text.strip().upper().partition("-W")
        return date.fromisocalendar(int(year), int(week), 1) if mark else monday_of(date.fromisoformat(text.strip()))
    except ValueError as error:
        raise NoWeek(f"{text!r} is no week; write 2026-W10 or a date of that week, 2026-03-02") from error
