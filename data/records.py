"""Every write of clinical records, and their list as the contract shows it.

Records are append-only: a correction is a new row that closes the one it replaces. One chunk is one part of one
transaction and takes one number of the ingest sequence, under a lock held to the commit, so that a reader who has seen
number n has seen everything up to n.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast

from sqlalchemy import Table, bindparam, func, insert, select, text, tuple_, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.intake.item import Item, natural_key, plain_json
from data.intake.verdict import Ledger, Version
from data.models import Batch, Ingest, IngestPatient, Patient, Record
from data.people import Actor, NotFound, visible

# Any number will do as long as every writer takes the same one.
INGEST_LOCK = 4_711_060_302
LOOKUP = 2_000

_TABLE = cast(Table, Record.__table__)
_RECORD = _TABLE.c
_VERSION = (
    *(_RECORD.id, _RECORD.patient_id, _RECORD.natural_key, _RECORD.source_id, _RECORD.source_version),
    *(_RECORD.status, _RECORD.superseded_by, _RECORD.text, _RECORD.interpretation, _RECORD.ref_low),
    *(_RECORD.ref_high, _RECORD.method, _RECORD.fasting, _RECORD.detail),
)
_RETRACTED = (_RECORD.effective_at, _RECORD.effective_text, _RECORD.precision)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one item; `why` is set where it was refused."""

    outcome: Literal["stored", "unchanged", "superseded", "refused"]
    why: str | None = None


def open_batch(
    session: Session, actor: Actor, *, batch_id: str, format: str, now: datetime, digest: str = "", files: int = 0
) -> Batch:
    """The row that records of one import, form or command point at; made if it is not there yet."""
    batch = session.get(Batch, batch_id)
    if batch is None:
        batch = Batch(id=batch_id, format=format, digest=digest, actor=actor.name, started_at=now, files=files)
        session.add(batch)
        session.flush()
    return batch


