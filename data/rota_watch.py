"""Holes in the rota are told to the admins a week before they are reached, each once; so are teams without anybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, alarm
from data.models import Patient, PatientTeam, RotaGap, RotaWeek
from data.rota import monday_of, reached, read_roster
from data.telling import local_day
from data.upsert import insert_or

AHEAD_DAYS: Final = 8
"""Today and the seven days that follow."""


def watch_rota(session: Session, policy: MailPolicy, *, now: datetime) -> int:
    """Tell the admins of weeks with a day on which nobody is on call, from today a week ahead, and of teams with
    patients but nobody to tell; returns of how many they are told now. What was filled is forgotten, so that the next
    hole in the same week is told again."""
    today = local_day(now, policy.zone)
    found = {**coming_gaps(session, today), **_unmanned(session, today)}
    known = {(row.team_id, row.monday) for row in session.execute(select(RotaGap.team_id, RotaGap.monday))}
    for team_id, monday in known - set(found):
        session.execute(delete(RotaGap).where(RotaGap.team_id == team_id, RotaGap.monday == monday))
    new = sorted(set(found) - known)
    for team_id, monday in new:
        session.execute(
            insert_or(session, RotaGap.__table__)
            .values(team_id=team_id, monday=monday, noticed_at=now)
            .on_conflict_do_nothing()
        )
    if new:
        first = min(found[key] for key in new)
        alarm(session, "rota-gap", policy, now, gaps=len(new), days=(first - today).days)
    return len(new)


def coming_gaps(session: Session, today: date) -> Mapping[tuple[int, date], date]:
    """By team and Monday of the week the first day within the coming week on which nobody is on call.

    Of teams that have a rota: those that have named somebody for any week.
    """
    team_ids = list(session.scalars(select(RotaWeek.team_id).distinct()))
    days = [today + timedelta(days=n) for n in range(AHEAD_DAYS)]
    roster = read_roster(session, team_ids, days[0], days[-1])
    found: dict[tuple[int, date], date] = {}
    for team_id in team_ids:
        for day in roster.gaps(team_id, days):
            found.setdefault((team_id, monday_of(day)), day)
    return found


def _unmanned(session: Session, today: date) -> Mapping[tuple[int, date], date]:
    ended = func.coalesce(Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at)
    caring = session.scalars(
        select(PatientTeam.team_id)
        .join(Patient, Patient.id == PatientTeam.patient_id)
        .where(ended.is_(None))
        .distinct()
    ).all()
    manned = reached(session, caring)
    return {(team_id, monday_of(today)): today for team_id in caring if not manned.get(team_id)}
