"""Running the rules as they would have run: day by day, each day with what was known at its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from clinical.chart import Chart
from clinical.finding import SEVERITIES, Finding, Severity
from clinical.protocol import Protocol
from clinical.rules import judge_chart


@dataclass(frozen=True, slots=True)
class ReplayedFlag:
    """A flag as it would have opened and cleared. `severity`, `why` and `contains` are those of the day it was most
    severe (the first such day); `clears` is None while it still stood on the last day."""

    rule: str
    opens: date
    clears: date | None
    severity: Severity
    why: str
    contains: tuple[str, ...]


def replay(chart: Chart, protocol: Protocol, from_day: date, to_day: date) -> tuple[ReplayedFlag, ...]:
    """Every flag between two days, both included, by the day it opened, then its rule.

    The answer is that of judging every day at its end (UTC); days on which nothing was learnt and nothing fell due are
    not judged again.
    """
    standing: dict[tuple[str, str], ReplayedFlag] = {}
    closed: list[ReplayedFlag] = []
    today = from_day
    while today <= to_day:
        judged = judge_chart(chart, protocol, _end_of(today))
        found = {(f.rule, f.subject): f for f in judged.findings}
        for key in [key for key in standing if key not in found]:
            closed.append(replace(standing.pop(key), clears=today))
        for key, finding in found.items():
            standing[key] = _worse(standing[key], finding) if key in standing else _opened(finding, today)
        if judged.next_due is None:
            break
        today = max(today + timedelta(days=1), judged.next_due.astimezone(UTC).date())
    return tuple(sorted([*closed, *standing.values()], key=lambda f: (f.opens, f.rule, f.why)))


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, tzinfo=UTC)


def _opened(finding: Finding, today: date) -> ReplayedFlag:
    return ReplayedFlag(finding.rule, today, None, finding.severity, finding.why, finding.contains)


def _worse(flag: ReplayedFlag, finding: Finding) -> ReplayedFlag:
    if SEVERITIES.index(finding.severity) >= SEVERITIES.index(flag.severity):
        return flag
    return replace(flag, severity=finding.severity, why=finding.why, contains=finding.contains)
