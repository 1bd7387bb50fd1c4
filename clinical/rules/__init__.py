"""Every rule of the protocol. Importing this package fills the register; `judge_chart` runs them all on one chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from clinical.chart import Chart
from clinical.finding import Finding, Suppressed
from clinical.protocol import Protocol
from clinical.rules.precedence import by_precedence
from clinical.rules.registry import findings_of, registered
from clinical.rules.suppression import held_back, no_longer_followed

for _question in iter_modules(__path__):
    import_module(f"{__name__}.{_question.name}")

_EVERY: Final = registered()


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of one chart at one moment.

    `next_due` is the next moment at which the answer may differ without new data: a rule's own due date, or an entry of
    the chart becoming known. `suppressed` are findings that were held back altogether, and why.
    """

    findings: tuple[Finding, ...]
    next_due: datetime | None
    suppressed: tuple[Suppressed, ...] = ()


def judge_chart(chart: Chart, protocol: Protocol, now: datetime) -> Judged:
    """Run every rule on what was known of the chart at `now` (aware). Of a patient who has died, withdrawn or
    been transferred by then nothing is found. Raises ValueError for a naive `now`, KeyError when the protocol lacks a
    threshold."""
    if now.tzinfo is None:
        raise ValueError("now must carry its time zone")
    known = chart.until(now)
    changes = chart.known_next(now)
    if (ended := no_longer_followed(known)) is not None:
        return Judged((), changes, (ended,))
    found: list[Finding] = []
    due = [] if changes is None else [changes]
    answers = findings_of(known, protocol, now)
    for rule in _EVERY:
        if rule.id not in answers:
            answers[rule.id] = tuple(rule.judge(known, protocol, now))
        found += answers[rule.id]
        if rule.next_due is not None and (at := rule.next_due(known, protocol, now)) is not None:
            due.append(at)
    return Judged(by_precedence(found), min(due, default=None), held_back(known, protocol, now))
