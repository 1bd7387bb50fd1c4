"""Readings take two bytes and the deflated gaps between them instead of four bytes each (`data/reading_form.py`)."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DAY = sa.table(
    "reading_day",
    sa.column("patient_id", sa.Integer),
    sa.column("device", sa.String),
    sa.column("day", sa.Date),
    sa.column("packed", sa.LargeBinary),
)


def upgrade() -> None:
    _repack(_denser)


def downgrade() -> None:
    _repack(_four_bytes)


def _denser(packed: bytes) -> bytes:
    old = np.frombuffer(packed, dtype="<u4")
    gaps = np.diff(old & (2**17 - 1), prepend=np.uint32(0)).astype("<u4")
    return len(old).to_bytes(4, "little") + (old >> 17).astype("<u2").tobytes() + zlib.compress(gaps.tobytes(), 1)


def _four_bytes(packed: bytes) -> bytes:
    end = 4 + 2 * int.from_bytes(packed[:4], "little")
    words = np.frombuffer(packed[4:end], dtype="<u2").astype("<u4")
    seconds = np.cumsum(np.frombuffer(zlib.decompress(packed[end:]), dtype="<u4"), dtype="<u4")
    old: bytes = (seconds | words << 17).astype("<u4").tobytes()
    return old


def _repack(form: Callable[[bytes], bytes]) -> None:
    connection = op.get_bind()
    for key in connection.execute(sa.select(DAY.c.patient_id, DAY.c.device, DAY.c.day)).all():
        where = (DAY.c.patient_id == key.patient_id, DAY.c.device == key.device, DAY.c.day == key.day)
        packed = connection.execute(sa.select(DAY.c.packed).where(*where)).scalar_one()
        connection.execute(sa.update(DAY).where(*where).values(packed=form(bytes(packed))))
