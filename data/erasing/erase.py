"""Erasing the identity of a patient: one transaction, by an admin, with a reason; the clinical record stays, nobody's.

Identity stands in `patient` and `patient_identifier`; what came in raw, what people wrote and where a value came from
may name the person too and go with it. The audit chain knows patients by uuid alone and stands as it was. Backups made
before hold the identity until they are deleted (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pysqlite3
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import ERASED, write_audit
from data.db import Database
from data.erasing import rows
from data.erasing.identity import Identity
from data.errors import BadInput
from data.models import Erasing, Erasure, Patient, PatientIdentifier
from data.people import SYSTEM_ROLE, Actor, Forbidden, NotFound
from data.survivors import members, numbered

SHORTEST_REASON: Final = 10
LONGEST_REASON: Final = 500


class NotErased(BadInput):
    """An identity that is not erased; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure came to. `number` stands for the patient from now on; `doubtful`: held items that hold the name
    without a number or birth date; `audit_rows`: rows of the trail that name the patient and cannot be changed."""

    number: str
    records: int
    raw: int
    doubtful: tuple[int, ...]
    audit_rows: tuple[int, ...]


def erase_identity(session: Session, actor: Actor, mrn: str, *, reason: str, now: datetime) -> Erased:
    """Erase who the patient of this number is, with everybody merged into them. It cannot be taken back.

    The caller has asked for the password again. Raises Forbidden for anyone but an admin or the system, NotFound,
    NotErased for a reason that is too short or too long or names the patient, and under a role of few rights.
    """
    if actor.role not in ("admin", SYSTEM_ROLE):
        raise Forbidden("an identity is erased by an admin")
    if not _may_pass(session):
        raise NotErased(
            say("this role may not change what stands for ever: let the owner of the database run nadir patient erase")
        )
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        least, most = str(SHORTEST_REASON), str(LONGEST_REASON)
        raise NotErased(say("say why in {least} to {most} characters", least=least, most=most))
    sayable = "\x00" not in mrn and not any("\ud800" <= c <= "\udfff" for c in mrn)
    standing = session.scalar(select(Patient.id).where(numbered(mrn.strip()))) if sayable else None
    if standing is None:
        raise NotFound(f"no patient {mrn!r}")
    ids = members(session, standing)
    patients = session.scalars(select(Patient).where(Patient.id.in_(ids)).order_by(Patient.id).with_for_update()).all()
    identity = _identity(session, patients, ids)
    if identity.named_in(reason) or identity.called_in(reason):
        raise NotErased(say("the reason names the patient: it is kept, so it must not"))
    return _erase(session, actor, patients, standing, identity, reason, now)


def _may_pass(session: Session) -> bool:
    """Whether this role opens the gate in the triggers (`data.least_rights`)."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    asked = text("SELECT has_table_privilege(:gate, 'INSERT')")
    return bool(session.scalar(asked, {"gate": Erasing.__tablename__}))


def compact(database: Database) -> bool:
    """Rewrite the file of an SQLite database, so that nothing of what was erased lies in free pages or in the log.

    False where somebody is reading or writing just now. PostgreSQL does it by itself, in time (docs/privacy.md).
    """
    if not database.is_sqlite:
        return True
    raw = database.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA query_only=OFF")
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, *_pages = cursor.fetchone() or (1,)
        return bool(busy == 0)
    except pysqlite3.OperationalError:
        return False
    finally:
        raw.close()


def _erase(
    session: Session,
    actor: Actor,
    patients: Sequence[Patient],
    standing: int,
    identity: Identity,
    reason: str,
    now: datetime,
) -> Erased:
    ids, uuids = [p.id for p in patients], [p.uuid for p in patients]
    session.add(Erasing(id=1))
    session.flush()
    records = rows.scrub_records(session, ids, identity)
    rows.blank_words(session, ids)
    rows.scrub_flags(session, ids, identity)
    raw, doubtful = rows.empty_raw(session, ids, identity, actor.name, now)
    rows.scrub_accounts(session, identity)
    reasons = rows.drop_reasons(session, uuids, identity)
    for patient in patients:
        rows.forget_person(session, patient)
        if session.get(Erasure, patient.id) is None:
            session.add(Erasure(patient_id=patient.id, at=now, who=actor.name, reason=reason))
    session.flush()
    session.execute(delete(Erasing))
    named = rows.named_in_the_trail(session, identity)
    uuid = next(p.uuid for p in patients if p.id == standing)
    detail = {"patients": uuids, "records": records, "raw": raw, "reasons": reasons, "doubtful": doubtful}
    write_audit(session, actor, ERASED, now=now, patient_uuid=uuid, detail=detail)
    return Erased(
        number=rows.erased_number(uuid),
        records=records,
        raw=raw,
        doubtful=tuple(doubtful),
        audit_rows=tuple(named),
    )


def _identity(session: Session, patients: Sequence[Patient], ids: Sequence[int]) -> Identity:
    others = session.scalars(select(PatientIdentifier.value).where(PatientIdentifier.patient_id.in_(ids)))
    return Identity(
        numbers=frozenset({*others, *(patient.mrn for patient in patients)}),
        names=frozenset(patient.name for patient in patients if patient.name),
        born=frozenset(patient.birth_date for patient in patients if patient.birth_date is not None),
    )