def lock_ingest(session: Session) -> None:
    """Make this transaction the only one that writes records until it ends. SQLite writers already are."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": INGEST_LOCK})


def take_ingest(session: Session, *, batch_id: str | None, patient_ids: Iterable[int], now: datetime) -> int:
    """The next number of the ingest sequence, with the patients it touches. Call `lock_ingest` first."""
    seq = int(session.execute(select(func.coalesce(func.max(Ingest.seq), 0))).scalar_one()) + 1
    session.execute(insert(Ingest).values(seq=seq, at=now, batch_id=batch_id))
    session.execute(insert(IngestPatient), [{"seq": seq, "patient_id": id} for id in sorted(set(patient_ids))])
    return seq


def store_chunk(
    session: Session, *, batch_id: str, items: Sequence[Item], actor: Actor, now: datetime
) -> tuple[Verdict, ...]:
    """Store `items` in the transaction of `session` and say what became of each, in their order.

    New rows, rows they close, one ingest number and one audit row. Nothing at all is written when every item is known.
    A transaction that also writes audit rows of its own before this calls `lock_ingest` first: every writer takes the
    ingest lock before the head of the audit chain. The batch must exist (`open_batch`), and the items' patients must be
    ones `actor` may see: the caller matched them.
    """
    if not items:
        return ()
    lock_ingest(session)
    keyed = [(item, natural_key(item)) for item in items]
    ledger = Ledger(_known(session, keyed))
    verdicts: list[Verdict] = []
    rows: list[Version] = []
    closed: list[Version] = []
    for item, key in keyed:
        if item.effective_at is None:
            retracted = ledger.current_of(item.patient_id, item.source_id)
            if retracted is None:
                verdicts.append(Verdict("refused", f"nothing is stored under {item.source_id} that could be retracted"))
                continue
            item = _dated(session, item, retracted)
            key = natural_key(item)
        decision = ledger.decide(item, key)
        verdicts.append(Verdict(decision.outcome, decision.why))
        if decision.row is not None:
            rows.append(decision.row)
        if decision.closes is not None and decision.closes.id is not None:
            closed.append(decision.closes)
    if rows or closed:
        _write(session, rows, closed, batch_id=batch_id, actor=actor, now=now)
    return tuple(verdicts)


def _known(session: Session, keyed: Sequence[tuple[Item, bytes]]) -> list[Version]:
    found: dict[int, tuple[Any, Version]] = {}
    keys = sorted({(item.patient_id, key) for item, key in keyed})
    sources = sorted({item.source_id for item, _ in keyed if item.source_id is not None})
    by_key = tuple_(_RECORD.patient_id, _RECORD.natural_key)
    statements = []
    for start in range(0, len(keys), LOOKUP):
        part = select(*_VERSION).where(by_key.in_(keys[start : start + LOOKUP]))
        # One statement per partial index: the current row of a key, and the past ones.
        statements += [part.where(_RECORD.superseded_by.is_(None)), part.where(_RECORD.superseded_by.is_not(None))]
    for start in range(0, len(sources), LOOKUP):
        statements.append(select(*_VERSION).where(_RECORD.source_id.in_(sources[start : start + LOOKUP])))
    for statement in statements:
        for row in session.execute(statement):
            found[row.id] = (row.superseded_by, _version(row))
    for superseded_by, version in found.values():
        if superseded_by in found:
            version.closed_by = found[superseded_by][1]
    return [version for _, (_, version) in sorted(found.items())]


def _version(row: Any) -> Version:
    id, patient_id, key, source_id, source_version, status, superseded_by, *content, detail = row
    return Version(
        id,
        patient_id,
        bytes(key),
        source_id,
        source_version,
        status,
        (*content, plain_json(detail)),
        closed=superseded_by is not None,
    )


def _dated(session: Session, item: Item, retracted: Version) -> Item:
    if retracted.item is not None:
        at, as_text, precision = (
            retracted.item.effective_at,
            retracted.item.effective_text,
            retracted.item.precision,
        )
    else:
        at, as_text, precision = session.execute(select(*_RETRACTED).where(_RECORD.id == retracted.id)).one()
    return replace(item, effective_at=at, effective_text=as_text, precision=precision)


def _write(
    session: Session, rows: list[Version], closed: list[Version], *, batch_id: str, actor: Actor, now: datetime
) -> None:
    # In order of patient and time, so that rows read together lie together; what came first stays first.
    rows.sort(key=lambda row: (row.patient_id, row.item.effective_at if row.item else now))
    for row, id in zip(rows, _new_ids(session, len(rows)), strict=True):
        row.id = id
    touched = {version.patient_id for version in (*rows, *closed)}
    seq = take_ingest(session, batch_id=batch_id, patient_ids=touched, now=now)
    shared = {"batch_id": batch_id, "recorded_at": now, "recorded_by": actor.name, "ingest_seq": seq}
    if closed:
        close = update(_TABLE).where(_RECORD.id == bindparam("closed_id")).values(superseded_by=bindparam("by"))
        session.connection().execute(
            close, [{"closed_id": v.id, "by": None if v.closed_by is None else v.closed_by.id} for v in closed]
        )
    if rows:
        session.connection().execute(insert(_TABLE), [_columns(row) | shared for row in rows])
    uuids = session.scalars(select(Patient.uuid).where(Patient.id.in_(sorted(touched))).order_by(Patient.id)).all()
    write_audit(
        session,
        actor,
        "record.store",
        now=now,
        patient_uuid=uuids[0] if len(uuids) == 1 else None,
        object=f"batch {batch_id}",
        detail={
            "ingest": seq,
            "rows": len(rows),
            "patients": list(uuids),
            "superseded": [[v.id, None if v.closed_by is None else v.closed_by.id] for v in closed],
        },
    )


def _new_ids(session: Session, count: int) -> Iterable[int]:
    """Ids for `count` rows. Known before the rows are written, so that one may close another of the same chunk."""
    if session.get_bind().dialect.name == "postgresql":
        sequence = text("SELECT nextval(pg_get_serial_sequence('record', 'id')) FROM generate_series(1, :count)")
        return sorted(session.scalars(sequence, {"count": count}).all())
    last = int(session.execute(select(func.coalesce(func.max(_RECORD.id), 0))).scalar_one())
    return range(last + 1, last + 1 + count)


def _columns(row: Version) -> dict[str, Any]:
    item = row.item
    if item is None:
        raise ValueError("only a row made from an item can be written")
    return {
        "id": row.id,
        "patient_id": item.patient_id,
        "kind": item.kind,
        "analyte": item.analyte,
        "value": item.value,
        "comparator": item.comparator,
        "unit": item.unit,
        "text": item.text,
        "interpretation": item.interpretation,
        "canonical_value": item.canonical_value,
        "canonical_unit": item.canonical_unit,
        "effective_at": item.effective_at,
        "effective_text": item.effective_text,
        "precision": item.precision,
        "issued_at": item.issued_at,
        "ref_low": item.ref_low,
        "ref_high": item.ref_high,
        "canonical_ref_low": item.canonical_ref_low,
        "canonical_ref_high": item.canonical_ref_high,
        "lab": item.lab,
        "method": item.method,
        "fasting": item.fasting,
        "specimen": item.specimen,
        "status": item.status,
        "detail": None if item.detail is None else dict(item.detail),
        "natural_key": row.natural_key,
        "source_id": item.source_id,
        "source_version": item.source_version,
        "place": item.place,
        "reason": item.reason,
        "superseded_by": None if row.closed_by is None else row.closed_by.id,
    }


def list_records(
    session: Session, actor: Actor, mrn: str, analyte: str | None = None, include_superseded: bool = False
) -> list[dict[str, Any]]:
    """What is stored of a patient, oldest first, as the contract's JSON; decimals are exactly those received.

    Rows entered in error are among them and say so in `status`. Raises NotFound when the actor may not see `mrn`.
    """
    patient_id = session.scalar(select(Patient.id).where(Patient.mrn == mrn, visible(actor)))
    if patient_id is None:
        raise NotFound(f"no patient {mrn!r}")
    wanted = (
        select(Record, Batch.format).join(Batch, Batch.id == Record.batch_id).where(Record.patient_id == patient_id)
    )
    if analyte is not None:
        wanted = wanted.where(Record.analyte == analyte)
    if not include_superseded:
        wanted = wanted.where(Record.superseded_by.is_(None))
    rows = session.execute(wanted.order_by(Record.effective_at, Record.id))
    return [_listed(record, format, mrn) for record, format in rows]


def _listed(record: Record, format: str, mrn: str) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "patient": mrn,
        "kind": record.kind,
        "analyte": record.analyte,
        "value": _decimal(record.value),
        "comparator": record.comparator,
        "unit": record.unit,
        "text": record.text,
        "canonical_value": record.canonical_value,
        "canonical_unit": record.canonical_unit,
        "effective": record.effective_text,
        "precision": record.precision,
        "ref_low": _decimal(record.ref_low),
        "ref_high": _decimal(record.ref_high),
        "interpretation": record.interpretation,
        "lab": record.lab,
        "method": record.method,
        "fasting": record.fasting,
        "status": record.status,
        "source": {"batch": record.batch_id, "format": format, "where": record.place},
        "recorded_at": record.recorded_at.isoformat(),
        "superseded_by": None if record.superseded_by is None else str(record.superseded_by),
    }


def _decimal(text_: str | None) -> Decimal | None:
    return None if text_ is None else Decimal(text_)
