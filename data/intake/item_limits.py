"""What no column can hold is held back item by item, so that one odd text cannot stop its whole chunk."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, gt

from sqlalchemy import String

from clinical.saying import say
from data.intake.item import Held, Item, plain_json
from data.models import Record

LONGEST_TEXT = 20_000
_LIMITS: dict[str, int] = {
    column.name: column.type.length or LONGEST_TEXT
    for column in Record.__table__.columns
    if isinstance(column.type, String) and column.name in Item.__struct_fields__
}
_LONGEST = tuple(_LIMITS.values())
_texts = attrgetter(*_LIMITS)


def storable(item: Item) -> Item:
    """`item` itself. Raises Held naming the field that is too long or holds a NUL character."""
    texts = [text or "" for text in _texts(item)]
    if "\x00" in "".join(texts) or any(map(gt, map(len, texts), _LONGEST)):
        _refuse_text(texts)
    detail = plain_json(item.detail)
    if detail is not None and ("\\u0000" in detail or len(detail) > LONGEST_TEXT):
        raise Held(
            say(
                "a coded field holds a NUL character or is longer than {longest_text} characters",
                longest_text=LONGEST_TEXT,
            ),
            say("shorten it"),
        )
    return item


def _refuse_text(texts: Sequence[str]) -> None:
    for (name, longest), text in zip(_LIMITS.items(), texts, strict=True):
        if "\x00" in text:
            raise Held(say("{said} holds a NUL character", said=_said(name)), say("remove it at the source"))
        if len(text) > longest:
            raise Held(
                say("{said} is longer than {longest} characters", said=_said(name), longest=longest), say("shorten it")
            )


def _said(name: str) -> str:
    return f"the {name.replace('_', ' ')}"
