"""The register of rules: one function a rule, with its id, version and the words a clinician reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from clinical.chart import Chart
from clinical.finding import Axis, Finding, Severity
from clinical.protocol import Protocol

Judgement = Callable[[Chart, Protocol, datetime], Iterable[Finding]]
NextDue = Callable[[Chart, Protocol, datetime], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A registered rule. `severities` are those it can raise, most severe first; `thresholds` name protocol entries.

    `next_due` says when time alone, without new data, can change the rule's answer; None = never.
    """

    id: str
    version: str
    axis: Axis
    severities: tuple[Severity, ...]
    trigger: str
    question: str
    thresholds: tuple[str, ...]
    judge: Judgement
    next_due: NextDue | None = None


_register: dict[str, Rule] = {}


def rule(
    id: str,
    *,
    version: str,
    axis: Axis,
    severities: tuple[Severity, ...],
    trigger: str,
    question: str,
    thresholds: tuple[str, ...] = (),
    next_due: NextDue | None = None,
) -> Callable[[Judgement], Judgement]:
    """Register the decorated function as rule `id`. Raises ValueError when the id is taken."""

    def register(judge: Judgement) -> Judgement:
        if id in _register:
            raise ValueError(f"rule {id} is registered twice")
        _register[id] = Rule(
            id=id,
            version=version,
            axis=axis,
            severities=severities,
            trigger=trigger,
            question=question,
            thresholds=thresholds,
            judge=judge,
            next_due=next_due,
        )
        return judge

    return register


def registered() -> tuple[Rule, ...]:
    """Every registered rule, in the order of its id. Import `clinical.rules` first: that fills the register."""
    return tuple(_register[key] for key in sorted(_register))


def found_by(id: str, chart: Chart, protocol: Protocol, now: datetime) -> tuple[Finding, ...]:
    """What one rule finds, computed once per chart and moment: rules that combine others ask here.

    Raises KeyError for an id that is not registered.
    """
    found = findings_of(chart, protocol, now)
    if id not in found:
        found[id] = tuple(_register[id].judge(chart, protocol, now))
    return found[id]


def findings_of(chart: Chart, protocol: Protocol, now: datetime) -> dict[str, tuple[Finding, ...]]:
    """By rule what was found so far in this chart at this moment."""
    return chart.derived(("findings", protocol.version, now), dict)
