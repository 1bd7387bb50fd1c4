"""What the audit trail is searched by, reasons beside it, consent, and erasure of what is otherwise append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Append-only but for an erasure. The audit chain is not among them, nor is what knows nothing of a patient.
ERASABLE = (
    *("flag_history", "record_report", "entry_save", "correction", "data_query_step", "flag_decision", "emergency"),
    "delivery_attempt",
)
# Every column of `record` but `superseded_by`, as revision 0025 left it.
RECORD_COLUMNS = (
    *("id", "patient_id", "kind", "analyte", "value", "comparator", "unit", "text", "interpretation"),
    *("canonical_value", "canonical_unit", "effective_at", "effective_text", "precision", "issued_at"),
    *("ref_low", "ref_high", "canonical_ref_low", "canonical_ref_high", "lab", "method", "fasting", "specimen"),
    *("status", "detail", "natural_key", "source_id", "source_version", "batch_id", "place"),
    *("recorded_at", "recorded_by", "reason", "ingest_seq", "sent_digest"),
)
BETWEEN = "NOT EXISTS (SELECT 1 FROM erasing)"

_THROUGH = "IF EXISTS (SELECT 1 FROM erasing) THEN RETURN NEW; END IF;"
_RECORD_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_record_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF OLD.superseded_by IS NULL AND NEW.superseded_by IS NOT NULL
AND to_jsonb(NEW) - 'superseded_by' = to_jsonb(OLD) - 'superseded_by' THEN RETURN NEW; END IF; {through}
RAISE EXCEPTION 'record is append-only: only superseded_by may be set, once'; END $$
"""


def upgrade() -> None:
    for column in ("at", "actor"):
        op.create_index(op.f(f"ix_audit_{column}"), "audit", [column])
    op.create_table(
        "audit_reason",
        sa.Column("seq", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["audit.seq"], name=op.f("fk_audit_reason_seq_audit")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_reason")),
    )
    op.create_table(
        "erasure",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_erasure_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "erasing", sa.Column("id", BIG_ID, nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_erasing"))
    )
    op.create_table(
        "consent",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.CheckConstraint("purpose IN ('research','sharing')", name=op.f("ck_consent_purpose")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_patient", "consent", ["patient_id", "purpose", "id"])
    if op.get_bind().dialect.name == "sqlite":
        _sqlite(f" AND {BETWEEN}", f" WHEN {BETWEEN}")
    else:
        _postgresql("refuse_unless_erasing", erasing=True)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite("", "")
    else:
        _postgresql("refuse_change", erasing=False)
    for table in ("consent", "erasing", "erasure", "audit_reason"):
        op.drop_table(table)
    for column in ("actor", "at"):
        op.drop_index(op.f(f"ix_audit_{column}"), "audit")


def _sqlite(and_: str, when: str) -> None:
    """The triggers anew: on `record` under one more condition, on the others under a first one."""
    for table in (*ERASABLE, "record"):
        for verb in ("DELETE",) if table == "record" else ("UPDATE", "DELETE"):
            op.execute(f"DROP TRIGGER {table}_no_{verb.lower()}")
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}{when} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    same = " AND ".join(f'NEW."{column}" IS OLD."{column}"' for column in RECORD_COLUMNS)
    op.execute("DROP TRIGGER record_only_supersede")
    op.execute(
        "CREATE TRIGGER record_only_supersede BEFORE UPDATE ON record "
        f"WHEN NOT (OLD.superseded_by IS NULL AND NEW.superseded_by IS NOT NULL AND {same}){and_} "
        "BEGIN SELECT RAISE(ABORT, 'record is append-only: only superseded_by may be set, once'); END"
    )


def _postgresql(refuse: str, *, erasing: bool) -> None:
    if erasing:
        op.execute(
            "CREATE FUNCTION refuse_unless_erasing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF EXISTS (SELECT 1 FROM erasing) THEN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END IF; "
            "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in (*ERASABLE, "record"):
        verbs = "DELETE" if table == "record" else "UPDATE OR DELETE"
        op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE {verbs} ON {table} FOR EACH ROW EXECUTE FUNCTION {refuse}()"
        )
    op.execute(_RECORD_CHANGE.format(through=_THROUGH if erasing else ""))
    if not erasing:
        op.execute("DROP FUNCTION refuse_unless_erasing()")
