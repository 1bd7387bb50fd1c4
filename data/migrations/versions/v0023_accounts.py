"""Second factors, known devices, service tokens, sign-ins through a provider, and emergency access."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger()
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = "emergency"


def upgrade() -> None:
    op.add_column("person", sa.Column("provider_subject", sa.String(length=600), nullable=True))
    op.create_index(op.f("ix_person_provider_subject"), "person", ["provider_subject"], unique=True)
    op.add_column("session", sa.Column("awaits_code", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("address", sa.String(length=254), nullable=True))
    op.create_table(
        "second_factor",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("sealed", sa.String(length=300), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        _of_person("second_factor"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        _of_person("recovery_code"),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "known_device",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        _of_person("known_device"),
        sa.PrimaryKeyConstraint("id_hash", "person_id", name=op.f("pk_known_device")),
    )
    op.create_table(
        "service_token",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        _of_person("service_token"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_service_token_token_hash")),
    )
    op.create_table(
        "emergency",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        _of_person("emergency"),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_emergency_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency")),
    )
    for table in ("recovery_code", "known_device", "service_token", "emergency"):
        op.create_index(op.f(f"ix_{table}_person_id"), table, ["person_id"])
    op.create_index(op.f("ix_emergency_patient_id"), "emergency", ["patient_id"])
    _freeze()


def downgrade() -> None:
    for table in ("emergency", "service_token", "known_device", "recovery_code", "second_factor"):
        op.drop_table(table)
    for table in ("outbox", "session"):
        op.drop_column(table, "address" if table == "outbox" else "awaits_code")
    op.drop_index(op.f("ix_person_provider_subject"), "person")
    op.drop_column("person", "provider_subject")


def _of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{table}_person_id_person"))


def _freeze() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {APPEND_ONLY}_no_{verb.lower()} BEFORE {verb} ON {APPEND_ONLY} "
                f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY} is append-only'); END"
            )
        return
    for name, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {APPEND_ONLY}_no_{name} BEFORE {verbs} ON {APPEND_ONLY} "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )
