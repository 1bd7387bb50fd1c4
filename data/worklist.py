"""Who needs me today: the flags that stand, most pressing first, and how fresh that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from clinical.finding import SEVERITIES
from data.cohort import in_team, named_like
from data.deadlines import due_on, overdue_before
from data.flag_moves import STANDING
from data.flag_sentences import sentence
from data.freshness import dead_mails
from data.job_runs import last_done
from data.models import Flag, Judgement, Outbox, Patient, PatientSurvivor, Person
from data.people import Actor, reached, visible
from data.reviews import not_reviewed, reviewed_until
from data.survivors import standing_id
from data.withheld import mute_end

SWEEPS = ("sweep", "full-sweep")

Column = Literal["severity", "patient", "since", "status"]
Direction = Literal["asc", "desc"]
COLUMNS: Final[tuple[Column, ...]] = get_args(Column)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistView:
    """Which of the flags, in which order. `find`: part of a name or hospital number; `mine`: the actor is the owner;
    `sort` None: the gravest first, then the one that has stood longest."""

    find: str | None = None
    severity: str | None = None
    axis: str | None = None
    team: str | None = None
    mine: bool = False
    overdue: bool = False
    sort: tuple[Column, Direction] | None = None


EVERYTHING: Final = WorklistView()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistRow:
    """One standing flag. `due` None: at the next visit; not before `reviewed_until`, the day until which somebody saw
    nothing to do for the patient. `cleared_at`: when the data cleared it, unseen by anybody. `muted_until`: a team of
    the patient gets no mail of it."""

    flag: str
    severity: str
    status: str
    mrn: str
    patient_name: str | None
    birth_date: date | None
    rule: str
    axis: str
    title: str
    why: str
    since: datetime
    first_evidence_at: datetime
    owner: str | None
    due: date | None
    overdue: bool
    cleared_at: datetime | None
    snoozed_until: datetime | None
    reviewed_until: date | None
    muted_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistStrip:
    """The state of surveillance, counted over what the actor may see; mail and sweeps are the site's.

    `last_sweep_at` None: no sweep has ever finished. `patients_failing` of the `patients` cannot be judged just now,
    `patients_judged` were, the others never.
    """

    open_by_severity: Mapping[str, int]
    oldest_unacknowledged: datetime | None
    last_sweep_at: datetime | None
    patients: int
    patients_judged: int
    patients_failing: int
    oldest_unsent_mail: datetime | None
    dead_mails: int


def worklist(
    session: Session, actor: Actor, view: WorklistView = EVERYTHING, *, now: datetime, zone: ZoneInfo
) -> tuple[WorklistRow, ...]:
    """Every flag that stands for the patients `actor` may see, in this view."""
    return worklist_page(session, actor, view, now=now, zone=zone)[0]


def worklist_page(
    session: Session,
    actor: Actor,
    view: WorklistView,
    *,
    now: datetime,
    zone: ZoneInfo,
    start: int = 0,
    end: int | None = None,
) -> tuple[tuple[WorklistRow, ...], int]:
    """The rows `start` to before `end` of the flags that stand in this view, and how many stand in all of it."""
    today = now.astimezone(zone).date()
    ids, count = _chosen(session, actor, view, today, zone, slice(start, end))
    found = session.execute(
        _of_patients(
            select(
                *(Flag.id, Flag.severity, Flag.status, Patient.mrn, Patient.name, Patient.birth_date, Flag.rule),
                *(Flag.axis, Flag.title, Flag.why, Flag.opened_at, Flag.first_evidence_at, Person.name.label("owner")),
                *(Flag.cleared_at, Flag.snoozed_until, Flag.finding["said"].label("said")),
                *(reviewed_until(today).label("reviewed_until"), mute_end(now).label("muted_until")),
            )
        )
        .join(Person, Person.id == Flag.owner_id, isouter=True)
        .where(Flag.id.in_(ids))
    )
    by_id = {row.id: row for row in found}
    return _rows((by_id[id] for id in ids), today, zone), count


def _rows(found: Iterable[Any], today: date, zone: ZoneInfo) -> tuple[WorklistRow, ...]:
    return tuple(
        WorklistRow(
            flag=row.id,
            severity=row.severity,
            status=row.status,
            mrn=row.mrn,
            patient_name=row.name,
            birth_date=row.birth_date,
            rule=row.rule,
            axis=row.axis,
            title=sentence(row.said, "title", row.title),
            why=sentence(row.said, "why", row.why),
            since=row.opened_at,
            first_evidence_at=row.first_evidence_at,
            owner=row.owner,
            due=(due := _due(row, zone)),
            overdue=due is not None and due < today,
            cleared_at=row.cleared_at,
            snoozed_until=row.snoozed_until,
            reviewed_until=row.reviewed_until,
            muted_until=row.muted_until,
        )
        for row in found
    )


def _due(row: Any, zone: ZoneInfo) -> date | None:
    due = due_on(row.severity, row.opened_at, zone)
    return due if due is None or row.reviewed_until is None else max(due, row.reviewed_until)


def _chosen(
    session: Session, actor: Actor, view: WorklistView, today: date, zone: ZoneInfo, part: slice
) -> tuple[list[str], int]:
    """The ids of a part of the view, in its order, and how many there are: one pass over what stands.

    First which, then what of them: a sort that carries the sentences along moves megabytes.
    """
    order = [*_order(view), (Flag.opened_at, "asc"), (Flag.id, "asc")]
    keys = [column.label(f"key_{place}") for place, (column, _) in enumerate(order)]
    query = select(Flag.id.label("chosen_id"), *keys).select_from(Flag)
    if view.sort is not None and view.sort[0] == "patient":
        query = _of_patients(query)
    filters = (Flag.status.in_(sorted(STANDING)), _of(actor, view), *_filters(actor, view, today, zone))
    chosen = query.where(*filters).cte("chosen")
    count = select(func.count()).select_from(chosen)
    turned = [
        chosen.c[f"key_{place}"].desc() if direction == "desc" else chosen.c[f"key_{place}"].asc()
        for place, (_, direction) in enumerate(order)
    ]
    wanted = select(chosen.c.chosen_id, count.scalar_subquery()).order_by(*turned).offset(part.start)
    if part.stop is not None:
        wanted = wanted.limit(max(0, part.stop - part.start))
    found = session.execute(wanted).all()
    return [id for id, _ in found], found[0][1] if found else session.scalar(count) or 0


def _of_patients(query: Any) -> Select[Any]:
    joined: Select[Any] = query.select_from(Flag).join(Patient, Patient.id == standing_id(Flag.patient_id))
    return joined


def _of(actor: Actor, view: WorklistView) -> ColumnElement[bool]:
    """Flags of the patients of the view and of those merged into them: lists made once, no look-up for each flag."""
    wanted: list[ColumnElement[bool]] = []
    if view.find:
        wanted.append(named_like(view.find))
    if view.team is not None:
        wanted.append(in_team(actor, view.team))
    if not wanted:
        return reached(actor, Flag.patient_id)
    wanted.append(visible(actor))
    merged = select(PatientSurvivor.patient_id).join(Patient, Patient.id == PatientSurvivor.survivor_id)
    return or_(Flag.patient_id.in_(select(Patient.id).where(*wanted)), Flag.patient_id.in_(merged.where(*wanted)))


def _filters(actor: Actor, view: WorklistView, today: date, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if view.severity is not None:
        found.append(Flag.severity == view.severity)
    if view.axis is not None:
        found.append(Flag.axis == view.axis)
    if view.mine:
        found.append(Flag.owner_id == actor.person_id)
    if view.overdue:
        limits = {name: overdue_before(name, today, zone) for name in SEVERITIES}
        found.append(
            or_(*((Flag.severity == n) & (Flag.opened_at < limit) for n, limit in limits.items() if limit is not None))
        )
        found.append(not_reviewed(today))
    return found


def _order(view: WorklistView) -> list[tuple[Any, Direction]]:
    rank = case({name: place for place, name in enumerate(SEVERITIES)}, value=Flag.severity)
    if view.sort is None:
        return [(rank, "asc")]
    name, direction = view.sort
    columns: dict[Column, Any] = {
        "severity": rank,
        "patient": func.lower(func.coalesce(Patient.name, Patient.mrn)),
        "since": Flag.opened_at,
        "status": Flag.status,
    }
    return [(columns[name], direction), (rank, "asc")]


def worklist_strip(session: Session, actor: Actor) -> WorklistStrip:
    """What stands above the worklist: open flags by severity, how old the oldest unseen is, sweeps and mail."""
    flags = session.execute(
        select(Flag.severity, func.count(), func.min(Flag.opened_at))
        .select_from(Flag)
        .join(Patient, Patient.id == standing_id(Flag.patient_id))
        .where(Flag.status == "open", visible(actor))
        .group_by(Flag.severity)
    ).all()
    patients, judged, failing = session.execute(
        select(
            func.count(Patient.id),
            func.count(Judgement.patient_id).filter(Judgement.failures == 0),
            func.count(Judgement.patient_id).filter(Judgement.failures > 0),
        )
        .select_from(Patient)
        .join(Judgement, Judgement.patient_id == Patient.id, isouter=True)
        .where(visible(actor))
    ).one()
    counts = {severity: count for severity, count, _ in flags}
    sweeps = [ended for job in SWEEPS if (ended := last_done(session, job)) is not None]
    return WorklistStrip(
        open_by_severity={severity: counts.get(severity, 0) for severity in SEVERITIES},
        oldest_unacknowledged=min((oldest for _, _, oldest in flags), default=None),
        last_sweep_at=max(sweeps, default=None),
        patients=patients,
        patients_judged=judged,
        patients_failing=failing,
        oldest_unsent_mail=_oldest_unsent(session),
        dead_mails=dead_mails(session),
    )


def _oldest_unsent(session: Session) -> datetime | None:
    held = (Outbox.state == "pending") & Outbox.held_until.is_not(None)
    waiting = Outbox.state.in_(("pending", "sending", "retry")), Outbox.kind != "digest", ~held
    return session.scalar(select(func.min(func.coalesce(Outbox.held_until, Outbox.created_at))).where(*waiting))
