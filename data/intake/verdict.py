"""What becomes of an item beside what is already stored: new, unchanged, a newer version, an older one, or refused.

The rules (contract, section 4): the same natural key is the same item in every format. A source id with other content
supersedes only when it says that it is later: a corrected status or a newer version. Nothing that was superseded or
retracted comes back because an old file is read again.

Several reports can state one result, each under a source id of its own. A correction of one corrects the result; a
withdrawal of one leaves it standing while another report states it (decision 0021).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from data.intake.item import RETRACTIONS, Item
from data.models.base import to_ms

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
# A date in one format and the time of that day in another are one result.
ONE_RESULT_MS = 36 * 60 * 60 * 1000


class Version(msgspec.Struct, eq=False):
    """One stored row, or one that this chunk is about to store (`id` None until it has one). `at` is its effective time
    in milliseconds since 1970, UTC. `of`: the row that already states what this report of another source id says."""

    id: int | None
    patient_id: int
    natural_key: bytes
    source_id: str | None
    source_version: str | None
    status: str
    at: int | None
    content: tuple[Any, ...]
    closed: bool
    closed_by: Version | None = None
    item: Item | None = None
    of: Version | None = None

    @property
    def row(self) -> Version:
        return self.of or self


class Decision(msgspec.Struct, frozen=True):
    """`row` is to be stored; `closes` are current rows whose place it takes, or `by` where that is stored already;
    `also` is a further report of a stored row. None of them: nothing changes."""

    outcome: Literal["stored", "unchanged", "superseded", "refused"]
    row: Version | None = None
    closes: tuple[Version, ...] = ()
    why: str | None = None
    also: Version | None = None
    by: Version | None = None


class Ledger:
    """The stored rows an item of this chunk can meet, kept up to date as the chunk's own items are decided."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self._by_key: dict[tuple[int, bytes], list[Version]] = {}
        self._reports: dict[tuple[int, bytes], list[Version]] = {}
        self._by_source: dict[str, list[Version]] = {}
        for version in versions:
            self._add(version)

    def current_of(self, patient_id: int, source_id: str | None) -> Version | None:
        """The latest that was said under a source id of the patient."""
        latest: Version | None = None
        for version in self._own(patient_id, source_id):
            if latest is None or _order(version, latest) != "older":
                latest = version
        return latest

    def decide(self, item: Item, key: bytes) -> Decision:
        """What becomes of `item`; the ledger already holds the outcome when this returns."""
        row = Version(
            None,
            item.patient_id,
            key,
            item.source_id,
            item.source_version,
            item.status,
            None if item.effective_at is None else to_ms(item.effective_at),
            item.content(),
            closed=False,
            item=item,
        )
        own = self._own(item.patient_id, item.source_id)
        decision = self._against_versions(row, own) if own else self._against_twin(row)
        for closed in decision.closes:
            closed.closed = True
            closed.closed_by = decision.by or decision.row
        for version in (decision.row, decision.also):
            if version is not None:
                self._add(version)
        return decision

    def _against_versions(self, row: Version, own: list[Version]) -> Decision:
        current = self.current_of(row.patient_id, row.source_id) or own[-1]
        order = _order(row, current)
        if _same(row, current) or (_may_be_old(row, current) and any(_same(row, v) for v in own)):
            return Decision("unchanged")
        if order is None:
            return Decision(
                "refused",
                why=f"{row.source_id} is already stored with other content, and this one does not say that it is newer",
            )
        if order == "older":
            return self._outdated(row, current)
        standing = self._standing(row)
        mine = current.row
        closes = () if mine.closed else (mine,)
        beside = None if standing is mine else standing
        if row.status in RETRACTIONS:
            if mine.closed:
                return _past(row, standing or _last(mine))
            if self._stated_by_others(mine, row.source_id):
                return _past(row, mine)
            row.closed, row.closed_by = beside is not None, beside
        elif beside is not None and beside.status in RETRACTIONS:
            closes = (*closes, beside)
        elif beside is not None:
            return Decision("superseded", closes=closes, also=_report(row, beside), by=beside)
        return Decision("superseded", row=row, closes=closes)

    def _outdated(self, row: Version, current: Version) -> Decision:
        """An old version: what another report still says of it was corrected by the current one."""
        standing = self._standing(row)
        corrected = current.status not in RETRACTIONS and current.natural_key != row.natural_key
        if standing is None or not corrected or _rank(standing.status) > _rank(row.status):
            return _past(row, current.row)
        return Decision("superseded", closes=(standing,), also=_report(row, standing), by=current.row)

    def _against_twin(self, row: Version) -> Decision:
        elsewhere = [
            v
            for v in self._by_source.get(row.source_id or "", ())
            if v.patient_id != row.patient_id and v.natural_key == row.natural_key and not v.row.closed
        ]
        if elsewhere and elsewhere[0].status not in RETRACTIONS and row.status not in RETRACTIONS:
            return Decision("refused", why=f"{row.source_id} with this content is already stored for another patient")
        twins = self._by_key.get((row.patient_id, row.natural_key), [])
        if not twins:
            return Decision("stored", row=row)
        standing = self._standing(row)
        if standing is not None and _reused(row, standing):
            return Decision("refused", why=f"{_number(row)} is already used for a result of {_day(standing)}")
        if standing is None:
            return Decision("unchanged", also=_report(row, twins[-1]))
        if row.status in RETRACTIONS:
            return self._withdrawn(row, standing)
        if standing.status in RETRACTIONS and row.source_id is not None and standing.source_id is not None:
            return Decision("stored", row=row, closes=(standing,))
        if _rank(row.status) <= _rank(standing.status):
            return Decision("unchanged", also=_report(row, standing))
        return Decision("superseded", row=row, closes=(standing,))

    def _withdrawn(self, row: Version, standing: Version) -> Decision:
        if standing.status in RETRACTIONS:
            return Decision("unchanged", also=_report(row, standing))
        if row.source_id is not None and self._stated_by_others(standing, row.source_id):
            return _past(row, standing)
        return Decision("superseded", row=row, closes=(standing,))

    def _stated_by_others(self, row: Version, source_id: str | None) -> bool:
        """Whether the latest report of another source id still states this row."""
        key = (row.patient_id, row.natural_key)
        names = {v.source_id for v in (*self._by_key.get(key, ()), *self._reports.get(key, ()))} - {source_id, None}
        latest = (self.current_of(row.patient_id, name) for name in names)
        return any(v is not None and v.natural_key == row.natural_key and v.status not in RETRACTIONS for v in latest)

    def _standing(self, row: Version) -> Version | None:
        return next((v for v in self._by_key.get((row.patient_id, row.natural_key), ()) if not v.closed), None)

    def _own(self, patient_id: int, source_id: str | None) -> list[Version]:
        if source_id is None:
            return []
        return [v for v in self._by_source.get(source_id, ()) if v.patient_id == patient_id]

    def _add(self, version: Version) -> None:
        under = self._by_key if version.of is None else self._reports
        under.setdefault((version.patient_id, version.natural_key), []).append(version)
        if version.source_id is not None:
            self._by_source.setdefault(version.source_id, []).append(version)


