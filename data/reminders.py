"""The weekly mail: how many patients of one's teams owe a check or have an injection planned, and how many low flags
the week has brought, which are told in no other mail.

One mail a person and ISO week, whenever in the week the job first runs, and none where there is nothing. Counts only.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, counting_mail
from data.cohort import OVERDUE_RULES
from data.flag_moves import CLOSED
from data.models import Flag, Glance, Outbox, Patient, PatientTeam, Person, PersonTeam, RuleMute
from data.people import CLINICAL_ROLES
from data.survivors import standing_id
from data.upsert import insert_or
from data.withheld import standing_at

AHEAD: Final = timedelta(days=7)
BEHIND: Final = timedelta(days=7)
FAMILY: Final = UUID("5f0c1d4e-6a56-4e4c-9a59-6f8f4b1d7c52")
"""Makes the id of a reminder out of person and week, so that a second run of one week writes nothing."""


def write_reminders(session: Session, local_date: date, policy: MailPolicy, *, now: datetime) -> int:
    """The mails written for the week of `local_date`: enabled oncologists and nurses for whom something is owed."""
    year, week, _ = local_date.isocalendar()
    people = session.scalars(
        select(Person.id)
        .where(Person.role.in_(CLINICAL_ROLES), Person.disabled_at.is_(None))
        .where(Person.id.in_(select(PersonTeam.person_id)))
        .order_by(Person.id)
    ).all()
    rows = []
    for person_id in people:
        owed = _owed(session, person_id, local_date, now)
        if any(owed.values()):
            id = str(uuid5(FAMILY, f"{year}-W{week} {person_id} {policy.domain}"))
            mail = counting_mail(person_id, {"letter": "reminder", "owed": owed}, policy, now)
            rows.append(mail | {"id": id, "message_id": f"<{id}@{policy.domain}>"})
    if not rows:
        return 0
    statement = insert_or(session, Outbox).on_conflict_do_nothing(index_elements=["id"]).returning(Outbox.id)
    return len(session.execute(statement, rows).all())


def _owed(session: Session, person_id: int, today: date, now: datetime) -> dict[str, int]:
    """Patients with overdue checks, with an injection planned before today and none since, and within a week; low flags
    of the last week that nobody has taken."""
    theirs = (
        select(standing_id(PatientTeam.patient_id))
        .join(PersonTeam, PersonTeam.team_id == PatientTeam.team_id)
        .where(PersonTeam.person_id == person_id)
    )
    followed = select(Patient.id).where(
        Patient.id.in_(theirs),
        func.coalesce(Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at).is_(None),
    )
    checks = select(func.count(Flag.patient_id.distinct())).where(
        Flag.rule.in_(OVERDUE_RULES), Flag.status.not_in(CLOSED), standing_id(Flag.patient_id).in_(followed)
    )
    planned = select(func.count()).where(Glance.patient_id.in_(followed))
    muted = exists().where(RuleMute.rule == Flag.rule, RuleMute.team_id == PatientTeam.team_id, standing_at(now))
    low = (
        select(func.count(Flag.id.distinct()))
        .join(PatientTeam, standing_id(PatientTeam.patient_id) == standing_id(Flag.patient_id))
        .join(PersonTeam, PersonTeam.team_id == PatientTeam.team_id)
        .where(PersonTeam.person_id == person_id, standing_id(Flag.patient_id).in_(followed), ~muted)
        .where(Flag.severity == "low", Flag.status == "open", Flag.opened_at > now - BEHIND)
    )
    return {
        "low": session.scalar(low) or 0,
        "checks": session.scalar(checks) or 0,
        "injections_late": session.scalar(planned.where(Glance.next_injection < today)) or 0,
        "injections": session.scalar(planned.where(Glance.next_injection.between(today, today + AHEAD))) or 0,
    }
