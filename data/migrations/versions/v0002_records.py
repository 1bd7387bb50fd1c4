"""Tables of clinical records, what could not be read, flags and judgements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CURRENT = sa.text("superseded_by IS NULL")
PAST = sa.text("superseded_by IS NOT NULL")
OPEN = sa.text("status NOT IN ('resolved','overridden')")

TABLES = (
    "batch",
    "ingest",
    "ingest_patient",
    "record",
    "reading_day",
    "quarantine",
    "flag",
    "flag_history",
    "judgement",
)


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=30), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_table(
        "ingest",
        sa.Column("seq", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_ingest_batch_id_batch")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ingest")),
    )
    op.create_table(
        "ingest_patient",
        sa.Column("seq", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_ingest_patient_patient_id_patient")),
        sa.ForeignKeyConstraint(["seq"], ["ingest.seq"], name=op.f("fk_ingest_patient_seq_ingest")),
        sa.PrimaryKeyConstraint("seq", "patient_id", name=op.f("pk_ingest_patient")),
    )
    op.create_table(
        "record",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("analyte", sa.String(length=40), nullable=True),
        sa.Column("value", sa.String(length=80), nullable=True),
        sa.Column("comparator", sa.String(length=2), nullable=True),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("interpretation", sa.String(length=60), nullable=True),
        sa.Column("canonical_value", sa.Double(), nullable=True),
        sa.Column("canonical_unit", sa.String(length=60), nullable=True),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("effective_text", sa.String(length=80), nullable=False),
        sa.Column("precision", sa.String(length=6), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("ref_low", sa.String(length=80), nullable=True),
        sa.Column("ref_high", sa.String(length=80), nullable=True),
        sa.Column("canonical_ref_low", sa.Double(), nullable=True),
        sa.Column("canonical_ref_high", sa.Double(), nullable=True),
        sa.Column("lab", sa.String(length=200), nullable=True),
        sa.Column("method", sa.String(length=200), nullable=True),
        sa.Column("fasting", sa.Boolean(), nullable=True),
        sa.Column("specimen", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.Column("natural_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=300), nullable=True),
        sa.Column("source_version", sa.String(length=100), nullable=True),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ingest_seq", BIG_ID, nullable=False),
        sa.Column("superseded_by", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_record_batch_id_batch")),
        sa.ForeignKeyConstraint(["ingest_seq"], ["ingest.seq"], name=op.f("fk_record_ingest_seq_ingest")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_record_patient_id_patient")),
        # A correction closes the row it replaces before it stands itself: one key is never current twice.
        sa.ForeignKeyConstraint(
            ["superseded_by"],
            ["record.id"],
            name=op.f("fk_record_superseded_by_record"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
    )
    op.create_index("ix_record_analyte", "record", ["analyte", "patient_id", "effective_at"])
    op.create_index("ix_record_ingest", "record", ["ingest_seq"])
    op.create_index(
        "ix_record_past_key",
        "record",
        ["patient_id", "natural_key"],
        sqlite_where=PAST,
        postgresql_where=PAST,
    )
    op.create_index("ix_record_patient_effective", "record", ["patient_id", "effective_at"])
    op.create_index("ix_record_source", "record", ["source_id"])
    op.create_index(
        "uq_record_current_key",
        "record",
        ["patient_id", "natural_key"],
        unique=True,
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )
    op.create_table(
        "reading_day",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("total_squared", sa.Double(), nullable=False),
        sa.Column("below_54", sa.Integer(), nullable=False),
        sa.Column("below_70", sa.Integer(), nullable=False),
        sa.Column("above_180", sa.Integer(), nullable=False),
        sa.Column("above_250", sa.Integer(), nullable=False),
        sa.Column("low_marks", sa.Integer(), nullable=False),
        sa.Column("high_marks", sa.Integer(), nullable=False),
        sa.Column("minimum", sa.Double(), nullable=True),
        sa.Column("maximum", sa.Double(), nullable=True),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("ingest_seq", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_reading_day_batch_id_batch")),
        sa.ForeignKeyConstraint(["ingest_seq"], ["ingest.seq"], name=op.f("fk_reading_day_ingest_seq_ingest")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_reading_day_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", "device", "day", name=op.f("pk_reading_day")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=30), nullable=False),
        sa.Column("options", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_quarantine_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_digest"), "quarantine", ["digest"])
    op.create_index("uq_quarantine_item", "quarantine", ["batch_id", "place"], unique=True)
    op.create_table(
        "flag",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("rule", sa.String(length=10), nullable=False),
        sa.Column("rule_version", sa.String(length=20), nullable=False),
        sa.Column("protocol_version", sa.String(length=12), nullable=False),
        sa.Column("axis", sa.String(length=10), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("dedup_key", sa.String(length=300), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=14), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("finding", sa.JSON(), nullable=False),
        sa.Column("evidence_digest", sa.String(length=64), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("first_evidence_at", INSTANT, nullable=False),
        sa.Column("cleared_at", INSTANT, nullable=True),
        sa.Column("snoozed_until", INSTANT, nullable=True),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("owner_id", BIG_ID, nullable=True),
        sa.Column("first_seq", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("severity IN ('urgent','high','medium','low','info')", name=op.f("ck_flag_severity")),
        sa.CheckConstraint(
            "status IN ('open','acknowledged','in-review','snoozed','resolved','overridden')",
            name=op.f("ck_flag_status"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_flag_owner_id_person")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_flag_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
    )
    op.create_index("ix_flag_patient_status", "flag", ["patient_id", "status"])
    op.create_index("uq_flag_one_open", "flag", ["dedup_key"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "flag_history",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("flag_id", sa.String(length=36), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=True),
        sa.Column("from_status", sa.String(length=14), nullable=True),
        sa.Column("to_status", sa.String(length=14), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_flag_history_flag_id_flag")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_flag_history_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_history")),
    )
    op.create_index(op.f("ix_flag_history_flag_id"), "flag_history", ["flag_id"])
    op.create_table(
        "judgement",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("judged_seq", sa.Integer(), nullable=False),
        sa.Column("judged_at", INSTANT, nullable=False),
        sa.Column("next_due_at", INSTANT, nullable=True),
        sa.Column("protocol_version", sa.String(length=12), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_judgement_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_judgement")),
    )
    op.create_index(op.f("ix_judgement_next_due_at"), "judgement", ["next_due_at"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
