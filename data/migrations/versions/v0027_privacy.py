"""What the audit trail is searched by."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("at", "actor"):
        op.create_index(op.f(f"ix_audit_{column}"), "audit", [column])


def downgrade() -> None:
    for column in ("actor", "at"):
        op.drop_index(op.f(f"ix_audit_{column}"), "audit")
