"""The latest course of an analogue: when it began, whether it goes on, and its last dose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinical.chart import Chart, Therapy
from clinical.therapy import USUAL_INTERVAL_DAYS, analogue_steps, injections, regimen_at


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogueCourse:
    """An unbroken course of analogues. `start` and `last_dose` are its entries (the stop stands for the last dose where
    no injection is recorded); `ended` is when cover ended, None while it goes on; `lapses` when a running course counts
    as ended unless something more is recorded."""

    drug: str
    start: Therapy
    last_dose: Therapy
    ended: datetime | None
    lapses: datetime | None


def last_course(chart: Chart, now: datetime) -> AnalogueCourse | None:
    """The running course at `now`, else the latest one; None where no analogue was ever given."""
    return chart.derived(("analogue-course", now), lambda: _last_course(chart, now))


def _last_course(chart: Chart, now: datetime) -> AnalogueCourse | None:
    steps = [s for s in analogue_steps(chart) if s.entry.effective <= now]
    if not steps:
        return None
    stop = steps.pop().entry if steps[-1].drug is None else None
    start = steps[-1]
    for step in reversed(steps):
        if step.drug is None:
            break
        start = step
    end = stop.effective if stop is not None else now
    given = [t for t in injections(chart) if start.entry.effective <= t.effective <= end]
    regimen = regimen_at(chart, now)
    ended: datetime | None = None
    if stop is not None:
        last_dose, ended = given[-1] if given else stop, stop.effective
    else:
        last_dose = given[-1] if given else steps[-1].entry
        if regimen is None:
            ended = last_dose.effective + timedelta(days=steps[-1].interval_days or USUAL_INTERVAL_DAYS)
    return AnalogueCourse(
        drug=steps[-1].drug or "",
        start=start.entry,
        last_dose=last_dose,
        ended=ended,
        lapses=None if regimen is None else regimen.lapses,
    )
