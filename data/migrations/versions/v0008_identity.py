"""Tables of merges, survivors, states and proposals about identity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_FORCE = sa.text("unmerged_at IS NULL")
OPEN = sa.text("state = 'open'")

TABLES = ("patient_merge", "patient_survivor", "patient_status", "identity_proposal")


def upgrade() -> None:
    op.add_column("patient", sa.Column("transferred_at", INSTANT, nullable=True))
    op.create_table(
        "patient_merge",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("from_id", BIG_ID, nullable=False),
        sa.Column("into_id", BIG_ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("merged_by", sa.String(length=200), nullable=False),
        sa.Column("merged_at", INSTANT, nullable=False),
        sa.Column("unmerged_reason", sa.Text(), nullable=True),
        sa.Column("unmerged_by", sa.String(length=200), nullable=True),
        sa.Column("unmerged_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["from_id"], ["patient.id"], name=op.f("fk_patient_merge_from_id_patient")),
        sa.ForeignKeyConstraint(["into_id"], ["patient.id"], name=op.f("fk_patient_merge_into_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_merge")),
    )
    op.create_index("ix_patient_merge_into_id", "patient_merge", ["into_id"])
    op.create_index(
        "uq_patient_merge_in_force",
        "patient_merge",
        ["from_id"],
        unique=True,
        sqlite_where=IN_FORCE,
        postgresql_where=IN_FORCE,
    )
    op.create_table(
        "patient_survivor",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("survivor_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_survivor_patient_id_patient")),
        sa.ForeignKeyConstraint(["survivor_id"], ["patient.id"], name=op.f("fk_patient_survivor_survivor_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient_survivor")),
    )
    op.create_index(op.f("ix_patient_survivor_survivor_id"), "patient_survivor", ["survivor_id"])
    op.create_table(
        "patient_status",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('active','deceased','transferred','withdrawn')", name=op.f("ck_patient_status_status")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_status_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_status")),
    )
    op.create_index(op.f("ix_patient_status_patient_id"), "patient_status", ["patient_id"])
    op.create_table(
        "identity_proposal",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("from_number", sa.String(length=300), nullable=True),
        sa.Column("into_number", sa.String(length=300), nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('merge','update','link')", name=op.f("ck_identity_proposal_kind")),
        sa.CheckConstraint("state IN ('open','accepted','refused')", name=op.f("ck_identity_proposal_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_identity_proposal_batch_id_batch")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_identity_proposal_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_proposal")),
    )
    op.create_index(op.f("ix_identity_proposal_digest"), "identity_proposal", ["digest"])
    op.create_index(op.f("ix_identity_proposal_patient_id"), "identity_proposal", ["patient_id"])
    op.create_index(
        "uq_identity_proposal_open",
        "identity_proposal",
        ["digest"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("patient", "transferred_at")
