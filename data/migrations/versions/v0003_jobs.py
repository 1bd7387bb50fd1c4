"""Tables of mail and of what the scheduled jobs did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES = ("outbox", "delivery_attempt", "digest", "job_run", "watermark", "leader", "gap")


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("flag_id", sa.String(length=36), nullable=True),
        sa.Column("episode", sa.Integer(), nullable=True),
        sa.Column("recipient_id", BIG_ID, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("last_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('immediate','digest','test','technical')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint(
            "state IN ('pending','sending','sent','retry','dead','cancelled','digested','held')",
            name=op.f("ck_outbox_state"),
        ),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_outbox_flag_id_flag")),
        sa.ForeignKeyConstraint(["recipient_id"], ["person.id"], name=op.f("fk_outbox_recipient_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint(
            "flag_id", "episode", "recipient_id", "step", name=op.f("uq_outbox_flag_id_episode_recipient_id_step")
        ),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "priority", "next_at"])
    op.create_table(
        "delivery_attempt",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("outbox_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_delivery_attempt_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index(op.f("ix_delivery_attempt_outbox_id"), "delivery_attempt", ["outbox_id"])
    op.create_table(
        "digest",
        sa.Column("recipient_id", BIG_ID, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("outbox_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_digest_outbox_id_outbox")),
        sa.ForeignKeyConstraint(["recipient_id"], ["person.id"], name=op.f("fk_digest_recipient_id_person")),
        sa.PrimaryKeyConstraint("recipient_id", "local_date", name=op.f("pk_digest")),
    )
    op.create_table(
        "job_run",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job", sa.String(length=40), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "due_at", name=op.f("uq_job_run_job_due_at")),
    )
    op.create_index(op.f("ix_job_run_finished_at"), "job_run", ["finished_at"])
    op.create_table(
        "watermark",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_watermark")),
    )
    op.create_table(
        "leader",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leader")),
    )
    op.create_table(
        "gap",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
