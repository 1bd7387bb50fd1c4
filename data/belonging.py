"""Which rows of which tables belong to a patient, found by the foreign keys, so that no table is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import ColumnElement, Table, or_, select

from data.models import Base, Patient


def belonging(patient_ids: Sequence[int]) -> dict[Table, ColumnElement[bool]]:
    """By table, parents first, the where-clause of the rows that belong to these patients, directly or through another
    such row."""
    own = cast(Table, Patient.__table__)
    found: dict[Table, ColumnElement[bool]] = {own: own.c.id.in_(patient_ids)}
    for table in Base.metadata.sorted_tables:
        through = [
            key.parent.in_(select(key.column).where(found[key.column.table]))
            for key in sorted(table.foreign_keys, key=lambda key: str(key.parent.name))
            if key.column.table in found and key.column.table is not table
        ]
        if through:
            found[table] = or_(*through)
    return found
