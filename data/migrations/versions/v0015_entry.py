"""The tables of entry by hand: saves, drafts, form versions, laboratory habits, corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FROZEN = ("entry_save", "correction")


def upgrade() -> None:
    op.create_table(
        "entry_head",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_entry_head_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", "form", name=op.f("pk_entry_head")),
    )
    op.create_table(
        "entry_save",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_entry_save_patient_id_patient")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_entry_save_batch_id_batch")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_entry_save")),
    )
    op.create_index("ix_entry_save_form", "entry_save", ["patient_id", "form", "version"], unique=True)
    op.create_table(
        "entry_draft",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_entry_draft_person_id_person")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_entry_draft_patient_id_patient")),
        sa.PrimaryKeyConstraint("person_id", "patient_id", "form", name=op.f("pk_entry_draft")),
    )
    op.create_table(
        "laboratory_habit",
        sa.Column("laboratory", sa.String(length=200), nullable=False),
        sa.Column("analyte", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("ref_low", sa.String(length=80), nullable=True),
        sa.Column("ref_high", sa.String(length=80), nullable=True),
        sa.Column("method", sa.String(length=200), nullable=True),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("laboratory", "analyte", name=op.f("pk_laboratory_habit")),
    )
    op.create_table(
        "correction",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("record_id", BIG_ID, nullable=False),
        sa.Column("replacement_id", BIG_ID, nullable=False),
        sa.Column("moved_to_id", BIG_ID, nullable=True),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        *(
            sa.ForeignKeyConstraint([column], ["record.id"], name=op.f(f"fk_correction_{column}_record"))
            for column in ("record_id", "replacement_id", "moved_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
        sa.UniqueConstraint("record_id", name=op.f("uq_correction_record_id")),
    )
    for table in FROZEN:
        _freeze(table)


def downgrade() -> None:
    for table in ("correction", "laboratory_habit", "entry_draft", "entry_save", "entry_head"):
        op.drop_table(table)


def _freeze(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    for name, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{name} BEFORE {verbs} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )
