"""Mails that are not written because a team has muted a rule: whom that spares, and what is told when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, exists, func, insert, literal, or_, select
from sqlalchemy.orm import Session

from clinical.saying import Day, say
from data.models import Flag, FlagWithheld, PatientTeam, RuleMute, Team
from data.survivors import standing_id

NEVER: Final = frozenset({"urgent"})
"""Severities that no mute withholds."""


def standing_at(now: datetime) -> ColumnElement[bool]:
    """The where-clause on `RuleMute` that leaves those which withhold mails at `now`."""
    over = or_(RuleMute.until <= now, RuleMute.ended_at <= now)
    return and_(RuleMute.since <= now, ~func.coalesce(over, False))


def muting_teams(session: Session, patient_id: int, rule: str, severity: str, now: datetime) -> dict[int, RuleMute]:
    """The patient's teams to which a flag of this rule and severity is not told now, each with its mute."""
    if severity in NEVER:
        return {}
    follows = exists().where(
        PatientTeam.team_id == RuleMute.team_id,
        standing_id(PatientTeam.patient_id) == standing_id(literal(patient_id)),
    )
    rows = session.scalars(select(RuleMute).where(RuleMute.rule == rule, standing_at(now), follows))
    return {row.team_id: row for row in rows}


def withhold(session: Session, flag_id: str, team_ids: Iterable[int], now: datetime) -> None:
    """Remember that these teams and no others are not told of the flag, so that they are once their mute is over."""
    session.execute(_FORGET, {"flag": flag_id})
    rows = [{"flag_id": flag_id, "team_id": team_id, "at": now} for team_id in sorted(team_ids)]
    if rows:
        session.execute(insert(FlagWithheld), rows)


# Put together once, as every flag that opens runs the one, and one that nobody was told of the other.
_WITHHELD: Final = (
    select(Team.name, func.max(RuleMute.until))
    .select_from(FlagWithheld)
    .join(Flag, Flag.id == FlagWithheld.flag_id)
    .join(Team, Team.id == FlagWithheld.team_id)
    .join(RuleMute, and_(RuleMute.team_id == FlagWithheld.team_id, RuleMute.rule == Flag.rule))
    .where(FlagWithheld.flag_id == bindparam("flag"))
    .group_by(Team.name)
    .order_by(Team.name)
    .limit(1)
)
_FORGET: Final = delete(cast("Table", FlagWithheld.__table__)).where(FlagWithheld.flag_id == bindparam("flag"))


def why_withheld(session: Session, flag_id: str) -> str | None:
    """Why nobody was told of a flag; None where no mute withholds its mails."""
    row = session.execute(_WITHHELD, {"flag": flag_id}).one_or_none()
    if row is None:
        return None
    team, until = row
    return say("no mail: {team} has muted this rule until {day}", team=team, day=Day(until.date().isoformat()))


def withheld_and_over(session: Session, now: datetime) -> Sequence[Any]:
    """The flags (`id, patient_id, rule, severity, episode, status`) of which a team was not told and whose mute is
    over; that they were withheld is forgotten."""
    muted = exists().where(RuleMute.rule == Flag.rule, RuleMute.team_id == FlagWithheld.team_id, standing_at(now))
    rows = session.execute(
        select(Flag.id, Flag.patient_id, Flag.rule, Flag.severity, Flag.episode, Flag.status)
        .join(FlagWithheld, FlagWithheld.flag_id == Flag.id)
        .where(~muted)
        .distinct()
        .order_by(Flag.id)
    ).all()
    session.execute(delete(FlagWithheld).where(FlagWithheld.flag_id.in_([row.id for row in rows])))
    return rows


def mute_end(now: datetime) -> ColumnElement[Any]:
    """For a query of `Flag`: the moment until which a team of its patient is not told of it; NULL where all are."""
    same = standing_id(PatientTeam.patient_id) == standing_id(Flag.patient_id)
    follows = exists().where(PatientTeam.team_id == RuleMute.team_id, same).correlate_except(PatientTeam)
    return (
        select(func.max(RuleMute.until))
        .where(RuleMute.rule == Flag.rule, Flag.severity.not_in(sorted(NEVER)), standing_at(now), follows)
        .correlate(Flag)
        .scalar_subquery()
    )


def muted_until(session: Session, flag_id: str, now: datetime) -> datetime | None:
    """The moment until which a team of the flag's patient is not told of it; None where all are. Within a check of the
    caller: nothing is asked about who may see the flag."""
    return session.scalar(select(mute_end(now)).select_from(Flag).where(Flag.id == flag_id))


def is_withheld(flag_id: Any) -> ColumnElement[bool]:
    """The where-clause that leaves flags whose mails a mute withholds."""
    return exists().where(FlagWithheld.flag_id == flag_id)
