"""Table of what laboratories write and mean."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STANDING = sa.text("retired_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "learned_mapping",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("laboratory", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("written", sa.String(length=100), nullable=False),
        sa.Column("meaning", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("item_id", BIG_ID, nullable=True),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("retired_by", sa.String(length=200), nullable=True),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column("retired_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('unit','code')", name=op.f("ck_learned_mapping_kind")),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> proposed_by", name=op.f("ck_learned_mapping_two_people")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["quarantine.id"], name=op.f("fk_learned_mapping_item_id_quarantine")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_mapping")),
    )
    op.create_index(
        "uq_learned_mapping_standing",
        "learned_mapping",
        ["laboratory", "kind", "written"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def downgrade() -> None:
    op.drop_table("learned_mapping")
