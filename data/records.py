"""Every write of clinical records, and their list as the contract shows it.

Records are append-only: a correction is a new row that closes the one it replaces. One chunk is one part of one
transaction and takes one number of the ingest sequence, under a lock held to the commit, so that a reader who has seen
number n has seen everything up to n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, cast

import msgspec
from msgspec.structs import replace
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from data.audit import Entry, appended, head_asked
from data.intake.item import Item, natural_key, plain_json
from data.intake.verdict import Ledger, Version
from data.journeys import Question, Statement, ask, one_of, tell
from data.known_versions import known_versions
from data.models import Batch, Patient, Record, RecordReport
from data.models.base import to_ms
from data.people import Actor, NotFound, visible
from data.record_rows import FEW, copy_rows, inserted_rows
from data.rehearsal import lend_records, rehearsing
from data.survivors import SURVIVORS, grouped, members, numbered

# Any number will do as long as every writer takes the same one.
INGEST_LOCK = 4_711_060_302

_TABLE = cast(Table, Record.__table__)
_RECORD = _TABLE.c
_LOCK: Final[Question] = ("SELECT pg_advisory_xact_lock(%s)", (INGEST_LOCK,))
_OPEN: Final = "INSERT INTO batch (id, format, digest, actor, started_at, files) VALUES (%s, %s, %s, %s, %s, %s)"
_LAST_SEQ: Final[Question] = ("SELECT coalesce(max(seq), 0) FROM ingest", ())
_INGEST: Final = "INSERT INTO ingest (seq, at, batch_id) VALUES (%s, %s, %s)"
_INGEST_PATIENT: Final = "INSERT INTO ingest_patient (seq, patient_id) VALUES (%s, %s)"
_CLOSE: Final = "UPDATE record SET superseded_by = %s WHERE id = %s"
_REPORT: Final = (
    "INSERT INTO record_report (id, record_id, source_id, source_version, status, batch_id, place)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_LAST_IDS: Final = (
    "SELECT max(coalesce((SELECT max(id) FROM record), 0), coalesce((SELECT max(id) FROM record_report), 0))"
)
_NEXT_IDS: Final = (
    "WITH own AS MATERIALIZED (SELECT pg_get_serial_sequence('record', 'id')::regclass AS ids)"
    " SELECT nextval(ids) FROM own, generate_series(1, %s)"
)
_RETRACTED = (_RECORD.effective_at, _RECORD.effective_text, _RECORD.precision)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of one item; `why` is set where it was refused."""

    outcome: Literal["stored", "unchanged", "superseded", "refused"]
    why: str | None = None


def open_batch(
    session: Session, actor: Actor, *, batch_id: str, format: str, now: datetime, digest: str = "", files: int = 0
) -> None:
    """Make the row that records of one import, form or command point at, if it is not there yet."""
    (there,) = ask(session, ("SELECT id FROM batch WHERE id = %s", (batch_id,)))
    if not there:
        tell(session, [(_OPEN, [(batch_id, format, digest, actor.name, to_ms(now), files)])])


def lock_ingest(session: Session, *questions: Question) -> list[Sequence[Any]]:
    """Make this transaction the only one that writes records until it ends, then ask. SQLite writers already are.

    A rehearsal writes only tables of its own.
    """
    if rehearsing(session) or session.get_bind().dialect.name == "sqlite":
        return ask(session, *questions) if questions else []
    return ask(session, _LOCK, *questions)[1:]


def take_ingest(session: Session, *, batch_id: str | None, patient_ids: Iterable[int], now: datetime) -> int:
    """The next number of the ingest sequence, with the patients it touches and their survivors.

    Call `lock_ingest` first.
    """
    last, merged = ask(session, _LAST_SEQ, SURVIVORS)
    seq, statements = _ingested(last, merged, batch_id=batch_id, patient_ids=patient_ids, now=now)
    tell(session, statements)
    return seq


def _ingested(
    last: Sequence[Any], merged: Sequence[Any], *, batch_id: str | None, patient_ids: Iterable[int], now: datetime
) -> tuple[int, list[Statement]]:
    """The number that follows `last`, and what writes it; `merged` are all merges."""
    ((latest,),) = last
    seq = int(latest) + 1
    touched = set(patient_ids)
    touched |= {survivor for patient_id, survivor in merged if patient_id in touched}
    noted = [(seq, patient_id) for patient_id in sorted(touched)]
    return seq, [(_INGEST, [(seq, to_ms(now), batch_id)]), (_INGEST_PATIENT, noted)]


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
    (merged,) = lock_ingest(session, SURVIVORS)
    together = grouped(merged, {item.patient_id for item in items})
    if rehearsing(session):
        _lend(session, items, together)
    items = _at_home(session, items, together)
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
        _write(session, rows, closed, merged, batch_id=batch_id, actor=actor, now=now)
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
    (merged,) = ask(session, SURVIVORS)
    _write(session, ordered, [closed], merged, batch_id=batch_id, actor=actor, now=now)
    return tuple(row.id or 0 for row in rows)


