"""Reading the audit trail: who did what to whom and when, newest first; and who saw one patient's record.

Whoever reads it leaves a row of their own, before the first row is handed out. An auditor sees which patient a row is
about, by hospital number; an admin sees that it is about one, and searches by person, action and time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Text, case, cast, false, func, or_, select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.models import Audit, AuditReason, Patient, Person
from data.models.base import to_ms
from data.people import SYSTEM_ROLE, Actor, Forbidden
from data.survivors import members, numbered

READERS: Final = frozenset({"auditor", "admin"})
PAGE: Final = 50
CHUNK: Final = 2_000
SEARCHED, LOOKED_AT = "audit.search", "audit.who-saw"
# Rows about many patients at once name them in their detail.
OF_MANY: Final = ("cohort.export", "downtime.list", "patients.listed", "record.store", "research.export")
LOOKS: Final = frozenset({"patient.read", "patients.listed"})
TAKEN: Final = frozenset({"patient.export", "cohort.export", "patient.copy", "research.export", "downtime.list"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked for. `person`: part of who acted; `patient`: a hospital number; `action`: one, or the first part
    of several with its point (`patient.`); `since` and `until`: days of the site, both included."""

    person: str | None = None
    patient: str | None = None
    action: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the trail. `patient` is the hospital number and `reason` what a person wrote, for who may see them;
    `about`: it is about a patient."""

    seq: int
    at: datetime
    actor: str
    role: str
    action: str
    patient: str | None
    about: bool
    object: str | None
    outcome: str
    source: str | None
    request_id: str | None
    detail: Mapping[str, Any] | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Somebody in the trail of one patient: how often they looked, took something out, did something else or were
    refused, and whether any of it was in an emergency."""

    actor: str
    name: str | None
    role: str
    first: datetime
    last: datetime
    looked: int
    taken: int
    acted: int
    denied: int
    emergency: bool


def search_audit(
    session: Session, actor: Actor, asked: Asked, *, zone: ZoneInfo, now: datetime, before: int | None = None
) -> tuple[Sequence[Line], int | None]:
    """A page of rows below `before`, newest first, and the number to go on below, None at the end.

    `session` writes: the search is audited first. Raises Forbidden for anyone but an auditor, an admin or the system,
    and for an admin who asks for a patient.
    """
    _require_reader(actor, asked)
    uuids = _uuids(session, asked.patient)
    own = _note(session, actor, SEARCHED, asked, uuids, now=now, before=before)
    found = _wanted(asked, uuids, zone).where(Audit.seq < min(own, before or own)).limit(PAGE + 1)
    lines = _lines(session, actor, found.order_by(Audit.seq.desc()))
    return lines[:PAGE], lines[PAGE - 1].seq if len(lines) > PAGE else None


def lines_upward(
    session: Session, actor: Actor, asked: Asked, *, zone: ZoneInfo, above: int, upto: int
) -> Sequence[Line]:
    """At most CHUNK rows after `above` up to `upto`, oldest first: a part of an export whose row is written already."""
    _require_reader(actor, asked)
    between = _wanted(asked, _uuids(session, asked.patient), zone).where(Audit.seq > above, Audit.seq <= upto)
    return _lines(session, actor, between.order_by(Audit.seq).limit(CHUNK))


def note_taken(session: Session, actor: Actor, asked: Asked, *, now: datetime) -> int:
    """Write the row of an export of the trail; its number. Raises as `search_audit`."""
    _require_reader(actor, asked)
    return _note(session, actor, "audit.export", asked, _uuids(session, asked.patient), now=now)


def who_saw(session: Session, actor: Actor, mrn: str, *, now: datetime) -> Sequence[Looker]:
    """Everybody in the trail of a patient, who looked last first, the system's own work at the end.

    `session` writes, as for `search_audit`. Raises Forbidden for anyone but an auditor or the system.
    """
    if actor.role not in ("auditor", SYSTEM_ROLE):
        raise Forbidden("who saw whose record is an auditor's to read")
    uuids = _uuids(session, mrn)
    _note(session, actor, LOOKED_AT, Asked(patient=mrn), uuids, now=now)
    return lookers(session, uuids)


def lookers(session: Session, uuids: Sequence[str]) -> Sequence[Looker]:
    """As `who_saw`, of patients by uuid, for who has written the row of the reading."""
    emergency = func.max(case((Audit.detail["emergency"].as_boolean(), 1), else_=0))
    rows = session.execute(
        select(
            *(Audit.actor, Audit.role, Audit.action, Audit.outcome, func.count().label("count")),
            *(func.min(Audit.at).label("first"), func.max(Audit.at).label("last"), emergency.label("emergency")),
        )
        .where(_about(uuids))
        .group_by(Audit.actor, Audit.role, Audit.action, Audit.outcome)
    ).all()
    names = dict(session.execute(select(Person.email, Person.name)).all())
    found: dict[tuple[str, str], Looker] = {}
    for row in rows:
        key = (row.actor, row.role)
        before = found.get(key) or Looker(
            **{"actor": row.actor, "name": names.get(row.actor), "role": row.role, "first": row.first},
            **{"last": row.last, "looked": 0, "taken": 0, "acted": 0, "denied": 0, "emergency": False},
        )
        counted = _counted_as(row.action, row.outcome)
        found[key] = Looker(
            **asdict(before)
            | {
                "first": min(before.first, row.first),
                "last": max(before.last, row.last),
                "emergency": before.emergency or bool(row.emergency),
                counted: getattr(before, counted) + row.count,
            }
        )
    return sorted(found.values(), key=lambda one: (one.role == SYSTEM_ROLE, -to_ms(one.last), one.actor))


def actions(session: Session) -> Sequence[str]:
    """Every action of the trail by name."""
    return list(session.scalars(select(Audit.action).distinct().order_by(Audit.action)))


def _counted_as(action: str, outcome: str) -> str:
    if outcome == "denied":
        return "denied"
    return "looked" if action in LOOKS else "taken" if action in TAKEN else "acted"


def _require_reader(actor: Actor, asked: Asked) -> None:
    if actor.role not in READERS and actor.role != SYSTEM_ROLE:
        raise Forbidden("the audit trail is read by an auditor or an admin")
    if asked.patient is not None and actor.role == "admin":
        raise Forbidden("whose record was seen is an auditor's to read")


def _note(
    session: Session,
    actor: Actor,
    action: str,
    asked: Asked,
    uuids: Sequence[str],
    *,
    now: datetime,
    before: int | None = None,
) -> int:
    said = {name: str(value) for name, value in asdict(asked).items() if value is not None and name != "patient"}
    if before is not None:
        said["before"] = str(before)
    if asked.patient is not None and not uuids:
        said["patient"] = "a number nobody has"
    return write_audit(
        session, actor, action, now=now, patient_uuid=uuids[0] if uuids else None, detail=said if said else None
    )


def _uuids(session: Session, mrn: str | None) -> Sequence[str]:
    """The patient of this number and everybody merged into them; nobody where there is no such number."""
    if mrn is None or "\x00" in mrn or any("\ud800" <= c <= "\udfff" for c in mrn):
        return ()
    standing = session.scalar(select(Patient.id).where(numbered(mrn)))
    if standing is None:
        return ()
    together = members(session, standing)
    return tuple(session.scalars(select(Patient.uuid).where(Patient.id.in_(together)).order_by(Patient.id)))


def _about(uuids: Sequence[str]) -> ColumnElement[bool]:
    if not uuids:
        return false()
    named = [cast(Audit.detail, Text).contains(uuid, autoescape=True) for uuid in uuids]
    return or_(Audit.patient_uuid.in_(uuids), Audit.action.in_(OF_MANY) & or_(*named))


def _wanted(asked: Asked, uuids: Sequence[str], zone: ZoneInfo) -> Select[Any]:
    found = select(*Audit.__table__.c)
    if asked.patient is not None:
        found = found.where(_about(uuids))
    if asked.person is not None:
        found = found.where(func.lower(Audit.actor).contains(asked.person.lower(), autoescape=True))
    if asked.action is not None:
        several = asked.action.endswith(".")
        found = found.where(
            Audit.action.startswith(asked.action, autoescape=True) if several else Audit.action == asked.action
        )
    if asked.since is not None:
        found = found.where(Audit.at >= datetime.combine(asked.since, time(), zone))
    if asked.until is not None:
        found = found.where(Audit.at < datetime.combine(asked.until + timedelta(days=1), time(), zone))
    return found


def _lines(session: Session, actor: Actor, wanted: Select[Any]) -> Sequence[Line]:
    rows = session.execute(wanted).all()
    seen = {row.patient_uuid for row in rows if row.patient_uuid is not None}
    shown = actor.role != "admin"
    numbers = (
        dict(session.execute(select(Patient.uuid, Patient.mrn).where(Patient.uuid.in_(seen))).all()) if shown else {}
    )
    wanted_reasons = select(AuditReason.seq, AuditReason.words).where(AuditReason.seq.in_([row.seq for row in rows]))
    reasons = dict(session.execute(wanted_reasons).all()) if shown else {}
    return [
        Line(
            seq=row.seq,
            at=row.at,
            actor=row.actor,
            role=row.role,
            action=row.action,
            patient=numbers.get(row.patient_uuid),
            about=row.patient_uuid is not None,
            object=row.object,
            outcome=row.outcome,
            source=row.source,
            request_id=row.request_id,
            detail=row.detail if shown else None,
            reason=reasons.get(row.seq),
        )
        for row in rows
    ]
