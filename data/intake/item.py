"""What an importer hands over: one normalised fact ready to store, or a refusal that says where, why and what helps.

Every format ends in these two, so that the same content is the same item whichever format brought it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from data.models.base import to_ms

Kind = Literal["lab", "skin", "lesion", "response", "biliary", "therapy", "symptom", "state", "finding"]
# Remarks do not make a fact another one.
_REMARKS = frozenset({"note", "notes", "columns"})
_encode = msgspec.json.Encoder().encode
RETRACTIONS = frozenset({"entered-in-error", "cancelled"})


class Held(ValueError):
    """One item that cannot be taken; the message says why. `suggestion` says what would mend it, in English; `said` are
    both as they can be said in another language (`clinical.saying`)."""

    def __init__(self, why: str, suggestion: str | None = None) -> None:
        super().__init__(str(why))
        self.suggestion = None if suggestion is None else str(suggestion)
        self.said = (why, suggestion)


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item for quarantine: its place in what was sent, the cause, what would mend it, and the item as it came."""

    where: str
    why: str
    suggestion: str | None
    raw: str


class Item(msgspec.Struct, kw_only=True, gc=False):
    """One fact about one patient; fields are the columns of `data.models.Record`. Nothing changes one that was made.

    `value`, `ref_low` and `ref_high` are decimal texts as received (`118.00` keeps its places), the `canonical_*`
    numbers are derived from them. `specimen` is the specimen or filler number. `effective_at` is None only for a
    retraction that does not repeat the time of what it retracts. `sent_digest`: see `data.intake.came_before`.
    """

    patient_id: int
    kind: Kind
    effective_at: datetime | None
    effective_text: str
    precision: str
    place: str
    analyte: str | None = None
    value: str | None = None
    comparator: str | None = None
    unit: str | None = None
    text: str | None = None
    interpretation: str | None = None
    canonical_value: float | None = None
    canonical_unit: str | None = None
    issued_at: datetime | None = None
    ref_low: str | None = None
    ref_high: str | None = None
    canonical_ref_low: float | None = None
    canonical_ref_high: float | None = None
    lab: str | None = None
    method: str | None = None
    fasting: bool | None = None
    specimen: str | None = None
    status: str = "final"
    detail: Mapping[str, Any] | None = None
    source_id: str | None = None
    source_version: str | None = None
    reason: str | None = None
    sent_digest: bytes | None = None

    def beside(self, columns: Mapping[str, str]) -> Item:
        """The same fact with columns of its row that Nadir does not read, kept as they stood."""
        return replace(self, detail={**(self.detail or {}), "columns": dict(columns)})

    def remarked(self, note: str) -> Item:
        """The same fact with a remark on how it was read."""
        detail = self.detail or {}
        return replace(self, detail={**detail, "notes": [*detail.get("notes", ()), note]})

    def content(self) -> tuple[Any, ...]:
        """What may differ between two versions of one result and is not part of its natural key."""
        return (
            self.text,
            self.interpretation,
            self.ref_low,
            self.ref_high,
            self.method,
            self.fasting,
            plain_json(self.detail),
        )


def natural_key(item: Item) -> bytes:
    """16 bytes that are the same for the same content in every format.

    Made of analyte (or kind), specimen or filler number where given, else the time with its precision, laboratory,
    comparator, value and unit as received; the patient is a column beside it. A fact without a number is known by its
    text and its coded fields.
    """
    if item.specimen is not None:
        identity: list[Any] = ["number", item.specimen]
    else:
        identity = ["time", None if item.effective_at is None else to_ms(item.effective_at), item.precision]
    if item.kind == "lab":
        content: list[Any] = [item.value if item.value is not None else ["text", item.text], item.unit]
    else:
        content = [plain_json(_stated(item.detail))]
    parts = [item.kind, item.analyte, identity, item.lab, item.comparator, content]
    return blake2b(_encode(parts), digest_size=16).digest()


def plain_json(detail: Mapping[str, Any] | None) -> str | None:
    """`detail` as one text, the same for the same content."""
    return None if not detail else json.dumps(detail, sort_keys=True, default=list)


def _stated(detail: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (detail or {}).items() if value is not None and name not in _REMARKS}
