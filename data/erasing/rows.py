"""What is taken out of the rows of a patient, table by table, and out of rows that belong to no patient.

Numbers that were measured, dates and codes stay: they are the clinical record, which is kept for its time. What people
wrote in their own words goes whole, because a sentence can name somebody without a name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, delete, func, null, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from data.erasing.identity import ERASED, Identity
from data.models import (
    Audit,
    AuditReason,
    Batch,
    Consent,
    Correction,
    DataQuery,
    DataQueryStep,
    Emergency,
    EntryDraft,
    EntrySave,
    Flag,
    FlagDecision,
    FlagHistory,
    Glance,
    Hl7Message,
    IdentityProposal,
    ImportJob,
    JobRun,
    Judgement,
    Outbox,
    Patient,
    PatientIdentifier,
    PatientMerge,
    PatientReview,
    PatientStatus,
    ProtocolTrialChange,
    Quarantined,
    Record,
    RecordReport,
)
from data.models.base import Base

NOTES: Final = frozenset({"note", "notes"})
CHUNK: Final = 500


def forget_person(session: Session, patient: Patient) -> None:
    """Take name, birth date and every number from a patient; a number made of the uuid takes the place of the MRN."""
    session.execute(delete(PatientIdentifier).where(PatientIdentifier.patient_id == patient.id))
    patient.mrn, patient.mrn_system = erased_number(patient.uuid), None
    patient.name = patient.birth_date = None
    patient.version += 1
    session.flush()


def erased_number(uuid: str) -> str:
    """The number a patient has once erased: it tells them apart and nobody who they were."""
    return f"erased-{uuid.replace('-', '')[:12]}"


def blank_words(session: Session, ids: Sequence[int]) -> None:
    """Blank what people wrote about these patients, and drop what was typed and not stored."""
    records = select(Record.id).where(Record.patient_id.in_(ids))
    flags = select(Flag.id).where(Flag.patient_id.in_(ids))
    queries = select(DataQuery.id).where(DataQuery.patient_id.in_(ids))
    written: tuple[tuple[InstrumentedAttribute[Any], ColumnElement[bool]], ...] = (
        (PatientStatus.reason, PatientStatus.patient_id.in_(ids)),
        (PatientMerge.reason, or_(PatientMerge.from_id.in_(ids), PatientMerge.into_id.in_(ids))),
        (Correction.reason, or_(Correction.record_id.in_(records), Correction.moved_to_id.in_(records))),
        (DataQuery.words, DataQuery.patient_id.in_(ids)),
        (DataQueryStep.words, DataQueryStep.query_id.in_(queries)),
        (PatientReview.why, PatientReview.patient_id.in_(ids)),
        (FlagDecision.rationale, FlagDecision.flag_id.in_(flags)),
        (FlagHistory.why, FlagHistory.flag_id.in_(flags) & FlagHistory.person_id.is_not(None)),
        (Emergency.reason, Emergency.patient_id.in_(ids)),
        (Consent.said, Consent.patient_id.in_(ids)),
    )
    for column, whose in written:
        session.execute(update(column.class_).where(whose).values({column: ERASED}))
    taken_back = or_(PatientMerge.from_id.in_(ids), PatientMerge.into_id.in_(ids))
    session.execute(
        update(PatientMerge).where(taken_back, PatientMerge.unmerged_reason.is_not(None)).values(unmerged_reason=ERASED)
    )
    session.execute(update(EntrySave).where(EntrySave.patient_id.in_(ids)).values(said={}))
    session.execute(delete(EntryDraft).where(EntryDraft.patient_id.in_(ids)))
    session.execute(delete(Glance).where(Glance.patient_id.in_(ids)))
    session.execute(update(Judgement).where(Judgement.patient_id.in_(ids)).values(last_failure=None))
    session.execute(
        update(RecordReport)
        .where(RecordReport.record_id.in_(records))
        .values(place="", source_id="", source_version=None)
    )


def scrub_records(session: Session, ids: Sequence[int], identity: Identity) -> int:
    """Take provenance, notes and every word of the identity out of the records; how many there are."""
    rows = session.execute(
        select(Record.id, Record.text, Record.detail, Record.reason, Record.lab, Record.method).where(
            Record.patient_id.in_(ids)
        )
    ).all()
    for row in rows:
        detail = row.detail
        if detail is not None:
            detail = {k: identity.without(v) for k, v in detail.items() if k not in NOTES}
        session.execute(
            update(Record)
            .where(Record.id == row.id)
            .values(
                text=identity.without(row.text),
                detail=null() if detail is None else detail,
                reason=None if row.reason is None else ERASED,
                lab=identity.without(row.lab),
                method=identity.without(row.method),
                source_id=None,
                source_version=None,
                sent_digest=None,
                specimen=None,
                place="",
            )
        )
    return len(rows)


def scrub_flags(session: Session, ids: Sequence[int], identity: Identity) -> None:
    """Take the words of the identity out of what rules said: their sentences quote what was recorded."""
    for flag in session.scalars(select(Flag).where(Flag.patient_id.in_(ids))):
        flag.title, flag.question = identity.without(flag.title), identity.without(flag.question)
        flag.why, flag.finding = identity.without(flag.why), identity.without(flag.finding)
    history = select(FlagHistory).join(Flag, Flag.id == FlagHistory.flag_id).where(Flag.patient_id.in_(ids))
    for row in session.scalars(history):
        row.why, row.detail = identity.without(row.why), identity.without(row.detail)
    for decision in session.scalars(
        select(FlagDecision).join(Flag, Flag.id == FlagDecision.flag_id).where(Flag.patient_id.in_(ids))
    ):
        decision.basis = identity.without(decision.basis)
    for change in session.scalars(select(ProtocolTrialChange).where(ProtocolTrialChange.patient_id.in_(ids))):
        change.why, change.said = identity.without(change.why), identity.without(change.said)
    session.flush()


def empty_raw(
    session: Session, ids: Sequence[int], identity: Identity, who: str, now: datetime
) -> tuple[int, list[int]]:
    """Empty messages and held items that name the person; how many, and the held items that name only a namesake or
    them, for a person to look at."""
    emptied, doubtful = 0, []
    for item in session.scalars(select(Quarantined).where(Quarantined.raw != "").execution_options(yield_per=CHUNK)):
        said = " ".join((item.raw, item.place, item.why))
        if identity.named_in(said):
            item.raw, item.place, item.why = "", f"{ERASED} {item.id}", ERASED
            item.suggestion, item.options, item.digest = None, None, f"erased-{item.id}"
            if item.state == "held":
                item.state, item.closed_at, item.closed_by = "discarded", now, who
            emptied += 1
        elif identity.called_in(said):
            doubtful.append(item.id)
    for message in session.scalars(
        select(Hl7Message).where(Hl7Message.content != b"").execution_options(yield_per=CHUNK)
    ):
        if identity.named_in(message.content.decode("utf-8", "replace")):
            message.content, message.answer, message.why = b"", None, None
            emptied += 1
    for proposal in session.scalars(select(IdentityProposal)):
        numbers = {proposal.from_number, proposal.into_number}
        if proposal.patient_id in ids or numbers & identity.numbers:
            proposal.from_number, proposal.into_number, proposal.facts = None, ERASED, {}
            proposal.why, proposal.place, proposal.digest = ERASED, ERASED, f"erased-{proposal.id}"
            proposal.reason = None if proposal.reason is None else ERASED
            if proposal.state == "open":
                proposal.state, proposal.decided_at, proposal.decided_by = "refused", now, who
            emptied += 1
    session.flush()
    return emptied, doubtful


def scrub_accounts(session: Session, identity: Identity) -> None:
    """Take the numbers and names out of what imports, jobs and mails said of their work."""
    told: tuple[tuple[type[Base], tuple[str, ...]], ...] = (
        (Batch, ("summary",)),
        (ImportJob, ("files", "options", "progress", "preview", "summary", "why")),
        (JobRun, ("error",)),
        (Outbox, ("last_error",)),
        (Quarantined, ("why", "place")),
    )
    for table, columns in told:
        filled = or_(*(getattr(table, column).is_not(None) for column in columns))
        for row in session.scalars(select(table).where(filled).execution_options(yield_per=CHUNK)):
            for column in columns:
                before = getattr(row, column)
                if before is not None and identity.named_in(_flat(before)):
                    setattr(row, column, identity.without(before))
    session.flush()


def drop_reasons(session: Session, uuids: Sequence[str], identity: Identity) -> list[int]:
    """Delete the reasons beside the audit rows of these patients, and others that name them; their numbers."""
    rows = session.execute(
        select(AuditReason.seq, AuditReason.words, Audit.patient_uuid).join(Audit, Audit.seq == AuditReason.seq)
    )
    found = sorted(row.seq for row in rows if row.patient_uuid in uuids or identity.named_in(row.words))
    session.execute(delete(AuditReason).where(AuditReason.seq.in_(found)))
    return found


def named_in_the_trail(session: Session, identity: Identity) -> list[int]:
    """The audit rows that still name the person: nobody can take anything out of those."""
    trail = func.lower(func.coalesce(Audit.object, "") + " " + func.coalesce(cast(Audit.detail, Text), ""))
    # JSON is stored with everything beyond ASCII escaped.
    written = {text for word in identity.telling for text in (word.lower(), json.dumps(word)[1:-1].lower())}
    if not written:
        return []
    meant = or_(*(trail.contains(text, autoescape=True) for text in sorted(written)))
    rows = session.execute(select(Audit.seq, Audit.object, Audit.detail).where(meant).order_by(Audit.seq))
    return [row.seq for row in rows if identity.said_in(f"{row.object or ''} {_flat(row.detail or '')}")]


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_flat(inner) for pair in value.items() for inner in pair)
    return " ".join(map(_flat, value)) if isinstance(value, list) else str(value)
