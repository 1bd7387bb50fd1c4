"""What divides a patient's course: treatments after which a marker or a scan starts anew (clinical reference 4.4)."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from clinical.chart import Chart, Entry, Therapy
from clinical.saying import say
from clinical.therapy import analogue_steps, is_antitumour

BoundaryKind = Literal["surgery", "prrt", "local", "systemic", "analogue"]
_PROCEDURES: dict[str, BoundaryKind] = {
    "resection": "surgery",
    "prrt": "prrt",
    "embolisation": "local",
    "ablation": "local",
}
_TO_THE_MINUTE = frozenset({"second", "minute"})


@dataclass(frozen=True, slots=True)
class Boundary:
    """A treatment that starts a new epoch. What is drawn or scanned after `moment` belongs to it; what lies on the same
    day as a treatment known only by its day was taken before it."""

    moment: datetime
    kind: BoundaryKind
    reason: str
    entry: Therapy


def takes_effect(entry: Entry) -> datetime:
    """When an entry takes effect: its time, or the last instant of its day where only the day is known."""
    if entry.precision in _TO_THE_MINUTE:
        return entry.effective
    return entry.effective + timedelta(days=1) - timedelta(microseconds=1)


def boundaries(chart: Chart) -> tuple[Boundary, ...]:
    """Every treatment that starts a new epoch, oldest first."""
    return chart.derived("boundaries", lambda: _boundaries(chart))


def epoch_at(chart: Chart, moment: datetime) -> int:
    """How many boundaries lie before `moment`: the number of the treatment epoch it falls into."""
    starts = chart.derived("boundary-moments", lambda: [b.moment for b in boundaries(chart)])
    return bisect_left(starts, moment)


def last_boundary(chart: Chart, *kinds: BoundaryKind, before: datetime | None = None) -> Boundary | None:
    """The latest boundary of the given kinds, strictly before `before` where that is given."""
    for boundary in reversed(boundaries(chart)):
        if boundary.kind in kinds and (before is None or boundary.moment < before):
            return boundary
    return None


def _boundaries(chart: Chart) -> tuple[Boundary, ...]:
    found = [*_procedures(chart), *_systemic(chart), *_analogue(chart)]
    return tuple(sorted(found, key=lambda b: (b.moment, b.entry.record)))


def _procedures(chart: Chart) -> list[Boundary]:
    return [
        Boundary(takes_effect(t), _PROCEDURES[t.procedure], say(t.procedure), t)
        for t in chart.therapy
        if t.kind == "procedure" and t.procedure in _PROCEDURES
    ]


def _systemic(chart: Chart) -> list[Boundary]:
    found: list[Boundary] = []
    running: set[str] = set()
    for entry in chart.therapy:
        if entry.drug is None or not is_antitumour(entry.drug):
            continue
        if entry.kind == "stop":
            running.discard(entry.drug)
        elif entry.drug not in running:
            running.add(entry.drug)
            found.append(Boundary(takes_effect(entry), "systemic", say("{drug} started", drug=entry.drug), entry))
    return found


def _analogue(chart: Chart) -> list[Boundary]:
    found: list[Boundary] = []
    running: str | None = None
    for step in analogue_steps(chart):
        if step.changed:
            if step.drug is None:
                reason = say("analogue stopped")
            elif running is None:
                reason = say("{drug} started", drug=step.drug)
            else:
                reason = say("{drug}: regimen changed", drug=step.drug)
            found.append(Boundary(takes_effect(step.entry), "analogue", reason, step.entry))
        running = step.drug
    return found
