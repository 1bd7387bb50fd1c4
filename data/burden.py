"""What the rules cost and give, by rule and team over a span: how many flags, what people did with them, how soon.

All of it is counted by the database. A flag counts for every team that follows its patient, so teams do not add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, cast, distinct, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from data.decisions import NOT_APPLICABLE
from data.models import Flag, FlagDecision, FlagHistory, Patient, PatientTeam, Team
from data.models.base import Instant, to_ms
from data.people import Actor, Forbidden
from data.survivors import not_merged, standing_id

READERS: Final = frozenset({"oncologist", "nurse", "admin", "auditor"})
MONTH: Final = timedelta(days=30.4375)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """One rule in one team. `opened` flags in the span, of which `acted_on` have a decision other than "does not
    apply", `set_aside` that decision (`reasons`: by its coded reason), `untouched` neither one nor an acknowledgement.

    `acknowledged` were taken by a person, half of them within `median`, nine in ten within `ninth`; None for none.
    """

    rule: str
    team: str
    opened: int
    patient_months: float
    acted_on: int = 0
    set_aside: int = 0
    untouched: int = 0
    acknowledged: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    median: timedelta | None = None
    ninth: timedelta | None = None

    @property
    def per_month(self) -> float | None:
        """Flags per patient and month; None where less than one month of one patient was followed in all."""
        return self.opened / self.patient_months if self.patient_months >= 1 else None


def burden(session: Session, actor: Actor, *, since: datetime, until: datetime) -> tuple[Burden, ...]:
    """The burden of flags opened from `since` to before `until`, by team and rule.

    Clinicians see their teams, admins and auditors all: counts name nobody. Raises Forbidden for other roles,
    ValueError for a span that is none.
    """
    if actor.role not in READERS:
        raise Forbidden(f"the burden of the rules is not for the role {actor.role}")
    if since >= until:
        raise ValueError("the span ends before it begins")
    flags = _flags(actor, since, until)
    months = _patient_months(session, actor, since, until)
    reasons: dict[tuple[int, str], dict[str, int]] = {}
    for team_id, rule, reason, count in session.execute(_reasons(flags)):
        reasons.setdefault((team_id, rule), {})[reason] = count
    waits = {(row.team_id, row.rule): row for row in session.execute(_waits(flags))}
    names = {id: name for id, name in session.execute(select(Team.id, Team.name))}
    found = []
    for row in session.execute(_counts(flags)):
        wait = waits.get((row.team_id, row.rule))
        found.append(
            Burden(
                rule=row.rule,
                team=names[row.team_id],
                opened=row.opened,
                patient_months=months.get(row.team_id, 0.0),
                acted_on=row.acted_on,
                set_aside=row.set_aside,
                untouched=row.untouched,
                acknowledged=0 if wait is None else wait.taken,
                reasons=reasons.get((row.team_id, row.rule), {}),
                median=None if wait is None else timedelta(milliseconds=float(wait.median)),
                ninth=None if wait is None else timedelta(milliseconds=float(wait.ninth)),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.team, one.rule)))


def _flags(actor: Actor, since: datetime, until: datetime) -> Any:
    """Each flag of the span once for each team, with what a person decided and when it was opened and taken (ms)."""
    follows = _follows(actor)
    history, decision = FlagHistory, FlagDecision
    written = select(func.min(history.at)).where(history.flag_id == Flag.id)
    began = written.where(history.from_status.is_(None)).correlate(Flag).scalar_subquery()
    taken = written.where(history.to_status == "acknowledged", history.person_id.is_not(None)).correlate(Flag)
    decided = exists().where(decision.flag_id == Flag.id)
    return (
        select(
            *(Flag.id, Flag.rule, follows.c.team_id),
            _one(decided.where(decision.decision != NOT_APPLICABLE)).label("acted_on"),
            _one(decided.where(decision.decision == NOT_APPLICABLE)).label("set_aside"),
            _one(decided).label("decided"),
            cast(taken.scalar_subquery() - began, Instant.impl).label("wait"),
        )
        .select_from(Flag)
        .join(follows, follows.c.patient_id == standing_id(Flag.patient_id))
        .where(Flag.opened_at >= since, Flag.opened_at < until)
        .cte("flags")
    )


def _counts(flags: Any) -> Select[Any]:
    left = case((and_(flags.c.decided == 0, flags.c.wait.is_(None)), 1), else_=0)
    return select(
        flags.c.team_id,
        flags.c.rule,
        func.count().label("opened"),
        func.sum(flags.c.acted_on).label("acted_on"),
        func.sum(flags.c.set_aside).label("set_aside"),
        func.sum(left).label("untouched"),
    ).group_by(flags.c.team_id, flags.c.rule)


def _reasons(flags: Any) -> Select[Any]:
    return (
        select(flags.c.team_id, flags.c.rule, FlagDecision.reason, func.count(distinct(flags.c.id)))
        .join(FlagDecision, FlagDecision.flag_id == flags.c.id)
        .where(FlagDecision.reason.is_not(None))
        .group_by(flags.c.team_id, flags.c.rule, FlagDecision.reason)
    )


def _waits(flags: Any) -> Select[Any]:
    """The median (the mean of the two middle ones of an even number) and the ninth tenth (nearest rank)."""
    by = (flags.c.team_id, flags.c.rule)
    ranked = (
        select(
            flags.c.team_id,
            flags.c.rule,
            flags.c.wait,
            func.row_number().over(partition_by=by, order_by=flags.c.wait).label("place"),
            func.count().over(partition_by=by).label("taken"),
        )
        .where(flags.c.wait.is_not(None))
        .subquery()
    )
    place, taken = ranked.c.place, ranked.c.taken
    middle = or_(place * 2 == taken, place * 2 == taken + 1, place * 2 == taken + 2)
    ninth = and_(place * 10 >= taken * 9, (place - 1) * 10 < taken * 9)
    return select(
        ranked.c.team_id,
        ranked.c.rule,
        func.max(taken).label("taken"),
        func.avg(case((middle, ranked.c.wait))).label("median"),
        func.max(case((ninth, ranked.c.wait))).label("ninth"),
    ).group_by(ranked.c.team_id, ranked.c.rule)


def _follows(actor: Actor) -> Any:
    """Each patient once for each of the actor's teams that follows them, merged ones as their survivor."""
    patient = standing_id(PatientTeam.patient_id).label("patient_id")
    return select(PatientTeam.team_id, patient).where(_of(actor)).distinct().subquery()


def _patient_months(session: Session, actor: Actor, since: datetime, until: datetime) -> dict[int, float]:
    """By team how long its patients were followed within the span, summed, in months."""
    begins, ends = (cast(literal(to_ms(moment)), Instant.impl) for moment in (since, until))
    last: ColumnElement[Any] = ends
    for column in (Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at):
        ended = cast(column, Instant.impl)
        last = case((and_(column.is_not(None), ended < last), ended), else_=last)
    created = cast(Patient.created_at, Instant.impl)
    first = case((created > begins, created), else_=begins)
    follows = _follows(actor)
    rows = session.execute(
        select(follows.c.team_id, func.sum(case((last > first, last - first), else_=0)))
        .join(Patient, Patient.id == follows.c.patient_id)
        .where(not_merged())
        .group_by(follows.c.team_id)
    )
    return {team_id: float(total) / (MONTH / timedelta(milliseconds=1)) for team_id, total in rows}


def _of(actor: Actor) -> ColumnElement[bool]:
    if actor.role in ("oncologist", "nurse"):
        return PatientTeam.team_id.in_(sorted(actor.team_ids))
    return literal(True)


def _one(condition: Any) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
