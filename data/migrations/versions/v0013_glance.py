"""The table of glances: what the cohort shows of each patient, kept from the last judgement; an index for the worklist.

The table starts empty; the first sweep fills it, because it judges whoever has no glance.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "glance",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=True),
        sa.Column("glucagon_times", sa.Double(), nullable=True),
        sa.Column("glucagon_course", sa.Double(), nullable=True),
        sa.Column("iga", sa.Integer(), nullable=True),
        sa.Column("response", sa.String(length=4), nullable=True),
        sa.Column("response_at", INSTANT, nullable=True),
        sa.Column("hba1c", sa.Double(), nullable=True),
        sa.Column("in_range", sa.Double(), nullable=True),
        sa.Column("weight_change", sa.Double(), nullable=True),
        sa.Column("drug", sa.String(length=60), nullable=True),
        sa.Column("next_injection", sa.Date(), nullable=True),
        sa.Column("best_change", sa.Double(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_glance_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_glance")),
    )
    op.create_index(
        "ix_flag_worklist", "flag", ["status", "severity", "opened_at", "patient_id", "axis", "owner_id", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_flag_worklist", table_name="flag")
    op.drop_table("glance")
