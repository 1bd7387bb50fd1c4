"""The JSON of sensor exports: one list of objects, each with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from data.intake.cgm_text import decoded
from data.intake.item import Held
from data.intake.parcel import Unreadable


def read_list(raw: bytes) -> list[Any]:
    """The entries of a file. Raises Unreadable for anything but one list."""
    try:
        found = json.loads(decoded(raw), parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {error}") from error
    if not isinstance(found, list):
        raise Unreadable("is not one list of entries")
    return found


def place(entry: int) -> str:
    """Where an entry stands."""
    return f"entry[{entry}]"


def raw_of(entries: list[Any]) -> Callable[[int], str]:
    """Each entry as a list of one, so that it can be read again on its own."""
    return lambda entry: json.dumps([entries[entry]])


def text(entry: dict[str, Any], name: str) -> str:
    """A field that is text, empty where it is not there. Raises Held for another kind."""
    found = entry.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Held(f"{name} is not text", "send the export as the maker wrote it")
    return found


def number(entry: dict[str, Any], name: str) -> str | None:
    """A number as it was written, None where it is not there. Raises Held for another kind."""
    found = entry.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise Held(f"{name} is not a number", "send the export as the maker wrote it")
    return str(found)
