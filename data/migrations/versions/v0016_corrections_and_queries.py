"""Corrections made once, what they reopen and whom they tell, and questions about stored values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("correction", sa.Column("key", sa.String(length=64), nullable=True))
    op.create_index("uq_correction_key", "correction", ["key"], unique=True)
    op.create_index("ix_correction_moved_to_id", "correction", ["moved_to_id"])
    op.add_column("flag", sa.Column("reopened_at", INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("corrects", sa.String(length=36), nullable=True))
    op.create_table(
        "data_query",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("record_id", BIG_ID, nullable=True),
        sa.Column("sensor_day", sa.String(length=200), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by_id", BIG_ID, nullable=False),
        sa.CheckConstraint("state IN ('open','answered','closed')", name=op.f("ck_data_query_state")),
        sa.CheckConstraint("(record_id IS NULL) <> (sensor_day IS NULL)", name=op.f("ck_data_query_about")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_data_query_patient_id_patient")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_data_query_record_id_record")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_data_query_asked_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_query")),
        sa.UniqueConstraint("key", name=op.f("uq_data_query_key")),
    )
    op.create_index("ix_data_query_patient", "data_query", ["patient_id", "state"])
    op.create_table(
        "data_query_step",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("query_id", BIG_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=True),
        sa.Column("from_state", sa.String(length=10), nullable=True),
        sa.Column("to_state", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["query_id"], ["data_query.id"], name=op.f("fk_data_query_step_query_id_data_query")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_data_query_step_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_query_step")),
    )
    op.create_index(op.f("ix_data_query_step_query_id"), "data_query_step", ["query_id"])
    _freeze("data_query_step")


def downgrade() -> None:
    op.drop_table("data_query_step")
    op.drop_table("data_query")
    op.drop_column("outbox", "corrects")
    op.drop_column("flag", "reopened_at")
    op.drop_index("ix_correction_moved_to_id", "correction")
    op.drop_index("uq_correction_key", "correction")
    op.drop_column("correction", "key")


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
