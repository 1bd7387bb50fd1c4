"""Where one number of a page comes from: what was received, by which file, what was corrected, which flags use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.entry.past import Arrived, Past, arrivals, past_values
from data.flags import flags_of
from data.models import Batch, ReadingDay, Record, RecordReport
from data.patients import find_by_mrn
from data.people import Actor, NotFound
from data.survivors import members

SENSOR = "sensor:"
MOST_VERSIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The import a row came with: `place` is where in it, `by` who stored it."""

    batch: str
    format: str
    place: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a record as received: texts and decimals are exactly those of the source."""

    id: str
    kind: str
    analyte: str | None
    value: str | None
    comparator: str | None
    unit: str | None
    text: str | None
    ref_low: str | None
    ref_high: str | None
    interpretation: str | None
    canonical_value: float | None
    canonical_unit: str | None
    effective: str
    effective_at: datetime
    precision: str
    issued: datetime | None
    lab: str | None
    method: str | None
    fasting: bool | None
    specimen: str | None
    status: str
    detail: dict[str, Any]
    reason: str | None
    source_id: str | None
    source: Source
    superseded_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """A record with its whole history, oldest version first, what reported it again, and the flags that rest on it.

    `past` are those of its versions that were corrected, retracted or moved away, `arrived` how it came here where it
    was moved.
    For a day of a sensor `versions` is empty and `sensor` says device and readings.
    """

    versions: tuple[Version, ...]
    reports: tuple[Source, ...]
    flags: tuple[dict[str, Any], ...]
    sensor: dict[str, Any] | None = None
    past: tuple[Past, ...] = ()
    arrived: tuple[Arrived, ...] = ()


def provenance(session: Session, actor: Actor, mrn: str, record: str) -> Provenance:
    """Where `record` of the patient comes from: the number of a row, or `sensor:DEVICE:DAY`.

    Raises NotFound when the actor may not see `mrn` or the patient has no such record.
    """
    patient = find_by_mrn(session, actor, mrn)
    ids = [patient.id, *(id for id in members(session, patient.id) if id != patient.id)]
    if record.startswith(SENSOR):
        return _sensor_day(session, ids, record)
    if not (record.isascii() and record.isdigit() and len(record) < 19):
        raise NotFound(f"no record {record[:40]!r}")
    chain = _chain(session, ids, int(record))
    own = {version.id for version in chain}
    return Provenance(
        versions=tuple(chain),
        reports=tuple(_reports(session, [int(id) for id in own])),
        flags=tuple(f for f in flags_of(session, ids, mrn) if own & {e["record"] for e in f["evidence"]}),
        past=tuple(past for past in past_values(session, actor, ids) if past.record in own),
        arrived=tuple(one for one in arrivals(session, actor, ids) if one.record in own),
    )


def sources_of(session: Session, patient_ids: Sequence[int]) -> dict[str, str]:
    """By record (and day of a sensor) which import it came with and where in it, of these patients."""
    rows = session.execute(
        select(Record.id, Batch.format, Record.place)
        .join(Batch, Batch.id == Record.batch_id)
        .where(Record.patient_id.in_(patient_ids), Record.superseded_by.is_(None))
    )
    found = {str(id): f"{format} {place}".strip() for id, format, place in rows}
    days = session.execute(
        select(ReadingDay.device, ReadingDay.day, Batch.format)
        .join(Batch, Batch.id == ReadingDay.batch_id)
        .where(ReadingDay.patient_id.in_(patient_ids))
    )
    return found | {f"{SENSOR}{device}:{day.isoformat()}": format for device, day, format in days}


def _chain(session: Session, patient_ids: Sequence[int], record: int) -> list[Version]:
    """The versions before and after a record, oldest first."""
    found: dict[int, tuple[Record, str]] = {}
    asked: set[int] = set()
    ahead = {record}
    while ahead and len(found) < MOST_VERSIONS:
        rows = session.execute(
            select(Record, Batch.format)
            .join(Batch, Batch.id == Record.batch_id)
            .where(
                Record.patient_id.in_(patient_ids),
                Record.id.in_(sorted(ahead)) | Record.superseded_by.in_(sorted(ahead)),
            )
        )
        found |= {row.id: (row, format) for row, format in rows}
        asked |= ahead
        later = {row.superseded_by for row, _ in found.values() if row.superseded_by is not None}
        ahead = (set(found) | later) - asked
    if record not in found:
        raise NotFound(f"no record {record}")
    return [_version(row, format) for _, (row, format) in sorted(found.items())]


def _version(row: Record, format: str) -> Version:
    return Version(
        id=str(row.id),
        kind=row.kind,
        analyte=row.analyte,
        value=row.value,
        comparator=row.comparator,
        unit=row.unit,
        text=row.text,
        ref_low=row.ref_low,
        ref_high=row.ref_high,
        interpretation=row.interpretation,
        canonical_value=row.canonical_value,
        canonical_unit=row.canonical_unit,
        effective=row.effective_text,
        effective_at=row.effective_at,
        precision=row.precision,
        issued=row.issued_at,
        lab=row.lab,
        method=row.method,
        fasting=row.fasting,
        specimen=row.specimen,
        status=row.status,
        detail=row.detail or {},
        reason=row.reason,
        source_id=row.source_id,
        source=Source(batch=row.batch_id, format=format, place=row.place, by=row.recorded_by, at=row.recorded_at),
        superseded_by=None if row.superseded_by is None else str(row.superseded_by),
    )


def _reports(session: Session, records: Sequence[int]) -> list[Source]:
    rows = session.execute(
        select(RecordReport, Batch)
        .join(Batch, Batch.id == RecordReport.batch_id)
        .where(RecordReport.record_id.in_(records))
        .order_by(RecordReport.id)
    )
    return [
        Source(batch=batch.id, format=batch.format, place=report.place, by=batch.actor, at=batch.started_at)
        for report, batch in rows
    ]


def _sensor_day(session: Session, patient_ids: Sequence[int], record: str) -> Provenance:
    device, _, on = record.removeprefix(SENSOR).rpartition(":")
    try:
        day = date.fromisoformat(on)
    except ValueError:
        raise NotFound(f"no record {record[:80]!r}") from None
    row = session.execute(
        select(ReadingDay, Batch)
        .join(Batch, Batch.id == ReadingDay.batch_id)
        .where(ReadingDay.patient_id.in_(patient_ids), ReadingDay.device == device, ReadingDay.day == day)
        .limit(1)
    ).first()
    if row is None:
        raise NotFound(f"no record {record[:80]!r}")
    kept, batch = row
    source = Source(batch=batch.id, format=batch.format, place="", by=batch.actor, at=batch.started_at)
    counts = {name: getattr(kept, name) for name in ("count", "low_marks", "high_marks", "minimum", "maximum")}
    return Provenance(
        versions=(), reports=(source,), flags=(), sensor={"device": device, "day": day, "unit": kept.unit, **counts}
    )
