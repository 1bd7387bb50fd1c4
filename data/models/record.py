"""Clinical records: append-only rows, each with what was received, its canonical number and its provenance.

A row is never changed: a correction is a new row, and the only update the database lets through is setting
`superseded_by` once (triggers in the first migration). `ingest_seq` orders commits: every transaction that writes
records takes one number from `ingest`, under a lock, so a reader that has seen n has seen everything up to n.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Batch(Base):
    """One import: a set of files, or one save of one form."""

    __tablename__ = "batch"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    format: Mapped[str] = mapped_column(String(30))
    digest: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    files: Mapped[int] = mapped_column(default=0)
    summary: Mapped[dict[str, Any] | None]


class Ingest(Base):
    """One committed chunk of new facts; `seq` grows in commit order."""

    __tablename__ = "ingest"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.id"))


class IngestPatient(Base):
    """Which patients a chunk touched: the sweep reads this beyond its watermark."""

    __tablename__ = "ingest_patient"

    seq: Mapped[int] = mapped_column(ForeignKey("ingest.seq"), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)


class Record(Base):
    """One fact about a patient.

    `kind` says which: lab, skin, lesion, response, biliary, therapy, symptom, state, finding.
    `value`, `unit`, `ref_low`, `ref_high`, `effective_text` are as received; `canonical_*` are derived beside them.
    `sent_digest` knows what it was made of when it comes again (`data.intake.came_before`).
    `detail` holds the fields of the kind (see `clinical.chart`, the dataclass of the same name).
    """

    __tablename__ = "record"
    __table_args__ = (
        Index(
            "uq_record_current_key",
            "patient_id",
            "natural_key",
            unique=True,
            sqlite_where=text("superseded_by IS NULL"),
            postgresql_where=text("superseded_by IS NULL"),
        ),
        Index(
            "ix_record_past_key",
            "patient_id",
            "natural_key",
            sqlite_where=text("superseded_by IS NOT NULL"),
            postgresql_where=text("superseded_by IS NOT NULL"),
        ),
        Index("ix_record_patient_effective", "patient_id", "effective_at"),
        Index("ix_record_analyte", "analyte", "patient_id", "effective_at"),
        Index("ix_record_source", "source_id"),
        Index("ix_record_ingest", "ingest_seq"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    kind: Mapped[str] = mapped_column(String(12))
    analyte: Mapped[str | None] = mapped_column(String(40))
    value: Mapped[str | None] = mapped_column(String(80))
    comparator: Mapped[str | None] = mapped_column(String(2))
    unit: Mapped[str | None] = mapped_column(String(60))
    text: Mapped[str | None] = mapped_column(Text)
    interpretation: Mapped[str | None] = mapped_column(String(60))
    canonical_value: Mapped[float | None]
    canonical_unit: Mapped[str | None] = mapped_column(String(60))
    effective_at: Mapped[datetime]
    effective_text: Mapped[str] = mapped_column(String(80))
    precision: Mapped[str] = mapped_column(String(6))
    issued_at: Mapped[datetime | None]
    ref_low: Mapped[str | None] = mapped_column(String(80))
    ref_high: Mapped[str | None] = mapped_column(String(80))
    canonical_ref_low: Mapped[float | None]
    canonical_ref_high: Mapped[float | None]
    lab: Mapped[str | None] = mapped_column(String(200))
    method: Mapped[str | None] = mapped_column(String(200))
    fasting: Mapped[bool | None]
    specimen: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any] | None]
    natural_key: Mapped[bytes] = mapped_column(LargeBinary(16))
    source_id: Mapped[str | None] = mapped_column(String(300))
    source_version: Mapped[str | None] = mapped_column(String(100))
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    place: Mapped[str] = mapped_column(String(500))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(Text)
    sent_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    ingest_seq: Mapped[int] = mapped_column(ForeignKey("ingest.seq"))
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("record.id", deferrable=True, initially="DEFERRED"))


class RecordReport(Base):
    """A further report, under a source id of its own, that states what `record_id` already holds (decision 0021).

    `id` comes from the numbers of `record`, so that reports and rows of one source id sort together.
    """

    __tablename__ = "record_report"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    source_id: Mapped[str] = mapped_column(String(300), index=True)
    source_version: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20))
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    place: Mapped[str] = mapped_column(String(500))


class ReadingDay(Base):
    """One UTC day of one glucose sensor: the packed readings and their aggregate (see `data.readings`)."""

    __tablename__ = "reading_day"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    device: Mapped[str] = mapped_column(String(60), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(String(10))
    packed: Mapped[bytes] = mapped_column(LargeBinary)
    count: Mapped[int]
    total: Mapped[float]
    total_squared: Mapped[float]
    below_54: Mapped[int]
    below_70: Mapped[int]
    above_180: Mapped[int]
    above_250: Mapped[int]
    low_marks: Mapped[int]
    high_marks: Mapped[int]
    minimum: Mapped[float | None]
    maximum: Mapped[float | None]
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    ingest_seq: Mapped[int] = mapped_column(ForeignKey("ingest.seq"))


class Quarantined(Base):
    """An item that could not be read: the raw item, where it stood, why it was held and what might mend it."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("uq_quarantine_item", "batch_id", "place", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    place: Mapped[str] = mapped_column(String(500))
    why: Mapped[str] = mapped_column(Text)
    suggestion: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    format: Mapped[str] = mapped_column(String(30))
    options: Mapped[dict[str, Any] | None]
    state: Mapped[str] = mapped_column(String(12), default="held")
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(200))
