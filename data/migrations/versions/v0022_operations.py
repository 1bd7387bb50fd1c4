"""What the operations page needs: jobs as they are planned and wished for, how often feeds are to be heard, gaps told.

Gaps that stand are taken as told: nobody is mailed of an outage that was before the upgrade.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job_plan",
        sa.Column("job", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("schedule", sa.String(length=80), nullable=False),
        sa.Column("next_due_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_plan")),
    )
    op.create_table(
        "job_request",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_request")),
    )
    untaken = sa.text("taken_at IS NULL")
    op.create_index(
        "uq_job_request_waiting", "job_request", ["job"], unique=True, sqlite_where=untaken, postgresql_where=untaken
    )
    op.add_column("gap", sa.Column("told_at", INSTANT, nullable=True))
    op.execute("UPDATE gap SET told_at = to_at")
    op.add_column("feed", sa.Column("interval_s", sa.Integer(), server_default="86400", nullable=True))
    op.add_column("feed", sa.Column("silence_told_at", INSTANT, nullable=True))


def downgrade() -> None:
    for table, column in (("feed", "silence_told_at"), ("feed", "interval_s"), ("gap", "told_at")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
    op.drop_table("job_request")
    op.drop_table("job_plan")
