"""Who is told of a flag at a moment, and why that person: by the rota, by their own wish, or because nobody else is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from data.models import MailChoice, PatientSurvivor, PatientTeam, Person, PersonTeam, Subscription
from data.models.base import BigId
from data.people import CLINICAL_ROLES
from data.rota import AHEAD, Roster, read_roster, week_name
from data.survivors import standing_id
from data.withheld import muting_teams

Why = Literal[
    "on-call",
    "stand-in",
    "everyone",
    "subscribed",
    "assigned",
    "next-on-rota",
    "lead",
    "repeat",
]
Way = Literal["at-once", "digest"]

AT_ONCE: Final = frozenset({"urgent", "high"})
IN_DIGEST: Final = frozenset({"medium"})
TOLD: Final = AT_ONCE | IN_DIGEST
BY_ROTA: Final = frozenset({"on-call", "stand-in", "everyone", "subscribed"})
"""Chosen by what stands at a moment: looked up again when the mail leaves."""


class About(Protocol):
    """What must be known of a flag to choose who is told of it."""

    @property
    def patient_id(self) -> int: ...
    @property
    def rule(self) -> str: ...
    @property
    def severity(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """A person to be told, how, and why: for the record of who was chosen. `instead_of` is who is stood in for."""

    person_id: int
    why: Why
    way: Way = "at-once"
    team_id: int | None = None
    week: str | None = None
    instead_of: int | None = None

    def snapshot(self) -> str:
        """The reason as it is kept with the mail."""
        facts = {"why": self.why, "team": self.team_id, "week": self.week, "instead_of": self.instead_of}
        return json.dumps({name: value for name, value in facts.items() if value is not None}, sort_keys=True)


def chosen_for(session: Session, flag: About, *, now: datetime, zone: ZoneInfo) -> list[Chosen]:
    """Who is told of a flag at `now`, by person. Empty: nobody who can be reached, or every team has muted the rule.

    Urgent and high: who is on call for each of the patient's teams, or their stand-in; where a team has nobody on call,
    all its oncologists; and who asked for it. Medium: everybody of the teams who has not switched it off, and all
    oncologists where all have. Low and info tell nobody.
    """
    return chosen_of(session, hearing_teams(session, flag, now), flag.severity, now=now, zone=zone)


def chosen_of(
    session: Session, team_ids: Sequence[int], severity: str, *, now: datetime, zone: ZoneInfo
) -> list[Chosen]:
    """As `chosen_for`, where it is known which teams hear of a flag of that severity."""
    if severity not in TOLD or not team_ids:
        return []
    roster = roster_at(session, team_ids, local_day(now, zone))
    wishes = _wishes(session, team_ids, severity)
    if severity in IN_DIGEST:
        return _by_wish(roster, wishes)
    return _by_rota(roster, team_ids, local_day(now, zone), wishes)


def teams_of(session: Session, patient_id: int) -> list[int]:
    """The teams that follow a person, whatever number they were added under."""
    return sorted(set(session.scalars(_TEAMS, {"patient": patient_id})))


def hearing_teams(session: Session, flag: About, now: datetime) -> list[int]:
    """The teams that follow the patient of a flag and have not muted its rule."""
    muting = muting_teams(session, flag.patient_id, flag.rule, flag.severity, now)
    return [team_id for team_id in teams_of(session, flag.patient_id) if team_id not in muting]


def all_muted(session: Session, flag: About, now: datetime) -> bool:
    """Whether every team that follows the patient of a flag has muted its rule, so that nobody is to be told now."""
    return bool(teams_of(session, flag.patient_id)) and not hearing_teams(session, flag, now)


def roster_at(session: Session, team_ids: Sequence[int], day: date) -> Roster:
    """The rota of these teams from the week of `day` on."""
    return read_roster(session, team_ids, day, day + AHEAD)


def local_day(now: datetime, zone: ZoneInfo) -> date:
    """The site's date at a moment."""
    return now.astimezone(zone).date()


