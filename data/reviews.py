"""Patients looked at as a whole: "reviewed, nothing to do until", by name, bounded by what stands, ended by worse.

A review answers for the flags that stood when it was made; they are due again on its day. It closes none of them.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Table, Update, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from clinical.finding import SEVERITIES
from clinical.saying import Day, say
from data.audit import write_audit
from data.errors import BadInput
from data.flag_moves import LONGEST_SNOOZE, STANDING
from data.models import Flag, Patient, PatientReview, PatientSurvivor
from data.models.base import BigId
from data.people import Actor, Forbidden, NotFound, reached, visible
from data.sessions import SignedIn
from data.survivors import members, numbered, standing_id, survivor_of

LONGEST: Final = timedelta(days=180)
LONGEST_WORDS: Final = 2000
SHORTEST_WORDS: Final = 3
REVIEWERS: Final = frozenset({"oncologist"})


class NotReviewed(BadInput):
    """A review that cannot be recorded as given; the message says why."""


@dataclass(frozen=True, slots=True)
class Review:
    """The newest review of a patient. `ended_by_flag`: what came up afterwards and ended it."""

    until: date
    why: str
    who: str
    name: str
    at: datetime
    ended_at: datetime | None
    ended_by_flag: str | None

    def holds(self, today: date) -> bool:
        """Whether there is nothing to do yet by this review."""
        return self.ended_at is None and today <= self.until


@dataclass(frozen=True, slots=True)
class DueReview:
    """A patient whose last review is over, by time or because something worse came up, and nobody has looked since."""

    mrn: str
    patient_name: str | None
    review: Review


def review_patient(
    session: Session, signed_in: SignedIn, mrn: str, *, until: date, why: str, key: str, now: datetime, zone: ZoneInfo
) -> Review:
    """Record that there is nothing to do for the patient until a date of the site, once per `key`.

    Raises Forbidden, NotFound, NotReviewed (not ahead; further than the gravest flag that stands may be put aside; an
    urgent flag stands; no words), in that order.
    """
    actor = signed_in.actor
    if actor.role not in REVIEWERS or actor.person_id is None:
        raise Forbidden("patients are reviewed by oncologists of their teams")
    patient = session.execute(
        select(Patient.id, Patient.uuid).where(numbered(mrn), visible(actor)).with_for_update()
    ).one_or_none()
    if patient is None:
        raise NotFound(f"no patient {mrn!r}")
    before = session.scalar(select(PatientReview).where(PatientReview.key == key))
    if before is not None:
        if (before.patient_id, before.until, before.who) != (patient.id, until, actor.name):
            raise NotReviewed(say("this was already recorded with other content; load the page again"))
        return _review(before)
    latest = latest_day(session, patient.id, now=now, zone=zone)
    today, why = now.astimezone(zone).date(), why.strip()
    if latest is None:
        raise NotReviewed(say("an urgent flag stands: it is taken or decided, not put off"))
    if not today < until <= latest:
        raise NotReviewed(
            say("with the flags that stand, choose a day after today and up to {day}", day=Day(latest.isoformat()))
        )
    if not SHORTEST_WORDS <= len(why) <= LONGEST_WORDS:
        raise NotReviewed(say("say in {least} to {most} letters why", least=SHORTEST_WORDS, most=LONGEST_WORDS))
    row = PatientReview(
        key=key,
        patient_id=patient.id,
        until=until,
        why=why,
        person_id=actor.person_id,
        who=actor.name,
        name=signed_in.person_name,
        at=now,
    )
    session.add(row)
    session.flush()
    detail = {"until": until.isoformat(), "review": row.id}
    write_audit(session, actor, "patient.review", now=now, patient_uuid=patient.uuid, detail=detail)
    return _review(row)


def latest_day(session: Session, patient_id: int, *, now: datetime, zone: ZoneInfo) -> date | None:
    """The last day until which a review may say that there is nothing to do: as far as the gravest flag that stands may
    be put aside. None where that is not even until tomorrow."""
    standing = session.scalars(
        select(Flag.severity)
        .where(Flag.patient_id.in_(members(session, survivor_of(session, patient_id))))
        .where(Flag.status.in_(sorted(STANDING)))
    )
    return latest_day_beside(set(standing), now=now, zone=zone)


def latest_day_beside(standing: Set[str], *, now: datetime, zone: ZoneInfo) -> date | None:
    """As `latest_day`, beside flags of these severities."""
    longest = min((LONGEST_SNOOZE[s] for s in SEVERITIES if s in standing), default=LONGEST)
    today, last = now.astimezone(zone).date(), (now + longest).astimezone(zone).date()
    return last if longest >= timedelta(days=1) and last > today else None


def last_review(session: Session, patient_ids: Sequence[int]) -> Review | None:
    """The newest review of one person. Within a check of the caller: nothing is asked about who may see them."""
    row = session.scalar(
        select(PatientReview)
        .where(PatientReview.patient_id.in_(patient_ids))
        .order_by(PatientReview.at.desc(), PatientReview.id.desc())
        .limit(1)
    )
    return None if row is None else _review(row)


def end_review(session: Session, patient_id: int, flag_id: str, *, now: datetime) -> None:
    """End the standing review of the patient, because this flag opened, came back or grew worse."""
    session.execute(_END, {"of_patient": patient_id, "ended": now, "by_flag": flag_id})


def reviewed_until(today: date) -> ColumnElement[Any]:
    """For a query of `Flag`: the day until which a review that holds `today` answers for it; NULL where none does."""
    return (
        select(func.max(PatientReview.until))
        .where(standing_id(PatientReview.patient_id) == standing_id(Flag.patient_id), _holds(today))
        .correlate(Flag)
        .scalar_subquery()
    )


def not_reviewed(today: date) -> ColumnElement[bool]:
    """The where-clause on `Flag` that leaves those for which no review that holds `today` answers."""
    same = standing_id(PatientReview.patient_id) == standing_id(Flag.patient_id)
    return ~exists().where(and_(same, _holds(today))).correlate(Flag)


def newest_review(column: Any) -> ColumnElement[Any]:
    """For a query of `Patient`: a column of the newest review; NULL where there is none."""
    same = standing_id(PatientReview.patient_id) == Patient.id
    newest = select(column).where(same).order_by(PatientReview.id.desc()).limit(1)
    return newest.correlate(Patient).scalar_subquery()


def due_reviews(session: Session, actor: Actor, *, today: date, most: int) -> tuple[tuple[DueReview, ...], int]:
    """The actor's patients whose last review is over, the longest first, at most so many; and how many there are."""
    later = aliased(PatientReview)
    newer = exists().where(
        standing_id(later.patient_id) == standing_id(PatientReview.patient_id), later.id > PatientReview.id
    )
    query = (
        select(PatientReview, Patient.mrn, Patient.name)
        .join(Patient, Patient.id == standing_id(PatientReview.patient_id))
        .where(reached(actor, PatientReview.patient_id), ~newer, ~_holds(today))
        .where(Patient.deceased_at.is_(None), Patient.withdrawn_at.is_(None), Patient.transferred_at.is_(None))
    )
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(query.order_by(PatientReview.until, PatientReview.id).limit(most))
    return tuple(DueReview(mrn, name, _review(row)) for row, mrn, name in rows), count


def _holds(today: date) -> ColumnElement[bool]:
    return and_(PatientReview.ended_at.is_(None), PatientReview.until >= today)


def _review(row: PatientReview) -> Review:
    return Review(row.until, row.why, row.who, row.name, row.at, row.ended_at, row.ended_by_flag)


def _end() -> Update:
    review = cast("Table", PatientReview.__table__)
    own = select(standing_id(bindparam("of_patient", type_=BigId))).scalar_subquery()
    merged = select(PatientSurvivor.patient_id).where(PatientSurvivor.survivor_id == own)
    return (
        update(review)
        .where(or_(review.c.patient_id == own, review.c.patient_id.in_(merged)), review.c.ended_at.is_(None))
        .values(ended_at=bindparam("ended"), ended_by_flag=bindparam("by_flag"))
    )


# Put together once: that takes longer than running it, and every flag that opens runs it.
_END: Final = _end()
