"""What is kept no longer than it is needed: counted first, deleted when it is said to be.

Clinical records are deleted patient by patient, only where everything about the patient and everybody merged into them
is older than the site's retention, and whole: identity, records, flags. Raw messages and settled held items are
emptied, ended sign-ins and forgotten drafts deleted. The audit chain is never cut: it knows patients by uuid alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, CursorResult, Table, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.belonging import belonging
from data.db import Database
from data.erasing.erase import erase_identity
from data.models import (
    Base,
    EntryDraft,
    Erasing,
    Flag,
    Hl7Message,
    Invitation,
    KnownDevice,
    Patient,
    Quarantined,
    Record,
)
from data.models import Session as SignIn
from data.people import Actor
from data.settings import Settings
from data.survivors import members, not_merged, standing_id

APPLIED: Final = "retention.apply"
REASON: Final = "the retention of this site is over"
PATIENTS_A_RUN: Final = 50
# Rows that stay without their content; of the other tables they go.
EMPTIED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {"hl7_message": {"content": b"", "answer": None}, "quarantine": {"raw": ""}}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long things are kept: clinical records None, for ever."""

    clinical_years: int | None
    raw: timedelta
    accounts: timedelta
    drafts: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Kept:
        """As the settings of the site say."""
        return cls(
            clinical_years=settings.retention_years,
            raw=timedelta(days=settings.retention_raw_days),
            accounts=timedelta(days=settings.retention_accounts_days),
            drafts=timedelta(days=settings.retention_drafts_days),
        )


def due(session: Session, kept: Kept, now: datetime) -> dict[str, int]:
    """By table how many rows are past their time; `patient` counts whole patients."""
    found = {"patient": len(patients_due(session, kept, now))}
    for table, past in _past(kept, now).items():
        found[table.name] = session.scalar(select(func.count()).select_from(table).where(past)) or 0
    return found


def patients_due(session: Session, kept: Kept, now: datetime) -> Sequence[int]:
    """Patients that stand for themselves and about whom nothing is younger than the clinical retention."""
    if kept.clinical_years is None:
        return ()
    before = _years_before(now, kept.clinical_years)
    young = (
        select(standing_id(Record.patient_id)).where(or_(Record.recorded_at >= before, Record.effective_at >= before)),
        select(standing_id(Flag.patient_id)).where(or_(Flag.opened_at >= before, Flag.resolved_at >= before)),
        select(standing_id(Patient.id)).where(Patient.created_at >= before),
        *(select(standing_id(column)).where(at >= before) for column, at in _moments()),
    )
    old = select(Patient.id).where(not_merged(), *(Patient.id.not_in(query) for query in young))
    return list(session.scalars(old.order_by(Patient.id)))


def apply_retention(
    database: Database,
    actor: Actor,
    kept: Kept,
    *,
    now: datetime,
    fence: Callable[[Session], None] | None = None,
) -> dict[str, int]:
    """Delete and empty what is past its time, a transaction for each patient; what was done, by table.

    At most PATIENTS_A_RUN patients at once: the others follow in the next run. Each transaction ends with `fence`,
    which raises when this process may no longer write: then nothing of that transaction is done.
    """
    with database.write() as session:
        done = {table.name: _let_go(session, table, past) for table, past in _past(kept, now).items()}
        if any(done.values()):
            write_audit(session, actor, APPLIED, now=now, detail=done)
        if fence is not None:
            fence(session)
    with database.read() as session:
        patients = patients_due(session, kept, now)[:PATIENTS_A_RUN]
    deleted = 0
    for patient_id in patients:
        with database.write() as session:
            # Somebody may have written since.
            if patient_id in patients_due(session, kept, now):
                _delete_patient(session, actor, patient_id, now)
                deleted += 1
            if fence is not None:
                fence(session)
    return {"patient": deleted, **done}


def _delete_patient(session: Session, actor: Actor, patient_id: int, now: datetime) -> None:
    patient = session.get_one(Patient, patient_id)
    uuid = patient.uuid
    erase_identity(session, actor, patient.mrn, reason=REASON, now=now)
    ids = members(session, patient_id)
    session.expunge_all()
    session.add(Erasing(id=1))
    session.flush()
    theirs = belonging(ids)
    for table in reversed(theirs):
        session.execute(delete(table).where(theirs[table]))
    session.execute(delete(Erasing))
    write_audit(session, actor, "patient.delete", now=now, patient_uuid=uuid, detail={"patients": len(ids)})


def _past(kept: Kept, now: datetime) -> dict[Table, ColumnElement[bool]]:
    raw, accounts, drafts = now - kept.raw, now - kept.accounts, now - kept.drafts
    message, held, sign_in = Hl7Message.__table__.c, Quarantined.__table__.c, SignIn.__table__.c
    return {
        _table(Hl7Message): and_(message.state == "done", message.received_at < raw, message.content != b""),
        _table(Quarantined): and_(held.state != "held", held.closed_at < raw, held.raw != ""),
        _table(SignIn): and_(sign_in.created_at < accounts, sign_in.seen_at < accounts),
        _table(KnownDevice): KnownDevice.__table__.c.seen_at < accounts,
        _table(Invitation): Invitation.__table__.c.expires_at < accounts,
        _table(EntryDraft): EntryDraft.__table__.c.saved_at < drafts,
    }


def _let_go(session: Session, table: Table, past: ColumnElement[bool]) -> int:
    emptied = EMPTIED.get(table.name)
    statement = delete(table).where(past) if emptied is None else update(table).where(past).values(emptied)
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _moments() -> list[tuple[Any, Any]]:
    """Columns of patients beside the moments at which something was last written about them, whatever it was."""
    found = []
    for table in Base.metadata.sorted_tables:
        if "patient_id" not in table.c or table.name in ("record", "flag", "judgement", "glance", "erasure"):
            continue
        found += [
            (table.c.patient_id, table.c[name])
            for name in ("at", "set_at", "opened_at", "asked_at", "saved_at")
            if name in table.c
        ]
    return found


def _years_before(now: datetime, years: int) -> datetime:
    try:
        return now.replace(year=now.year - years)
    except ValueError:  # 29 February
        return now.replace(year=now.year - years, day=28)


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)
