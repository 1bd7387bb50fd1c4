"""Reading and deciding one CTCAE criterion such as `>3 x ULN if not high; >3 x baseline if high`.

The grammar is described at the top of `ctcae.toml`. A criterion is decided in three values: met, not met, or open when
the limit or baseline it needs is not recorded. Numbers are exact decimals held to 15 significant digits, so that
3 x 0.1 is 0.3 and a value on a limit is on it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Literal

Indicator = Literal["low", "normal", "high"]
_DIGITS = Context(prec=15)
_COMPARE: Mapping[str, Callable[[Decimal, Decimal], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)
_CLAUSE = re.compile(
    r"(?P<comparison><=|>=|<|>)(?P<number>\d+(?:\.\d+)?) "
    r"(?:x (?P<times>ULN|LLN|baseline)"
    r"|% (?P<change>below|above) baseline"
    r"|(?P<unit>\S+)(?: over (?P<over>ULN|baseline))?)"
    r"(?: if (?P<condition>(?:not )?(?:high|low|baseline>ULN)))?"
    r"(?P<known> where known)?"
)


class CriterionError(ValueError):
    """A criterion of the table that cannot be read; the message shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a criterion is held against, all in one unit. `percent_change` is signed, from baseline; `indicator` says
    where the baseline lay in its own reference range (None: not recorded)."""

    value: Decimal
    unit: str | None
    lln: Decimal | None = None
    uln: Decimal | None = None
    baseline: Decimal | None = None
    percent_change: Decimal | None = None
    indicator: Indicator | None = None

    def change(self) -> Decimal | None:
        """Percent change from baseline: as recorded, else from value and a baseline other than zero."""
        if self.percent_change is not None or not self.baseline:
            return self.percent_change
        return 100 * (self.value - self.baseline) / self.baseline

    def limit(self, name: str) -> Decimal | None:
        """The recorded `ULN`, `LLN` or `baseline`."""
        return {"ULN": self.uln, "LLN": self.lln, "baseline": self.baseline}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One comparison of a criterion; `text` is how the table prints it."""

    text: str
    comparison: str
    number: Decimal
    times: str | None
    change: str | None
    unit: str | None
    over: str | None
    condition: str | None
    where_known: bool

    def holds(self, numbers: Numbers) -> bool | None:
        """Whether the comparison is met; None where what it needs is not recorded."""
        if not self._speaks_of(numbers):
            return False
        verdict = self._compared(numbers)
        return False if verdict is None and self.where_known else verdict

    def needs(self, numbers: Numbers) -> str | None:
        """What is missing to decide the clause, in words; None when nothing is."""
        if self.holds(numbers) is not None:
            return None
        name = self.times or self.over or "baseline"
        return {"ULN": "upper limit of normal", "LLN": "lower limit of normal", "baseline": "baseline"}[name]

    def _speaks_of(self, numbers: Numbers) -> bool:
        if self.unit is not None and self.unit != numbers.unit:
            return False
        if self.condition is None:
            return True
        wanted, negated = self.condition.removeprefix("not "), self.condition.startswith("not ")
        if wanted == "baseline>ULN":
            baseline, uln = numbers.baseline, numbers.uln
            return (baseline is not None and uln is not None and baseline > uln) is not negated
        return (numbers.indicator == wanted) is not negated

    def _compared(self, numbers: Numbers) -> bool | None:
        compare = _COMPARE[self.comparison]
        if self.change is not None:
            change = numbers.change()
            if change is None:
                return None
            return compare(_held(-change if self.change == "below" else change), self.number)
        if self.times is not None:
            limit = numbers.limit(self.times)
            if limit is None:
                return self._certain_below(numbers)
            return compare(_held(numbers.value), _held(self.number * limit))
        if self.over is not None:
            limit = numbers.limit(self.over)
            return None if limit is None else compare(_held(numbers.value), _held(limit + self.number))
        return compare(_held(numbers.value), self.number)

    def _certain_below(self, numbers: Numbers) -> bool | None:
        """A high baseline whose number is not recorded lay above the upper limit, so a value that does not exceed the
        multiple of the limit does not exceed the multiple of the baseline either."""
        if self.times != "baseline" or self.condition != "high" or numbers.uln is None:
            return None
        return False if _held(numbers.value) <= _held(self.number * numbers.uln) else None


@dataclass(frozen=True, slots=True)
class Criterion:
    """Alternatives of joined clauses: met when all clauses of one alternative are."""

    text: str
    alternatives: tuple[tuple[Clause, ...], ...]

    def holds(self, numbers: Numbers) -> bool | None:
        """Whether the criterion is met; None where it cannot be decided."""
        verdicts = [_all(tuple(c.holds(numbers) for c in clauses)) for clauses in self.alternatives]
        if True in verdicts:
            return True
        return None if None in verdicts else False

    def met_by(self, numbers: Numbers) -> str:
        """The first alternative that is met, as printed. Raises StopIteration when none is."""
        met = next(clauses for clauses in self.alternatives if all(c.holds(numbers) for c in clauses))
        return " and ".join(clause.text for clause in met)

    def missing(self, numbers: Numbers) -> tuple[str, ...]:
        """What is missing to decide the criterion, in words; nothing when it is decided."""
        if self.holds(numbers) is not None:
            return ()
        words = (c.needs(numbers) for clauses in self.alternatives for c in clauses)
        return tuple(dict.fromkeys(w for w in words if w is not None))

    def units(self) -> tuple[str, ...]:
        """The units the criterion is printed in."""
        return tuple(c.unit for clauses in self.alternatives for c in clauses if c.unit is not None)


def read_criterion(text: str) -> Criterion | None:
    """The criterion printed as `text`; None for `-`. Raises CriterionError naming what cannot be read."""
    if text == "-":
        return None
    return Criterion(text, tuple(tuple(_clause(c) for c in part.split(" and ")) for part in text.split("; ")))


def _clause(text: str) -> Clause:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise CriterionError(f"{text!r} is not a criterion")
    return Clause(
        text=text,
        comparison=match["comparison"],
        number=Decimal(match["number"]),
        times=match["times"],
        change=match["change"],
        unit=match["unit"],
        over=match["over"],
        condition=match["condition"],
        where_known=match["known"] is not None,
    )


def _all(verdicts: tuple[bool | None, ...]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _held(number: Decimal) -> Decimal:
    return _DIGITS.plus(number)