def _past(row: Version, by: Version) -> Decision:
    """The row is kept as history of what stands."""
    row.closed, row.closed_by = True, by
    return Decision("superseded", row=row)


def _last(row: Version) -> Version:
    while row.closed_by is not None:
        row = row.closed_by
    return row


def _report(row: Version, stated: Version) -> Version | None:
    """The row as a further report of one that is stored; None where it has no source id that could say more later."""
    if row.source_id is None or row.source_id == stated.source_id:
        return None
    row.of = stated
    return row


def _reused(row: Version, standing: Version) -> bool:
    """Whether two results of one number and content lie too far apart to be one: laboratories count anew each day."""
    if row.at is None or standing.at is None or row.status in CORRECTIONS | RETRACTIONS:
        return False
    return abs(row.at - standing.at) > ONE_RESULT_MS


def _number(row: Version) -> str:
    return "the number" if row.item is None or row.item.specimen is None else row.item.specimen


def _day(version: Version) -> str:
    return datetime.fromtimestamp((version.at or 0) / 1000, UTC).date().isoformat()


def _same(row: Version, known: Version) -> bool:
    """Of a further report its key and status are kept, not what it said beside them."""
    alike = row.natural_key == known.natural_key and row.status == known.status
    return alike and (known.of is not None or row.content == known.content)


def _rank(status: str) -> int:
    return STATUS_RANK.get(status, STATUS_RANK["unknown"])


def _may_be_old(row: Version, current: Version) -> bool:
    """Whether nothing but being a correction says that `row` is newer: what repeats an earlier version is that one."""
    told = _version_order(row.source_version, current.source_version) or _rank(row.status) - _rank(current.status)
    return told <= 0


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
