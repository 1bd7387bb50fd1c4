"""How is everybody: the patients an actor may see, filtered, sorted and cut to a page by the database.

What a row shows was kept when the patient was last judged (`data.glance`); nobody is judged to show a list, and a row
says how old it is and whether newer data wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.finding import SEVERITIES
from data.charts import load_part
from data.flag_moves import STANDING
from data.flag_sentences import sentence
from data.glance import Glance, read_glance
from data.models import Flag, IngestPatient, Judgement, Patient, PatientReview, PatientTeam, Team, Watermark
from data.models import Glance as Stored
from data.people import Actor, visible
from data.reviews import newest_review
from data.survivors import standing_id, survivors

Column = Literal[
    "patient",
    "flags",
    "state",
    "seen",
    "glucagon",
    "course",
    "skin",
    "imaging",
    "best",
    "hba1c",
    "in-range",
    "weight",
    "regimen",
    "next",
]
Direction = Literal["asc", "desc"]
COLUMNS: Final[tuple[Column, ...]] = get_args(Column)
COURSE_KINDS: Final = ("therapy", "lesion", "response", "state", "finding")
# The others tell whether a glucagon sample may be judged (clinical.validity).
COURSE_ANALYTES: Final = ("glucagon", "glucose", "glucose-fasting", "egfr", "crp")
OVERDUE_RULES: Final = ("R30",)
"""One flag a patient names everything that is overdue (decision 0008)."""
_RANK: Final = case({severity: place for place, severity in enumerate(SEVERITIES)}, value=Flag.severity)
_OWNER: Final = standing_id(Flag.patient_id)
_WORST: Final = (
    select(_OWNER.label("patient_id"), func.min(_RANK).label("rank"))
    .where(Flag.status.in_(sorted(STANDING)))
    .group_by(_OWNER)
    .subquery("worst")
)
_SORTED_BY: Final[Mapping[Column, ColumnElement[Any]]] = {
    "patient": func.lower(func.coalesce(Patient.name, Patient.mrn)),
    "flags": _WORST.c.rank,
    "state": Stored.__table__.c.state,
    "seen": Stored.__table__.c.last_seen_at,
    "glucagon": Stored.__table__.c.glucagon_times,
    "course": Stored.__table__.c.glucagon_course,
    "skin": Stored.__table__.c.iga,
    "imaging": Stored.__table__.c.response,
    "best": Stored.__table__.c.best_change,
    "hba1c": Stored.__table__.c.hba1c,
    "in-range": Stored.__table__.c.in_range,
    "weight": Stored.__table__.c.weight_change,
    "regimen": Stored.__table__.c.drug,
    "next": Stored.__table__.c.next_injection,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortView:
    """Which of the patients, in which order. `find`: part of a name, a hospital number or a drug; `flags`: `any`, or a
    severity of which one stands; `overdue`: checks are; `sort` None: by name."""

    find: str | None = None
    team: str | None = None
    state: str | None = None
    flags: str | None = None
    overdue: bool = False
    sort: tuple[Column, Direction] | None = None


EVERYBODY: Final = CohortView()


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRow:
    """One patient. `glance` None: not judged yet, or nothing could be summed up. `overdue` is what the flag of overdue
    checks says, None without one.

    `reviewed_until` is the day of the newest review of the patient as a whole, `review_ended` when something worse
    ended it. `as_of` is the moment the glance is of; `waiting`: newer data wait for the sweep; `failing`: the last
    tries to judge the patient failed.
    """

    uuid: str
    mrn: str
    name: str | None
    birth_date: date | None
    deceased: bool
    glance: Glance | None
    as_of: datetime | None
    waiting: bool
    failing: bool
    flags: Mapping[str, int]
    overdue: str | None
    reviewed_until: date | None
    review_ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A patient with a chart that holds treatment, lesions, responses, glucagon and what may speak against it."""

    mrn: str
    name: str | None
    chart: Chart


def cohort(
    session: Session, actor: Actor, view: CohortView = EVERYBODY, *, start: int = 0, end: int | None = None
) -> tuple[CohortRow, ...]:
    """The rows `start` to before `end` of the patients `actor` may see in this view."""
    order = [*_order(view), func.lower(Patient.name), Patient.mrn]
    chosen = _joined(select(Patient.id), actor, view).order_by(*order).offset(start)
    # First who, then what of them: a sort that carries the glances along moves megabytes.
    ids = list(session.scalars(chosen if end is None else chosen.limit(max(0, end - start))))
    found = session.execute(
        _with_glance(
            select(
                *(Patient.id, Patient.uuid, Patient.mrn, Patient.name, Patient.birth_date, Patient.deceased_at),
                *(Stored.form, Stored.as_of, Stored.content, Judgement.failures, Judgement.judged_seq),
                newest_review(PatientReview.until).label("reviewed_until"),
                newest_review(PatientReview.ended_at).label("review_ended"),
            )
        ).where(Patient.id.in_(ids))
    )
    by_id = {row.id: row for row in found}
    rows = [by_id[id] for id in ids]
    merged = survivors(session)
    flags, overdue = _flags(session, ids, merged)
    waiting = _waiting(session, {row.id: row.judged_seq for row in rows}, merged)
    return tuple(
        CohortRow(
            uuid=row.uuid,
            mrn=row.mrn,
            name=row.name,
            birth_date=row.birth_date,
            deceased=row.deceased_at is not None,
            glance=read_glance(row.form, row.content),
            as_of=row.as_of,
            waiting=row.id in waiting,
            failing=bool(row.failures),
            flags={severity: flags.get(row.id, {}).get(severity, 0) for severity in SEVERITIES},
            overdue=overdue.get(row.id),
            reviewed_until=row.reviewed_until,
            review_ended=row.review_ended,
        )
        for row in rows
    )


def cohort_count(session: Session, actor: Actor, view: CohortView = EVERYBODY) -> int:
    """How many patients `actor` may see in this view."""
    counted = select(func.count(Patient.id)).select_from(Patient)
    if view.find or view.state is not None:
        counted = counted.join(Stored, Stored.patient_id == Patient.id, isouter=True)
    return session.scalar(counted.where(visible(actor), *_filters(actor, view))) or 0


def courses(session: Session, actor: Actor, view: CohortView, *, limit: int) -> tuple[Course, ...]:
    """Treatment, scans and glucagon of the first `limit` patients of the view, in its order."""
    query = (
        _joined(select(Patient.id, Patient.mrn, Patient.name), actor, view)
        .order_by(*_order(view), func.lower(Patient.name), Patient.mrn)
        .limit(limit)
    )
    found = session.execute(query).all()
    charts = load_part(session, [row.id for row in found], kinds=COURSE_KINDS, analytes=COURSE_ANALYTES)
    return tuple(Course(mrn=row.mrn, name=row.name, chart=charts[row.id]) for row in found)


def best_changes(session: Session, actor: Actor, view: CohortView) -> list[tuple[str, str | None, str | None, float]]:
    """Hospital number, name, latest response and best change of the sum of target lesions (percent of the baseline) of
    everybody in the view who has one, the deepest fall last."""
    query = (
        _joined(select(Patient.mrn, Patient.name, Stored.response, Stored.best_change), actor, replace(view, sort=None))
        .where(Stored.best_change.is_not(None))
        .order_by(Stored.best_change.desc(), Patient.mrn)
    )
    return [(mrn, name, response, percent) for mrn, name, response, percent in session.execute(query)]


def team_names(session: Session, actor: Actor) -> tuple[str, ...]:
    """The teams whose patients the actor sees, by name."""
    return tuple(session.scalars(select(Team.name).where(_own_team(actor)).order_by(Team.name)))


def in_team(actor: Actor, name: str) -> ColumnElement[bool]:
    """The where-clause on `Patient.id` for patients, or patients merged into them, of a team of the actor's."""
    theirs = select(standing_id(PatientTeam.patient_id)).join(Team, Team.id == PatientTeam.team_id)
    return Patient.id.in_(theirs.where(Team.name == name, _own_team(actor)))


