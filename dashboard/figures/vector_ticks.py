"""Where the ticks of an axis stand and what they say."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

from dashboard.language import ENGLISH, language, marked, month_brief

DAY_MS = 86_400_000.0
MONTH_MS = 30.44 * DAY_MS
STEPS_IN_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
STEPS_IN_DAYS = (1, 2, 7, 14)


def linear_ticks(low: float, high: float, *, most: int) -> list[tuple[float, str]]:
    """At most `most` round values from `low` to `high`, with their texts."""
    rough = (high - low) / max(most - 1, 1)
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(m * ten for m in (1, 2, 5, 10) if m * ten >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(round(i * step, 10), marked(f"{round(i * step, 10):g}")) for i in range(first, last + 1)]


def time_ticks(start: float, end: float, *, most: int) -> list[tuple[float, str]]:
    """At most about `most` moments (ms on the wall clock) from `start` to `end`: month over year, or day over month."""
    span = end - start
    if span / MONTH_MS < 2:
        step = next((s for s in STEPS_IN_DAYS if span / DAY_MS / s <= most), STEPS_IN_DAYS[-1])
        first = math.ceil(start / DAY_MS)
        days = range(first, math.floor(end / DAY_MS) + 1, step)
        return [(d * DAY_MS, _day(datetime.fromtimestamp(d * 86_400, UTC).date())) for d in days]
    months = next((s for s in STEPS_IN_MONTHS if span / MONTH_MS / s <= most), STEPS_IN_MONTHS[-1])
    begin = datetime.fromtimestamp(start / 1000, UTC)
    number = begin.year * 12 + begin.month - 1
    found = []
    for n in range(number - number % months, number + int(span / MONTH_MS) + months + 2, months):
        at = datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000
        if start <= at <= end:
            found.append((at, f"{month_brief(n % 12 + 1)}\n{n // 12}"))
    return found


def _day(on: date) -> str:
    return f"{on.day}{'' if language() == ENGLISH else '.'} {month_brief(on.month)}\n{on.year}"
