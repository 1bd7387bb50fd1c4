"""Every write of clinical records, and their list as the contract shows it.

Records are append-only: a correction is a new row that closes the one it replaces. One chunk is one part of one
transaction and takes one number of the ingest sequence, under a lock held to the commit, so that a reader who has seen
number n has seen everything up to n.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast

import msgspec
from msgspec.structs import replace
from sqlalchemy import Table, bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.intake.item import Item, natural_key, plain_json
from data.intake.verdict import Ledger, Version
from data.known_versions import known_versions
from data.models import Batch, Ingest, IngestPatient, Patient, Record, RecordReport
from data.models.base import to_ms
from data.people import Actor, NotFound, visible
from data.record_rows import insert_rows
from data.rehearsal import lend_records, rehearsing
from data.survivors import groups, members, numbered, survivors

# Any number will do as long as every writer takes the same one.
INGEST_LOCK = 4_711_060_302

_TABLE = cast(Table, Record.__table__)
_RECORD = _TABLE.c
_PATIENT = cast(Table, Patient.__table__).c
# Made once: building a statement costs more than a small one takes.
_LAST_SEQ = select(func.coalesce(func.max(cast(Table, Ingest.__table__).c.seq), 0))
_INGEST = insert(cast(Table, Ingest.__table__))
_INGEST_PATIENT = insert(cast(Table, IngestPatient.__table__))
_LAST_ID = select(func.coalesce(func.max(_RECORD.id), 0))
_LAST_REPORT_ID = select(func.coalesce(func.max(RecordReport.id), 0))
_SEQUENCE = text("SELECT nextval(pg_get_serial_sequence('record', 'id')) FROM generate_series(1, :count)")
_UUIDS = select(_PATIENT.uuid).where(_PATIENT.id.in_(bindparam("ids", expanding=True))).order_by(_PATIENT.id)
_RETRACTED = (_RECORD.effective_at, _RECORD.effective_text, _RECORD.precision)


class Verdict(msgspec.Struct, frozen=True, gc=False):
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
    """Make this transaction the only one that writes records until it ends. SQLite writers already are.

    A rehearsal writes only tables of its own.
    """
    if rehearsing(session):
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": INGEST_LOCK})


def take_ingest(session: Session, *, batch_id: str | None, patient_ids: Iterable[int], now: datetime) -> int:
    """The next number of the ingest sequence, with the patients it touches and their survivors.

    Call `lock_ingest` first.
    """
    connection = session.connection()
    seq = int(connection.execute(_LAST_SEQ).scalar_one()) + 1
    connection.execute(_INGEST, {"seq": seq, "at": now, "batch_id": batch_id})
    touched = set(patient_ids)
    touched |= {survivor for merged, survivor in survivors(session).items() if merged in touched}
    connection.execute(_INGEST_PATIENT, [{"seq": seq, "patient_id": id} for id in sorted(touched)])
    return seq


def store_chunk(
    session: Session, *, batch_id: str, items: Sequence[Item], actor: Actor, now: datetime
) -> tuple[Verdict, ...]:
    """Store `items` in the transaction of `session` and say what became of each, in their order.

    New rows, rows they close, one ingest number and one audit row; further reports of stored results get an audit row
    of their own. Nothing at all is written when every item is known.
    A transaction that also writes audit rows of its own before this calls `lock_ingest` first: every writer takes the
    ingest lock before the head of the audit chain. The batch must exist (`open_batch`), and the items' patients must be
    ones `actor` may see: the caller matched them.
    """
    if not items:
        return ()
    lock_ingest(session)
    if rehearsing(session):
        _lend(session, items)
    items = _at_home(session, items)
    keyed = [(item, natural_key(item)) for item in items]
    ledger = Ledger(known_versions(session, keyed))
    verdicts: list[Verdict] = []
    rows: list[Version] = []
    closed: list[Version] = []
    reports: list[Version] = []
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
        closed += [version for version in decision.closes if version.id is not None]
        if decision.also is not None:
            reports.append(decision.also)
    if rows or closed:
        _write(session, rows, closed, batch_id=batch_id, actor=actor, now=now)
    if reports:
        _write_reports(session, reports, batch_id=batch_id, actor=actor, now=now)
    return tuple(verdicts)


def supersede(
    session: Session,
    record: Record,
    by: Item,
    beside: Sequence[Item] = (),
    *,
    batch_id: str,
    actor: Actor,
    now: datetime,
) -> tuple[int, ...]:
    """Close a current record with `by` and store `beside` with it; the ids of the new rows, that of `by` first.

    For what a person decides of one record. Call `lock_ingest` first; the batch must exist.
    """
    rows = [_new_version(item) for item in (by, *beside)]
    closed = _new_version(item_of(record))
    closed.id, closed.closed, closed.closed_by = record.id, True, rows[0]
    ordered = list(rows)
    _write(session, ordered, [closed], batch_id=batch_id, actor=actor, now=now)
    return tuple(row.id or 0 for row in rows)


def item_of(record: Record) -> Item:
    """The fact a record states, as it was handed over."""
    return Item(**{name: getattr(record, name) for name in Item.__struct_fields__})


def _new_version(item: Item) -> Version:
    at = None if item.effective_at is None else to_ms(item.effective_at)
    key = natural_key(item)
    named = (item.source_id, item.source_version, item.status, at, item.content())
    return Version(None, item.patient_id, key, *named, closed=False, item=item)


def _lend(session: Session, items: Sequence[Item]) -> None:
    together = groups(session, {item.patient_id for item in items})
    keys = {
        (member, natural_key(item)) for item in items for member in together.get(item.patient_id, (item.patient_id,))
    }
    lend_records(session, sorted({item.source_id for item in items if item.source_id is not None}), keys)


def _at_home(session: Session, items: Sequence[Item]) -> Sequence[Item]:
    """The items, each under the one of merged patients that has the result it repeats or corrects already."""
    together = groups(session, {item.patient_id for item in items})
    if not together:
        return items
    mine = _RECORD.patient_id.in_(sorted({member for group in together.values() for member in group}))
    concerned = [(item, natural_key(item)) for item in items if item.patient_id in together]
    sources = [item.source_id for item, _ in concerned if item.source_id is not None]
    by_source: dict[str, set[int]] = {}
    reported = select(RecordReport.source_id, _RECORD.patient_id).join(_TABLE, _RECORD.id == RecordReport.record_id)
    for source_id, patient_id in session.execute(
        select(_RECORD.source_id, _RECORD.patient_id)
        .where(mine, _RECORD.source_id.in_(sources))
        .union(reported.where(mine, RecordReport.source_id.in_(sources)))
    ):
        by_source.setdefault(source_id, set()).add(patient_id)
    by_key: dict[bytes, set[int]] = {}
    for key, patient_id in session.execute(
        select(_RECORD.natural_key, _RECORD.patient_id).where(
            mine, _RECORD.natural_key.in_([key for _, key in concerned])
        )
    ):
        by_key.setdefault(bytes(key), set()).add(patient_id)

    def home(item: Item) -> Item:
        group = together.get(item.patient_id, ())
        for there in (by_source.get(item.source_id or "", set()), by_key.get(natural_key(item), set())):
            known = [member for member in group if member in there]
            if known and item.patient_id not in known:
                return replace(item, patient_id=known[0])
            if known:
                return item
        return item

    return [home(item) for item in items]


def _dated(session: Session, item: Item, retracted: Version) -> Item:
    if retracted.item is not None:
        at, as_text, precision = (
            retracted.item.effective_at,
            retracted.item.effective_text,
            retracted.item.precision,
        )
    else:
        at, as_text, precision = session.execute(select(*_RETRACTED).where(_RECORD.id == retracted.row.id)).one()
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
    if closed:
        close = update(_TABLE).where(_RECORD.id == bindparam("closed_id")).values(superseded_by=bindparam("by"))
        session.connection().execute(
            close, [{"closed_id": v.id, "by": None if v.closed_by is None else v.closed_by.id} for v in closed]
        )
    if rows:
        shared = (batch_id, to_ms(now), actor.name, seq)
        insert_rows(session, [_row(row, *shared) for row in rows])
    uuids = session.connection().scalars(_UUIDS, {"ids": sorted(touched)}).all()
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


def _write_reports(session: Session, reports: list[Version], *, batch_id: str, actor: Actor, now: datetime) -> None:
    for report, id in zip(reports, _new_ids(session, len(reports)), strict=True):
        report.id = id
    session.execute(
        insert(RecordReport),
        [
            {
                "id": report.id,
                "record_id": report.row.id,
                "source_id": report.source_id,
                "source_version": report.source_version,
                "status": report.status,
                "batch_id": batch_id,
                "place": "" if report.item is None else report.item.place,
            }
            for report in reports
        ],
    )
    stated = {"reports": len(reports), "records": sorted({report.row.id or 0 for report in reports})}
    write_audit(session, actor, "record.report", now=now, object=f"batch {batch_id}", detail=stated)


def _new_ids(session: Session, count: int) -> Iterable[int]:
    """Ids for `count` rows or reports, known before they are written: one may close another of the same chunk."""
    if session.get_bind().dialect.name == "postgresql":
        return sorted(session.connection().scalars(_SEQUENCE, {"count": count}).all())
    last = max(int(session.connection().execute(latest).scalar_one()) for latest in (_LAST_ID, _LAST_REPORT_ID))
    return range(last + 1, last + 1 + count)


def _row(row: Version, batch_id: str, recorded_at: int, recorded_by: str, seq: int) -> tuple[Any, ...]:
    """The row in the order of `data.record_rows.COLUMNS`."""
    item = row.item
    if item is None or item.effective_at is None:
        raise ValueError("only a row made from an item with a time can be written")
    return (
        row.id,
        item.patient_id,
        item.kind,
        item.analyte,
        item.value,
        item.comparator,
        item.unit,
        item.text,
        item.interpretation,
        item.canonical_value,
        item.canonical_unit,
        to_ms(item.effective_at),
        item.effective_text,
        item.precision,
        None if item.issued_at is None else to_ms(item.issued_at),
        item.ref_low,
        item.ref_high,
        item.canonical_ref_low,
        item.canonical_ref_high,
        item.lab,
        item.method,
        item.fasting,
        item.specimen,
        item.status,
        plain_json(item.detail),
        row.natural_key,
        item.source_id,
        item.source_version,
        batch_id,
        item.place,
        recorded_at,
        recorded_by,
        item.reason,
        seq,
        None if row.closed_by is None else row.closed_by.id,
    )


def list_records(
    session: Session, actor: Actor, mrn: str, analyte: str | None = None, include_superseded: bool = False
) -> list[dict[str, Any]]:
    """What is stored of a patient, oldest first, as the contract's JSON; decimals are exactly those received.

    Rows entered in error are among them and say so in `status`; those of patients merged into this one
    too. Raises NotFound when the actor may not see `mrn`.
    """
    patient = session.scalar(select(Patient).where(numbered(mrn), visible(actor)))
    if patient is None:
        raise NotFound(f"no patient {mrn!r}")
    wanted = (
        select(Record, Batch.format)
        .join(Batch, Batch.id == Record.batch_id)
        .where(Record.patient_id.in_(members(session, patient.id)))
    )
    if analyte is not None:
        wanted = wanted.where(Record.analyte == analyte)
    if not include_superseded:
        wanted = wanted.where(Record.superseded_by.is_(None))
    rows = session.execute(wanted.order_by(Record.effective_at, Record.id))
    return [_listed(record, format, patient.mrn) for record, format in rows]


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
