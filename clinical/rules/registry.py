"""The register of rules: one function a rule, with its id, version and the words a clinician reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from clinical.chart import Chart
from clinical.finding import Axis, Finding, Severity
from clinical.protocol import Protocol

Judgement = Callable[[Chart, Protocol, datetime], Iterable[Finding]]
NextDue = Callable[[Chart, Protocol, datetime], datetime | None]


class Words(TypedDict):
    """What a rule is registered with, see `Rule`."""

    version: str
    axis: Axis
    severities: tuple[Severity, ...]
    trigger: str
    question: str
    thresholds: NotRequired[tuple[str, ...]]
    next_due: NotRequired[NextDue]
    urgent_by: NotRequired[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A registered rule. `severities` are those it can raise, most severe first; `thresholds` name protocol entries.

    `next_due` says when time alone, without new data, can change the rule's answer; None = never. `urgent_by` names
    what a new entry must be to make the rule urgent: analytes, or kinds of entries (symptom, biliary, finding).
    """

    id: str
    version: str
    axis: Axis
    severities: tuple[Severity, ...]
    trigger: str
    question: str
    judge: Judgement
    thresholds: tuple[str, ...] = ()
    next_due: NextDue | None = None
    urgent_by: tuple[str, ...] = ()


_register: dict[str, Rule] = {}


def rule(id: str, **words: Unpack[Words]) -> Callable[[Judgement], Judgement]:
    """Register the decorated function as rule `id`. Raises ValueError when the id is taken, or when a rule that can be
    urgent does not say by what."""

    def register(judge: Judgement) -> Judgement:
        if id in _register:
            raise ValueError(f"rule {id} is registered twice")
        if ("urgent" in words["severities"]) != bool(words.get("urgent_by")):
            raise ValueError(f"rule {id} says what makes it urgent if, and only if, it can be")
        _register[id] = Rule(id=id, judge=judge, **words)
        return judge

    return register


def registered() -> tuple[Rule, ...]:
    """Every registered rule, in the order of its id. Import `clinical.rules` first: that fills the register."""
    return tuple(_register[key] for key in sorted(_register))


def urgent_by() -> frozenset[str]:
    """What a new entry may be to make any rule urgent: analytes, and kinds of entries as records name them."""
    return frozenset(name for rule in _register.values() for name in rule.urgent_by)


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
