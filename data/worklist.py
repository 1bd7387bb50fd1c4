"""Who needs me today: the flags that stand, most pressing first, and how fresh that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from clinical.finding import SEVERITIES
from data.deadlines import due_on
from data.flag_moves import STANDING
from data.freshness import dead_mails
from data.job_runs import last_done
from data.models import Flag, Judgement, Outbox, Patient, Person
from data.people import Actor, visible

SWEEPS = ("sweep", "full-sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistRow:
    """One standing flag. `due` None: at the next visit. `cleared_at`: when the data cleared it, unseen by anybody."""

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


def worklist(session: Session, actor: Actor, *, now: datetime, zone: ZoneInfo) -> tuple[WorklistRow, ...]:
    """Every flag that stands for the patients `actor` may see, by severity, then by the time it has stood."""
    rank = case({name: place for place, name in enumerate(SEVERITIES)}, value=Flag.severity)
    rows = session.execute(
        select(
            *(Flag.id, Flag.severity, Flag.status, Patient.mrn, Patient.name, Patient.birth_date, Flag.rule),
            *(Flag.axis, Flag.title, Flag.why, Flag.opened_at, Flag.first_evidence_at, Person.name.label("owner")),
            *(Flag.cleared_at, Flag.snoozed_until),
        )
        .join(Patient, Patient.id == Flag.patient_id)
        .join(Person, Person.id == Flag.owner_id, isouter=True)
        .where(Flag.status.in_(sorted(STANDING)), visible(actor))
        .order_by(rank, Flag.opened_at, Flag.id)
    )
    today = now.astimezone(zone).date()
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
            title=row.title,
            why=row.why,
            since=row.opened_at,
            first_evidence_at=row.first_evidence_at,
            owner=row.owner,
            due=(due := due_on(row.severity, row.opened_at, zone)),
            overdue=due is not None and due < today,
            cleared_at=row.cleared_at,
            snoozed_until=row.snoozed_until,
        )
        for row in rows
    )


def worklist_strip(session: Session, actor: Actor) -> WorklistStrip:
    """What stands above the worklist: open flags by severity, how old the oldest unseen is, sweeps and mail."""
    flags = session.execute(
        select(Flag.severity, func.count(), func.min(Flag.opened_at))
        .join(Patient, Patient.id == Flag.patient_id)
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
    waiting = Outbox.state.in_(("pending", "sending", "retry")), Outbox.kind != "digest"
    return session.scalar(select(func.min(Outbox.created_at)).where(*waiting))
