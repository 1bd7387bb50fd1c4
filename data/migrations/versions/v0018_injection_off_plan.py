"""By how many days the last injection came off its plan, for the list of injections of a team.

The column starts empty; the first sweep fills it, because the form of the glances changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("glance", sa.Column("injection_late", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("glance", "injection_late")
