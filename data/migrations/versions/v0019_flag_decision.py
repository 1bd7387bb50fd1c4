"""The table of decisions about flags: signed, and never changed afterwards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "flag_decision"
DECISIONS = (
    "decision IN ('no-change','interval','dose-up','dose-down','switch','stop','investigate','refer','not-applicable')"
)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("flag_id", sa.String(length=36), nullable=False),
        sa.Column("flag_version", sa.Integer(), nullable=False),
        sa.Column("rule_version", sa.String(length=20), nullable=False),
        sa.Column("protocol_version", sa.String(length=12), nullable=False),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("to_status", sa.String(length=14), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("proved_at", INSTANT, nullable=False),
        sa.CheckConstraint(DECISIONS, name=op.f("ck_flag_decision_decision")),
        sa.CheckConstraint(
            "(decision = 'not-applicable') = (reason IS NOT NULL)", name=op.f("ck_flag_decision_reason")
        ),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_flag_decision_flag_id_flag")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_flag_decision_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_decision")),
        sa.UniqueConstraint("key", name=op.f("uq_flag_decision_key")),
    )
    op.create_index(op.f("ix_flag_decision_flag_id"), TABLE, ["flag_id"])
    _freeze()


def downgrade() -> None:
    op.drop_table(TABLE)


def _freeze() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
            )
        return
    for name, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{name} BEFORE {verbs} ON {TABLE} "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )
