"""Tables of people, patients, teams, sign-ins and the audit chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES = (
    "team",
    "person",
    "patient",
    "person_team",
    "patient_identifier",
    "patient_team",
    "session",
    "invitation",
    "throttle",
    "audit",
    "audit_head",
)


def upgrade() -> None:
    op.create_table(
        "team",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("name", name=op.f("uq_team_name")),
    )
    op.create_table(
        "person",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("password_hash", sa.String(length=300), nullable=True),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("role IN ('oncologist','nurse','admin','auditor','service')", name=op.f("ck_person_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "patient",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("mrn", sa.String(length=120), nullable=False),
        sa.Column("mrn_system", sa.String(length=300), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(length=10), nullable=True),
        sa.Column("deceased_at", INSTANT, nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("mrn", name=op.f("uq_patient_mrn")),
        sa.UniqueConstraint("uuid", name=op.f("uq_patient_uuid")),
    )
    op.create_table(
        "person_team",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_team_person_id_person")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_person_team_team_id_team")),
        sa.PrimaryKeyConstraint("person_id", "team_id", name=op.f("pk_person_team")),
    )
    op.create_index(op.f("ix_person_team_team_id"), "person_team", ["team_id"])
    op.create_table(
        "patient_identifier",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("system", sa.String(length=300), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_identifier_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_identifier")),
        sa.UniqueConstraint("system", "value", name=op.f("uq_patient_identifier_system_value")),
    )
    op.create_index(op.f("ix_patient_identifier_patient_id"), "patient_identifier", ["patient_id"])
    op.create_table(
        "patient_team",
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_team_patient_id_patient")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_patient_team_team_id_team")),
        sa.PrimaryKeyConstraint("patient_id", "team_id", name=op.f("pk_patient_team")),
    )
    op.create_index(op.f("ix_patient_team_team_id"), "patient_team", ["team_id"])
    op.create_table(
        "session",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("proved_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id_person")),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_person_id"), "session", ["person_id"])
    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_invitation_person_id_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_person_id"), "invitation", ["person_id"])
    op.create_table(
        "throttle",
        sa.Column("bucket", sa.String(length=100), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("free_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_throttle")),
    )
    op.create_table(
        "audit",
        sa.Column("seq", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("patient_uuid", sa.String(length=36), nullable=True),
        sa.Column("object", sa.String(length=300), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_action"), "audit", ["action"])
    op.create_index(op.f("ix_audit_patient_uuid"), "audit", ["patient_uuid"])
    op.create_table(
        "audit_head",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    # The chain of audit rows starts from this head; a row is appended only while it is locked.
    head = sa.text("INSERT INTO audit_head (id, seq, mac) VALUES (1, 0, :mac)")
    op.execute(head.bindparams(mac="0" * 64))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
