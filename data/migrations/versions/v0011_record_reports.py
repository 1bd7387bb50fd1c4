"""The table of further reports: other source ids under which a stored result was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "record_report",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("record_id", BIG_ID, nullable=False),
        sa.Column("source_id", sa.String(length=300), nullable=False),
        sa.Column("source_version", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_record_report_record_id_record")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_record_report_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_report")),
    )
    op.create_index(op.f("ix_record_report_record_id"), "record_report", ["record_id"])
    op.create_index(op.f("ix_record_report_source_id"), "record_report", ["source_id"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER record_report_no_{verb.lower()} BEFORE {verb} ON record_report "
                "BEGIN SELECT RAISE(ABORT, 'record_report is append-only'); END"
            )
    else:
        for name, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER record_report_no_{name} BEFORE {verbs} ON record_report "
                f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )


def downgrade() -> None:
    op.drop_table("record_report")
