"""What may be said of a whole import, and what it settles for the reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TypedDict
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from data.intake.moments import DateOrder
from data.intake.source import ImportRefused, Sources

# Options that a later retry of a held item needs again.
KEPT_OPTIONS = ("team", "mrn", "date_order", "zone")
LONGEST_ID = 64


class ImportOptions(TypedDict, total=False):
    """What may be said of a whole import. Each may be None or left out."""

    format: str | None
    team: str | None
    mrn: str | None
    date_order: str | None
    zone: str | None
    batch_id: str | None
    dry_run: bool


def kept(options: ImportOptions) -> dict[str, str]:
    """The options that say how content is read and whom it is about."""
    return {name: str(value) for name, value in options.items() if value and name in KEPT_OPTIONS}


def reading_digest(sources: Sources, options: Mapping[str, str]) -> str:
    """One digest over what is read and how it is read: the content, its format and the options that were kept."""
    read = {"content": sources.digest, "format": sources.format, "options": options}
    return sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def checked_id(batch_id: str) -> str:
    """A usable batch id. Raises ImportRefused for any other."""
    if not 0 < len(batch_id) <= LONGEST_ID or not batch_id.isprintable() or not batch_id.isascii():
        raise ImportRefused(f"a batch id has 1 to {LONGEST_ID} printable ASCII characters")
    return batch_id


def zone_of(options: Mapping[str, str]) -> ZoneInfo | None:
    """The zone of times without one. Raises ImportRefused for a name that is no zone."""
    name = options.get("zone")
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImportRefused(f"{name!r} is not a time zone") from error


def date_order_of(options: Mapping[str, str]) -> DateOrder | None:
    """Whether the day or the month comes first where a file leaves it open. Raises ImportRefused for anything else."""
    said = options.get("date_order")
    if said is None:
        return None
    if said == "dmy":
        return "dmy"
    if said == "mdy":
        return "mdy"
    raise ImportRefused(f"the date order is dmy or mdy, not {said!r}")
