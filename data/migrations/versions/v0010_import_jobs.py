"""The table of imports that people asked for on the import page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("format", sa.String(length=30), nullable=True),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("preview", sa.JSON(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded','previewing','previewed','importing',"
            "'imported','refused','broken','cancelled','expired')",
            name=op.f("ck_import_job_state"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_import_job_owner_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_index("ix_import_job_owner", "import_job", ["owner_id", "created_at"])
    op.create_index("ix_import_job_state", "import_job", ["state", "asked_at"])


def downgrade() -> None:
    op.drop_table("import_job")
