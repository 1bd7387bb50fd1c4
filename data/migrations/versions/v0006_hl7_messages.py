"""What arrives over MLLP."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hl7_message",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("application", sa.String(length=200), nullable=False),
        sa.Column("facility", sa.String(length=200), nullable=False),
        sa.Column("control_id", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("batch_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint("state IN ('done','conflict','failed')", name=op.f("ck_hl7_message_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_hl7_message_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_message")),
    )
    op.create_index(
        "uq_hl7_message_sent", "hl7_message", ["application", "facility", "control_id", "digest"], unique=True
    )
    op.create_table(
        "feed",
        sa.Column("application", sa.String(length=200), nullable=False),
        sa.Column("facility", sa.String(length=200), nullable=False),
        sa.Column("last_heard_at", INSTANT, nullable=False),
        sa.Column("last_control_id", sa.String(length=200), nullable=False),
        sa.Column("last_peer", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("application", "facility", name=op.f("pk_feed")),
    )


def downgrade() -> None:
    op.drop_table("feed")
    op.drop_table("hl7_message")
