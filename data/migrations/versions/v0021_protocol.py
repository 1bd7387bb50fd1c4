"""The protocol in the database: drafts and their trials, values, signatures; muted rules; reviews of patients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FROZEN = ("protocol_value", "protocol_signature")


def upgrade() -> None:
    _drafts()
    _values()
    _mutes()
    _reviews()
    for table in FROZEN:
        _freeze(table)


def downgrade() -> None:
    for table in (
        *("patient_review", "flag_withheld", "rule_mute", "protocol_signature", "protocol_value"),
        *("protocol_trial_change", "protocol_draft"),
    ):
        op.drop_table(table)


def _drafts() -> None:
    op.create_table(
        "protocol_draft",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.String(length=200), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=True),
        sa.Column("beat_at", INSTANT, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("base_version", sa.String(length=12), nullable=True),
        sa.Column("trial_version", sa.String(length=12), nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open','trying','tried','broken','activated','withdrawn')", name=op.f("ck_protocol_draft_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_draft")),
        sa.UniqueConstraint("standing", name=op.f("uq_protocol_draft_standing")),
    )
    op.create_table(
        "protocol_trial_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("rule", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("instead_of", sa.String(length=10), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=True),
        sa.CheckConstraint("what IN ('opens','ends','severity')", name=op.f("ck_protocol_trial_change_what")),
        _to("protocol_trial_change", "draft_id", "protocol_draft"),
        _to("protocol_trial_change", "patient_id", "patient"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_trial_change")),
    )
    op.create_index("ix_protocol_trial_change_draft", "protocol_trial_change", ["draft_id", "what", "patient_id"])


def _values() -> None:
    op.create_table(
        "protocol_value",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("threshold", sa.String(length=60), nullable=False),
        sa.Column("old_value", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(length=30), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("protocol_version", sa.String(length=12), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("proved_at", INSTANT, nullable=False),
        _to("protocol_value", "draft_id", "protocol_draft"),
        _to("protocol_value", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_value")),
    )
    op.create_index(op.f("ix_protocol_value_threshold"), "protocol_value", ["threshold"])
    op.create_table(
        "protocol_signature",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("threshold", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(length=30), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value_id", BIG_ID, nullable=True),
        sa.Column("protocol_version", sa.String(length=12), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("proved_at", INSTANT, nullable=False),
        _to("protocol_signature", "value_id", "protocol_value"),
        _to("protocol_signature", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_signature")),
    )
    op.create_index(op.f("ix_protocol_signature_threshold"), "protocol_signature", ["threshold"])


def _mutes() -> None:
    op.create_table(
        "rule_mute",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("rule", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        _to("rule_mute", "team_id", "team"),
        _to("rule_mute", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_mute")),
    )
    op.create_index("ix_rule_mute_rule", "rule_mute", ["rule", "team_id", "until"])
    op.create_table(
        "flag_withheld",
        sa.Column("flag_id", sa.String(length=36), nullable=False),
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _to("flag_withheld", "flag_id", "flag"),
        _to("flag_withheld", "team_id", "team"),
        sa.PrimaryKeyConstraint("flag_id", "team_id", name=op.f("pk_flag_withheld")),
    )


def _reviews() -> None:
    op.create_table(
        "patient_review",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by_flag", sa.String(length=36), nullable=True),
        _to("patient_review", "patient_id", "patient"),
        _to("patient_review", "person_id", "person"),
        _to("patient_review", "ended_by_flag", "flag"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_review")),
        sa.UniqueConstraint("key", name=op.f("uq_patient_review_key")),
    )
    op.create_index("ix_patient_review_patient", "patient_review", ["patient_id", "at"])


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


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
