"""What one sensor export states: its readings by device in the order of the file, and what is ignored or held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.intake.item import Held
from data.intake.moments import DateOrder
from data.readings import Unit

LONGEST_TYPE = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """The readings of one device in one unit in the order of the file. Arrays of one length: the row each stands in,
    its time in seconds since 1970, its value (NaN under a mark) and its mark."""

    device: str
    unit: Unit
    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    marks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Readings of one device as they are met: one by one, and rows that were read together."""

    single: list[tuple[int, int, float, int]] = field(default_factory=list)
    together: list[tuple[NDArray[Any], ...]] = field(default_factory=list)

    def series(self, device: str, unit: Unit) -> Series:
        """All of them in the order of their rows."""
        columns = zip(*self.single, strict=True) if self.single else ((), (), (), ())
        parts = [*self.together, tuple(np.array(column) for column in columns)]
        rows, times, values, marks = (np.concatenate(found) for found in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        return Series(
            device=device,
            unit=unit,
            rows=rows[order].astype(np.int64),
            times=times[order].astype(np.int64),
            values=values[order].astype(np.float64),
            marks=marks[order].astype(np.int64),
        )


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row for quarantine."""

    row: int
    why: str
    suggestion: str | None


@dataclass(slots=True, kw_only=True)
class Export:
    """One file. `local`: times are on the wearer's clock and need a zone. `date_order` is what was settled, for a row
    that is read again on its own. `person`: the name the file gives the wearer, empty for none."""

    local: bool
    place: Callable[[int], str]
    raw: Callable[[int], str]
    date_order: DateOrder | None = None
    person: str = ""
    ignored: Counter[str] = field(default_factory=Counter)
    held: list[HeldRow] = field(default_factory=list)
    _gathered: dict[tuple[str, Unit], _Gathered] = field(default_factory=dict)

    def add(self, device: str, unit: Unit, row: int, time: int, reading: tuple[float, int]) -> None:
        """One reading: value and mark."""
        self._of(device, unit).single.append((row, time, *reading))

    def add_rows(
        self,
        device: str,
        unit: Unit,
        rows: NDArray[np.int64],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
        marks: NDArray[np.int64],
    ) -> None:
        """Readings that were read together; see `Series`."""
        self._of(device, unit).together.append((rows, times, values, marks))

    def series(self) -> list[Series]:
        """The readings of each device, in the order in which the file first names it."""
        found = [gathered.series(device, unit) for (device, unit), gathered in self._gathered.items()]
        return sorted(found, key=lambda series: int(series.rows[0]))

    def hold(self, row: int, held: Held) -> None:
        """A row that cannot be taken."""
        self.held.append(HeldRow(row, str(held), held.suggestion))

    def ignore(self, type: str) -> None:
        """A row outside the scope."""
        self.ignored["".join(c for c in type if c.isprintable())[:LONGEST_TYPE]] += 1

    def _of(self, device: str, unit: Unit) -> _Gathered:
        return self._gathered.setdefault((device, unit), _Gathered())