def everyone(roster: Roster, team_ids: Iterable[int]) -> list[Chosen]:
    """All oncologists of the teams who can be reached, each once."""
    found: dict[int, Chosen] = {}
    for team_id in team_ids:
        for person_id in roster.reached.get(team_id, ()):
            found.setdefault(person_id, Chosen(person_id, "everyone", team_id=team_id))
    return [found[person_id] for person_id in sorted(found)]


def next_in_turn(session: Session, flag: About, but: set[int], *, now: datetime, zone: ZoneInfo) -> Chosen | None:
    """Who is to be told next of a flag, but for these people; None when nobody is left."""
    team_ids, day = hearing_teams(session, flag, now), local_day(now, zone)
    roster = roster_at(session, team_ids, day)
    for team_id in team_ids:
        for person_id in roster.order(team_id, day):
            if person_id not in but:
                return Chosen(person_id, "next-on-rota", team_id=team_id, week=week_name(day))
    return None


def _by_rota(roster: Roster, team_ids: Sequence[int], day: date, wishes: dict[int, str]) -> list[Chosen]:
    found: dict[int, Chosen] = {}
    for team_id in team_ids:
        duty = roster.on(team_id, day)
        if duty is None:
            for one in everyone(roster, [team_id]):
                found.setdefault(one.person_id, one)
            continue
        why: Why = "on-call" if duty.instead_of is None else "stand-in"
        found[duty.person_id] = Chosen(
            duty.person_id, why, team_id=team_id, week=week_name(day), instead_of=duty.instead_of
        )
    if not found:
        return []
    for person_id, how in wishes.items():
        if how != "on-call" and person_id not in found:
            found[person_id] = Chosen(person_id, "subscribed", "digest" if how == "digest" else "at-once")
    return [found[person_id] for person_id in sorted(found)]


def _by_wish(roster: Roster, wishes: dict[int, str]) -> list[Chosen]:
    all_of_them = [replace(one, way="digest") for one in everyone(roster, sorted(roster.reached))]
    found = {one.person_id: one for one in all_of_them if wishes.get(one.person_id) != "off"}
    for person_id, how in wishes.items():
        if how == "at-once":
            found[person_id] = Chosen(person_id, "subscribed")
    return [found[person_id] for person_id in sorted(found)] or all_of_them


def _wishes(session: Session, team_ids: Sequence[int], severity: str) -> dict[int, str]:
    """By person who can be reached what they chose for these teams; the most for who chose differently for each."""
    rows = session.execute(
        select(Subscription.person_id, Subscription.how)
        .join(Person, Person.id == Subscription.person_id)
        .join(
            PersonTeam,
            (PersonTeam.person_id == Subscription.person_id) & (PersonTeam.team_id == Subscription.team_id),
        )
        .join(MailChoice, MailChoice.person_id == Person.id, isouter=True)
        .where(Subscription.team_id.in_(team_ids), Subscription.severity == severity)
        .where(Person.role.in_(sorted(CLINICAL_ROLES)), Person.disabled_at.is_(None), MailChoice.off_at.is_(None))
    )
    found: dict[int, str] = {}
    for person_id, how in rows:
        if person_id not in found or _MOST.index(how) < _MOST.index(found[person_id]):
            found[person_id] = how
    return found


def _teams() -> Select[int]:
    person = select(standing_id(bindparam("patient", type_=BigId))).scalar_subquery()
    own = PatientTeam.patient_id == person
    merged = PatientTeam.patient_id.in_(select(PatientSurvivor.patient_id).where(PatientSurvivor.survivor_id == person))
    return select(PatientTeam.team_id).where(own | merged)


# Put together once: that takes longer than asking, and every flag that opens asks.
_TEAMS: Final = _teams()
_MOST: Final = ("at-once", "digest", "on-call", "off")
