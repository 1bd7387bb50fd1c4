"""The lesions a next scan is held against: those of the running series of RECIST, each with what was last read of it.

What split is followed by its parts, what merged by the lesion it became. A lesion that was new on the baseline scan of
a later series is old disease of that series, a non-target lesion. After an operation nothing is followed until a scan
shows what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from clinical.chart import Chart, Lesion
from clinical.imaging import series

Role = Literal["target", "non-target", "new"]
_ORDER: tuple[Role, ...] = ("target", "non-target", "new")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLesion:
    """One lesion of the running series. `last` is its latest row, `measured` the latest that has a diameter."""

    name: str
    role: Role
    organ: str | None
    site: str | None
    node: bool
    last: Lesion
    measured: Lesion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTable:
    """What the next scan is to look at. `baseline` is the day of the baseline scan, None where the next scan is it;
    `before` are the names of lesions that were followed until an operation after which nobody has scanned yet."""

    lesions: tuple[KnownLesion, ...] = ()
    baseline: date | None = None
    before: tuple[str, ...] = ()

    @property
    def followed(self) -> bool:
        """Whether the running series has a disease to follow: a target or non-target lesion on its baseline."""
        return any(lesion.role != "new" for lesion in self.lesions)

    def named(self, name: str) -> KnownLesion | None:
        """The lesion of this name."""
        return next((lesion for lesion in self.lesions if lesion.name == name), None)


def lesion_table(chart: Chart) -> LesionTable:
    """The lesions of the running series, target lesions first, in the order in which they were first seen."""
    found = series(chart)
    if not found:
        return LesionTable()
    if not found[-1]:
        return LesionTable(before=tuple(lesion.name for lesion in _known(found[-2], later=len(found) > 2)))
    return LesionTable(lesions=tuple(_known(found[-1], later=len(found) > 1)), baseline=found[-1][0].effective.date())


def _known(rows: Sequence[Lesion], *, later: bool) -> list[KnownLesion]:
    baseline = rows[0].effective.date()
    on_baseline = [r for r in rows if r.effective.date() == baseline]
    followed = any(r.role != "new" for r in on_baseline)
    old = {r.lesion for r in on_baseline if r.role == "new"} if later and followed else set()
    by_name: dict[str, list[Lesion]] = {}
    for row in rows:
        by_name.setdefault(row.lesion, []).append(row)
    known = [
        _lesion(name, own, "non-target" if name in old else own[-1].role)
        for name, own in by_name.items()
        if not (own[-1].state in ("split", "merged") and own[-1].into)
    ]
    return sorted(known, key=lambda lesion: _ORDER.index(lesion.role))


def _lesion(name: str, rows: Sequence[Lesion], role: Role) -> KnownLesion:
    measured = [r for r in rows if r.diameter_tenths is not None]
    return KnownLesion(
        name=name,
        role=role,
        organ=next((r.organ for r in reversed(rows) if r.organ), None),
        site=next((r.site for r in reversed(rows) if r.site), None),
        node=any(r.node for r in rows),
        last=rows[-1],
        measured=measured[-1] if measured else None,
    )
