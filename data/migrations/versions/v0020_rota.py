"""Rota, stand-ins, subscriptions, quiet hours, escalation and test alerts; why a mail went to whom it went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ON_OUTBOX = ("chosen", "rung", "held_until", "told_in", "passed_on_at")
TABLES = ("duty_test", "escalation", "subscription", "mail_choice", "rota_gap", "team_lead", "stand_in", "rota_week")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("chosen", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("rung", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("held_until", INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("told_in", sa.String(length=36), nullable=True))
    op.add_column("outbox", sa.Column("passed_on_at", INSTANT, nullable=True))
    op.create_index(op.f("ix_outbox_told_in"), "outbox", ["told_in"])
    _rota()
    _choices()
    op.create_table(
        "escalation",
        sa.Column("flag_id", sa.String(length=36), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("told_step", sa.Integer(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        _link("escalation", "flag_id", "flag"),
        sa.PrimaryKeyConstraint("flag_id", "episode", "told_step", "rung", name=op.f("pk_escalation")),
    )
    op.create_table(
        "duty_test",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("monday", sa.Date(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("alarmed_at", INSTANT, nullable=True),
        _link("duty_test", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_test")),
        sa.UniqueConstraint("person_id", "monday", name=op.f("uq_duty_test_person_id_monday")),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index(op.f("ix_outbox_told_in"), table_name="outbox")
    with op.batch_alter_table("outbox") as outbox:
        for column in ON_OUTBOX:
            outbox.drop_column(column)


def _rota() -> None:
    op.create_table(
        "rota_week",
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("monday", sa.Date(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        _link("rota_week", "team_id", "team"),
        _link("rota_week", "person_id", "person"),
        sa.PrimaryKeyConstraint("team_id", "monday", name=op.f("pk_rota_week")),
    )
    op.create_table(
        "stand_in",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("stand_in_id", BIG_ID, nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_stand_in_days")),
        _link("stand_in", "team_id", "team"),
        _link("stand_in", "person_id", "person"),
        _link("stand_in", "stand_in_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_in")),
    )
    op.create_index(op.f("ix_stand_in_team_id"), "stand_in", ["team_id"])
    op.create_table(
        "team_lead",
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        _link("team_lead", "team_id", "team"),
        _link("team_lead", "person_id", "person"),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_team_lead")),
    )
    op.create_table(
        "rota_gap",
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("monday", sa.Date(), nullable=False),
        sa.Column("noticed_at", INSTANT, nullable=False),
        _link("rota_gap", "team_id", "team"),
        sa.PrimaryKeyConstraint("team_id", "monday", name=op.f("pk_rota_gap")),
    )


def _choices() -> None:
    op.create_table(
        "mail_choice",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_to", sa.Integer(), nullable=True),
        sa.Column("off_at", INSTANT, nullable=True),
        sa.Column("off_why", sa.Text(), nullable=True),
        _link("mail_choice", "person_id", "person"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_mail_choice")),
    )
    op.create_table(
        "subscription",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.CheckConstraint("severity IN ('urgent','high','medium')", name=op.f("ck_subscription_severity")),
        sa.CheckConstraint("how IN ('at-once','on-call','digest','off')", name=op.f("ck_subscription_how")),
        sa.CheckConstraint("severity <> 'urgent' OR how IN ('at-once','on-call')", name=op.f("ck_subscription_urgent")),
        _link("subscription", "person_id", "person"),
        _link("subscription", "team_id", "team"),
        sa.PrimaryKeyConstraint("person_id", "team_id", "severity", name=op.f("pk_subscription")),
    )


def _link(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))