def item_of(record: Record) -> Item:
    """The fact a record states, as it was handed over; what is made of it was not sent by anybody."""
    return Item(**{name: getattr(record, name) for name in Item.__struct_fields__} | {"sent_digest": None})


def _new_version(item: Item) -> Version:
    at = None if item.effective_at is None else to_ms(item.effective_at)
    key = natural_key(item)
    named = (item.source_id, item.source_version, item.status, at, item.content())
    return Version(None, item.patient_id, key, *named, closed=False, item=item)


def _lend(session: Session, items: Sequence[Item], together: Mapping[int, Sequence[int]]) -> None:
    keys = {
        (member, natural_key(item)) for item in items for member in together.get(item.patient_id, (item.patient_id,))
    }
    lend_records(session, sorted({item.source_id for item in items if item.source_id is not None}), keys)


def _at_home(session: Session, items: Sequence[Item], together: Mapping[int, Sequence[int]]) -> Sequence[Item]:
    """The items, each under the one of merged patients that has the result it repeats or corrects already."""
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
    session: Session,
    rows: list[Version],
    closed: list[Version],
    merged: Sequence[Any],
    *,
    batch_id: str,
    actor: Actor,
    now: datetime,
) -> None:
    # In order of patient and time, so that rows read together lie together; what came first stays first.
    rows.sort(key=lambda row: (row.patient_id, row.item.effective_at if row.item else now))
    touched = sorted({version.patient_id for version in (*rows, *closed)})
    ids, last, named, head = ask(
        session, _ids_asked(session, len(rows)), _LAST_SEQ, _uuids_asked(session, touched), head_asked(session)
    )
    for row, id in zip(rows, _new_ids(session, ids, len(rows)), strict=True):
        row.id = id
    seq, statements = _ingested(last, merged, batch_id=batch_id, patient_ids=touched, now=now)
    closings = [(None if v.closed_by is None else v.closed_by.id, v.id) for v in closed]
    statements.append((_CLOSE, closings))
    shared = (batch_id, to_ms(now), actor.name, seq)
    written = [_row(row, *shared) for row in rows]
    if len(rows) <= FEW:
        statements.append(inserted_rows(written))
    uuids = [uuid for (uuid,) in named]
    entry = Entry(
        actor=actor,
        action="record.store",
        now=now,
        patient_uuid=uuids[0] if len(uuids) == 1 else None,
        object=f"batch {batch_id}",
        detail={
            "ingest": seq,
            "rows": len(rows),
            "patients": uuids,
            "superseded": [[id, by] for by, id in closings],
        },
    )
    tell(session, [*statements, *appended(session, head, entry)[1]])
    if len(rows) > FEW:
        copy_rows(session, written)


def _write_reports(session: Session, reports: list[Version], *, batch_id: str, actor: Actor, now: datetime) -> None:
    ids, head = ask(session, _ids_asked(session, len(reports)), head_asked(session))
    for report, id in zip(reports, _new_ids(session, ids, len(reports)), strict=True):
        report.id = id
    written = [
        (
            report.id,
            report.row.id,
            report.source_id,
            report.source_version,
            report.status,
            batch_id,
            "" if report.item is None else report.item.place,
        )
        for report in reports
    ]
    stated = {"reports": len(reports), "records": sorted({report.row.id or 0 for report in reports})}
    entry = Entry(actor=actor, action="record.report", now=now, object=f"batch {batch_id}", detail=stated)
    tell(session, [(_REPORT, written), *appended(session, head, entry)[1]])


def _ids_asked(session: Session, count: int) -> Question:
    """The question for the ids of `count` rows or reports; `_new_ids` makes them of the answer."""
    return (_LAST_IDS, ()) if session.get_bind().dialect.name == "sqlite" else (_NEXT_IDS, (count,))


def _uuids_asked(session: Session, patient_ids: Sequence[int]) -> Question:
    among, given = one_of(session, patient_ids)
    return f"SELECT uuid FROM patient WHERE id {among} ORDER BY id", (given,)  # noqa: S608  # nosec B608


def _new_ids(session: Session, answer: Sequence[Any], count: int) -> Iterable[int]:
    """Ids for `count` rows or reports, known before they are written: one may close another of the same chunk."""
    ids = [int(id) for (id,) in answer]
    return range(ids[0] + 1, ids[0] + 1 + count) if session.get_bind().dialect.name == "sqlite" else sorted(ids)


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
        item.sent_digest,
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
