"""A row of the therapy, lesion or skin sheet -> one coded fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data.intake.coded import lesion_detail, sized, skin_detail, text, therapy_detail
from data.intake.item import Item, Kind

if TYPE_CHECKING:
    from data.intake.sheets import Row


def therapy_row(row: Row) -> Item:
    """An injection, a step of a regimen or a procedure."""
    detail = therapy_detail(row.cells)
    return _item(row, "therapy", None, detail, value=text(row.cells, "dose"), unit=text(row.cells, "unit"))


def lesion_row(row: Row) -> Item:
    """One lesion on one scan."""
    detail = lesion_detail(row.cells)
    return _item(row, "lesion", "lesion", detail, **sized(detail))


def skin_row(row: Row) -> Item:
    """A skin assessment."""
    return _item(row, "skin", "skin-assessment", skin_detail(row.cells))


def _item(
    row: Row, kind: Kind, analyte: str | None, detail: dict[str, Any], value: str | None = None, unit: str | None = None
) -> Item:
    return Item(
        patient_id=row.patient_id,
        kind=kind,
        analyte=analyte,
        effective_at=row.moment.at,
        effective_text=row.moment.text,
        precision=row.moment.precision,
        place=row.where,
        detail=detail,
        value=value,
        unit=unit,
    )
