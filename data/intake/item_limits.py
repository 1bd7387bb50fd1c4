"""What no column can hold is held back item by item, so that one odd text cannot stop its whole chunk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String

from data.intake.item import Held, Item, plain_json
from data.models import Record

_LENGTHS: dict[str, int] = {
    column.name: column.type.length
    for column in Record.__table__.columns
    if isinstance(column.type, String) and column.type.length is not None
}
_TEXTS = (*(name for name in _LENGTHS if name in Item.__dataclass_fields__), "text", "reason")
LONGEST_TEXT = 20_000


def storable(item: Item) -> Item:
    """`item` itself. Raises Held naming the field that is too long or holds a NUL character."""
    for name in _TEXTS:
        value: Any = getattr(item, name)
        if value is None:
            continue
        if "\x00" in value:
            raise Held(f"{_said(name)} holds a NUL character", "remove it at the source")
        if len(value) > _LENGTHS.get(name, LONGEST_TEXT):
            raise Held(f"{_said(name)} is longer than {_LENGTHS.get(name, LONGEST_TEXT)} characters", "shorten it")
    detail = plain_json(item.detail)
    if detail is not None and ("\\u0000" in detail or len(detail) > LONGEST_TEXT):
        raise Held(f"a coded field holds a NUL character or is longer than {LONGEST_TEXT} characters", "shorten it")
    return item


def _said(name: str) -> str:
    return f"the {name.replace('_', ' ')}"
