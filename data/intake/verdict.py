"""What becomes of an item beside what is already stored: new, unchanged, a newer version, an older one, or refused.

The rules (contract, section 4): the same natural key is the same item in every format. A source id with other content
supersedes only when it says that it is later: a corrected status or a newer version. Nothing that was superseded or
retracted comes back because an old file is read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from data.intake.item import RETRACTIONS, Item

STATUS_RANK = {
    "registered": 0,
    "preliminary": 1,
    "unknown": 2,
    "absent": 2,
    "final": 3,
    "amended": 4,
    "corrected": 4,
    "cancelled": 5,
    "entered-in-error": 6,
}
CORRECTIONS = frozenset({"amended", "corrected"})


@dataclass(slots=True, eq=False)
class Version:
    """One stored row, or one that this chunk is about to store (`id` None until it has one)."""

    id: int | None
    patient_id: int
    natural_key: bytes
    source_id: str | None
    source_version: str | None
    status: str
    content: tuple[Any, ...]
    closed: bool
    closed_by: Version | None = None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`row` is to be stored; `closes` is the current row it takes the place of. Both None: nothing changes."""

    outcome: Literal["stored", "unchanged", "superseded", "refused"]
    row: Version | None = None
    closes: Version | None = None
    why: str | None = None


class Ledger:
    """The stored rows an item of this chunk can meet, kept up to date as the chunk's own items are decided."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self._by_key: dict[tuple[int, bytes], list[Version]] = {}
        self._by_source: dict[str, list[Version]] = {}
        for version in versions:
            self._add(version)

    def current_of(self, patient_id: int, source_id: str | None) -> Version | None:
        """The row that stands now for a source id of the patient."""
        own = self._own(patient_id, source_id)
        return next((v for v in reversed(own) if not v.closed), own[-1] if own else None)

    def decide(self, item: Item, key: bytes) -> Decision:
        """What becomes of `item`; the ledger already holds the outcome when this returns."""
        row = Version(
            None,
            item.patient_id,
            key,
            item.source_id,
            item.source_version,
            item.status,
            item.content(),
            closed=False,
            item=item,
        )
        own = self._own(item.patient_id, item.source_id)
        decision = self._against_versions(row, own) if own else self._against_twin(row)
        if decision.closes is not None:
            decision.closes.closed = True
            decision.closes.closed_by = decision.row or self._standing(row)
        if decision.row is not None:
            self._add(decision.row)
        return decision

    def _against_versions(self, row: Version, own: list[Version]) -> Decision:
        current = self.current_of(row.patient_id, row.source_id) or own[-1]
        order = _order(row, current)
        if _same(row, current) or (order != "newer" and any(_same(row, v) for v in own)):
            return Decision("unchanged")
        if order is None:
            return Decision(
                "refused",
                why=f"{row.source_id} is already stored with other content, and this one does not say that it is newer",
            )
        if order == "older":
            row.closed, row.closed_by = True, current
            return Decision("superseded", row=row)
        standing = self._standing(row)
        if standing is not None and standing is not current:
            return Decision("superseded", closes=None if current.closed else current)
        return Decision("superseded", row=row, closes=None if current.closed else current)

    def _against_twin(self, row: Version) -> Decision:
        elsewhere = [
            v
            for v in self._by_source.get(row.source_id or "", ())
            if v.patient_id != row.patient_id and v.natural_key == row.natural_key and not v.closed
        ]
        if elsewhere and elsewhere[0].status not in RETRACTIONS and row.status not in RETRACTIONS:
            return Decision("refused", why=f"{row.source_id} with this content is already stored for another patient")
        twins = self._by_key.get((row.patient_id, row.natural_key), [])
        if not twins:
            return Decision("stored", row=row)
        standing = self._standing(row)
        if standing is None or _rank(row.status) <= _rank(standing.status):
            return Decision("unchanged")
        if row.status in RETRACTIONS and row.source_id is not None and standing.source_id is not None:
            # Two reports of one result under two ids: withdrawing one leaves the other standing.
            row.closed, row.closed_by = True, standing
            return Decision("superseded", row=row)
        return Decision("superseded", row=row, closes=standing)

    def _standing(self, row: Version) -> Version | None:
        return next((v for v in self._by_key.get((row.patient_id, row.natural_key), ()) if not v.closed), None)

    def _own(self, patient_id: int, source_id: str | None) -> list[Version]:
        if source_id is None:
            return []
        return [v for v in self._by_source.get(source_id, ()) if v.patient_id == patient_id]

    def _add(self, version: Version) -> None:
        self._by_key.setdefault((version.patient_id, version.natural_key), []).append(version)
        if version.source_id is not None:
            self._by_source.setdefault(version.source_id, []).append(version)


def _same(a: Version, b: Version) -> bool:
    return a.natural_key == b.natural_key and a.status == b.status and a.content == b.content


def _rank(status: str) -> int:
    return STATUS_RANK.get(status, STATUS_RANK["unknown"])


def _order(row: Version, current: Version) -> Literal["newer", "older"] | None:
    """How `row` stands to the current version of the same source id; None where neither says."""
    by_version = _version_order(row.source_version, current.source_version)
    if by_version:
        return "newer" if by_version > 0 else "older"
    by_status = _rank(row.status) - _rank(current.status)
    if by_status:
        return "newer" if by_status > 0 else "older"
    return "newer" if row.status in CORRECTIONS else None


def _version_order(a: str | None, b: str | None) -> int:
    if a is None or b is None or a == b:
        return 0
    if a.isdecimal() and b.isdecimal():
        return int(a) - int(b)
    try:
        first, second = datetime.fromisoformat(a), datetime.fromisoformat(b)
        return (first > second) - (first < second)
    except (ValueError, TypeError):
        return 0