def named_like(find: str) -> ColumnElement[bool]:
    """The where-clause on `patient` for a part of a name or number, letters of either case."""
    return or_(
        func.lower(Patient.name).contains(find.lower(), autoescape=True),
        func.lower(Patient.mrn).contains(find.lower(), autoescape=True),
    )


def _own_team(actor: Actor) -> ColumnElement[bool]:
    return Team.id.in_(sorted(actor.team_ids))


def _with_glance(query: Any) -> Select[Any]:
    joined: Select[Any] = (
        query.select_from(Patient)
        .join(Stored, Stored.patient_id == Patient.id, isouter=True)
        .join(Judgement, Judgement.patient_id == Patient.id, isouter=True)
    )
    return joined


def _joined(query: Any, actor: Actor, view: CohortView) -> Select[Any]:
    joined = _with_glance(query)
    if view.sort is not None and view.sort[0] == "flags":
        joined = joined.join(_WORST, _WORST.c.patient_id == Patient.id, isouter=True)
    return joined.where(visible(actor), *_filters(actor, view))


def _filters(actor: Actor, view: CohortView) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if view.find:
        found.append(or_(named_like(view.find), func.lower(Stored.drug).contains(view.find.lower(), autoescape=True)))
    if view.team is not None:
        found.append(in_team(actor, view.team))
    if view.state is not None:
        found.append(func.coalesce(Stored.state, "unknown") == view.state)
    if view.flags is not None:
        found.append(_flagged(() if view.flags == "any" else (Flag.severity == view.flags,)))
    if view.overdue:
        found.append(_flagged((Flag.rule.in_(OVERDUE_RULES),)))
    return found


def _flagged(which: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    return Patient.id.in_(select(standing_id(Flag.patient_id)).where(Flag.status.in_(sorted(STANDING)), *which))


def _order(view: CohortView) -> list[Any]:
    if view.sort is None:
        return []
    name, direction = view.sort
    column = _SORTED_BY[name]
    if name == "patient":
        return [column.desc() if direction == "desc" else column.asc()]
    # What is not known stands last whichever way the rest is sorted.
    return [case((column.is_(None), 1), else_=0), column.desc() if direction == "desc" else column.asc()]


def _flags(
    session: Session, ids: Sequence[int], merged: Mapping[int, int]
) -> tuple[dict[int, dict[str, int]], dict[int, str]]:
    """By patient the number of standing flags of each severity, and what the flag of overdue checks says."""
    shown = set(ids)
    members = [*ids, *(id for id, survivor in merged.items() if survivor in shown)]
    counts: dict[int, dict[str, int]] = {}
    overdue: dict[int, str] = {}
    said = case((Flag.rule.in_(OVERDUE_RULES), Flag.finding["said"]["title"]))
    rows = session.execute(
        select(Flag.patient_id, Flag.severity, Flag.rule, Flag.title, said).where(
            Flag.patient_id.in_(members), Flag.status.in_(sorted(STANDING))
        )
    )
    for patient_id, severity, rule, title, made in rows:
        owner = merged.get(patient_id, patient_id)
        own = counts.setdefault(owner, {})
        own[severity] = own.get(severity, 0) + 1
        if rule in OVERDUE_RULES:
            overdue[owner] = sentence({"title": made}, "title", title)
    return counts, overdue


def _waiting(session: Session, judged: Mapping[int, int | None], merged: Mapping[int, int]) -> set[int]:
    """Those for whom something came in that no judgement has seen; the stream is read from the watermark on only."""
    read_to = session.scalar(select(func.min(Watermark.last_seq))) or 0
    rows = session.execute(
        select(IngestPatient.patient_id, func.max(IngestPatient.seq))
        .where(IngestPatient.seq > read_to)
        .group_by(IngestPatient.patient_id)
    )
    found = set()
    for patient_id, newest in rows:
        owner = merged.get(patient_id, patient_id)
        if owner in judged and newest > (judged[owner] or 0):
            found.add(owner)
    return found
