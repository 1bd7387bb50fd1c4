"""By what a record is known when the very same bytes come again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None

# Every column of `record` but `superseded_by`, as revision 0002 made it.
BEFORE = (
    *("id", "patient_id", "kind", "analyte", "value", "comparator", "unit", "text", "interpretation"),
    *("canonical_value", "canonical_unit", "effective_at", "effective_text", "precision", "issued_at"),
    *("ref_low", "ref_high", "canonical_ref_low", "canonical_ref_high", "lab", "method", "fasting", "specimen"),
    *("status", "detail", "natural_key", "source_id", "source_version", "batch_id", "place"),
    *("recorded_at", "recorded_by", "reason", "ingest_seq"),
)


def upgrade() -> None:
    op.add_column("record", sa.Column("sent_digest", sa.LargeBinary(length=16), nullable=True))
    _freeze((*BEFORE, "sent_digest"))


def downgrade() -> None:
    _freeze(BEFORE)
    op.drop_column("record", "sent_digest")


def _freeze(columns: tuple[str, ...]) -> None:
    """Say anew which columns never change; on PostgreSQL the trigger of revision 0004 looks at every column."""
    if op.get_bind().dialect.name != "sqlite":
        return
    same = " AND ".join(f'NEW."{column}" IS OLD."{column}"' for column in columns)
    op.execute("DROP TRIGGER record_only_supersede")
    op.execute(
        "CREATE TRIGGER record_only_supersede BEFORE UPDATE ON record "
        f"WHEN NOT (OLD.superseded_by IS NULL AND NEW.superseded_by IS NOT NULL AND {same}) "
        "BEGIN SELECT RAISE(ABORT, 'record is append-only: only superseded_by may be set, once'); END"
    )
