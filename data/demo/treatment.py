"""Treatment: regimen steps, every injection of a depot, procedures, supplements."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from data.demo.teller import Teller

TROUGH = 84
"""Days between blood draws on a depot: three cycles, so that each falls at the same end of a cycle."""

ROUTES = {"octreotide-lar": "IM", "lanreotide": "deep SC", "octreotide": "SC", "pasireotide-lar": "IM"}


def regimen(p: Teller, day: int, kind: str, drug: str, **fields: object) -> None:
    """A regimen step: `kind` is start, stop, dose or interval; `fields` are dose, unit, interval_days, note."""
    detail = {"kind": kind, "drug": drug, "route": ROUTES.get(drug), **fields}
    p.fact("therapy", day, hour=9, precision="day", detail=detail)


def injections(
    p: Teller, drug: str, dose: float, first: int, last: int, *, every: int = 28, skipped: Collection[int] = ()
) -> None:
    """A depot from `first` to `last` (days): one start, then every injection; `skipped` are the numbers not given.

    Some injections come a day or two early or late, as they do.
    """
    regimen(p, first, "start", drug, dose=dose, unit="mg", interval_days=every)
    for number, planned in enumerate(range(first, last + 1, every)):
        if number in skipped:
            continue
        day = min(planned + (p.rng.choice((-1, 0, 0, 0, 1, 2)) if number else 0), -1)
        detail = {
            "kind": "injection",
            "drug": drug,
            "dose": dose,
            "unit": "mg",
            "route": ROUTES[drug],
            "interval_days": every,
            "planned_next": (p.today + timedelta(days=planned + every)).isoformat(),
        }
        p.fact("therapy", day, hour=10, detail=detail)


def procedure(p: Teller, day: int, name: str, *, note: str, **fields: object) -> None:
    """A procedure by its house name; `fields` are completeness (R0, R1, R2) and intent (curative, palliative)."""
    p.fact(
        "therapy", day, hour=8, precision="day", detail={"kind": "procedure", "procedure": name, "note": note, **fields}
    )
