"""Which results of a marker came from one assay and may be compared (clinical reference 1.1: one series, one assay)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from clinical.chart import IN_ORDER, Chart, Result
from clinical.numbers import exceeds
from clinical.saying import say
from clinical.validity import plausible, plausible_numbers


@dataclass(slots=True, eq=False)
class Assay:
    """One laboratory's way to measure a marker. None means never recorded; it is filled in when a result names it.

    `limit` is the last upper limit a result of this assay carried.
    """

    lab: str | None
    method: str | None
    unit: str | None
    limit: float | None

    def measured(self, result: Result) -> bool:
        """Whether a result can be of this assay: nothing recorded contradicts it.

        Where the method is not recorded on either side, another upper limit of the laboratory is read as another
        method: a limit belongs to the method that set it.
        """
        if not (_agree(self.lab, result.lab) and _agree(self.unit, result.unit) and _agree(self.method, result.method)):
            return False
        method_known = self.method is not None and result.method is not None
        return method_known or _agree(self.limit, result.ref_high)

    def named_alike(self, result: Result) -> bool:
        """Whether a result names all that is known of this assay, and nothing else."""
        return (
            self.lab == result.lab
            and self.method == result.method
            and self.unit == result.unit
            and self.limit == result.ref_high
        )

    def learn(self, result: Result) -> None:
        """Take over what a result of this assay names and was not known before."""
        self.lab = self.lab or result.lab
        self.method = self.method or result.method
        self.unit = self.unit or result.unit
        self.limit = self.limit if result.ref_high is None else result.ref_high

    def named(self) -> str:
        """Laboratory and method in words."""
        known = [part for part in (self.lab, self.method) if part]
        return ", ".join(known) if known else say("laboratory and method not recorded")


def assays_of(results: Iterable[Result]) -> list[tuple[Assay, float | None]]:
    """For each result, in order: its assay, and the upper limit that holds for it (its own, else the assay's last)."""
    assays: list[Assay] = []
    found: list[tuple[Assay, float | None]] = []
    for result in results:
        if assays and assays[-1].named_alike(result):
            found.append((assays[-1], result.ref_high))
            continue
        assay = next((a for a in reversed(assays) if a.measured(result)), None)
        if assay is None:
            assay = Assay(result.lab, result.method, result.unit, result.ref_high)
            assays.append(assay)
        elif assay is not assays[-1]:
            # The assay met last is tried first.
            assays.remove(assay)
            assays.append(assay)
        assay.learn(result)
        found.append((assay, result.ref_high if result.ref_high is not None else assay.limit))
    return found


def above_limit(result: Result, upper: float | None) -> bool | None:
    """Whether a result lies above the upper limit: by its number, else by what the laboratory said in words.

    None where neither tells. `>x` is above when x itself reaches the limit; `<x` is not when x does not exceed it.
    """
    if result.value is not None and upper is not None:
        if result.comparator in ("<", "<="):
            return False if result.value <= upper else None
        if result.comparator in (">", ">="):
            return True if result.value >= upper else None
        return exceeds(result.value, upper)
    return _said(result)


def below_limit(result: Result, lower: float | None) -> bool | None:
    """Whether a result lies below the lower limit: by its number, else by what the laboratory said in words.

    None where neither tells. `<x` is below when x does not exceed the limit; `>x` is not when x reaches it.
    """
    if result.value is None or lower is None:
        words = set(words_of(result))
        return True if words & _BELOW else False if words & _WITHIN else None
    if result.comparator in ("<", "<="):
        return True if result.value <= lower else None
    if result.comparator in (">", ">="):
        return False if result.value >= lower else None
    return exceeds(lower, result.value)


def latest_told(chart: Chart, *analytes: str) -> Result | None:
    """The newest result of the analytes that says something: a number one can have, or words, not merely that it was
    sent."""
    for result in reversed(chart.of(*analytes)):
        if result.status not in NO_RESULT and plausible(result) and (result.value is not None or words_of(result)):
            return result
    return None


def measured(chart: Chart, *analytes: str) -> tuple[Result, ...]:
    """The results of the analytes with a number one can have, `<x` and `>x` among them, oldest first."""
    return chart.derived(("measured", analytes), lambda: _measured(chart, analytes))


def _measured(chart: Chart, analytes: tuple[str, ...]) -> tuple[Result, ...]:
    if len(analytes) == 1:
        results = chart.of(analytes[0])
        return plausible_numbers(analytes[0], results) if results else ()
    found = [results for analyte in analytes if (results := measured(chart, analyte))]
    if len(found) < 2:
        return found[0] if found else ()
    return tuple(sorted(chain.from_iterable(found), key=IN_ORDER))


NO_RESULT = frozenset({"absent", "entered-in-error", "cancelled"})
_BELOW = frozenset({"l", "ll", "low", "below range", "critically low"})
_WITHIN = frozenset({"n", "normal", "within range", "within normal range"})
_ABOVE = frozenset({"h", "hh", "hu", "high", "critical high", "critically high", "very high", "elevated", "raised"})
_WITHIN_OR_BELOW = frozenset({"n", "l", "ll", "lu", "normal", "within range", "within normal range", "low"})
CRITICAL_HIGH = frozenset({"hh", "critical high", "critically high"})


def words_of(result: Result) -> tuple[str, ...]:
    """The laboratory's interpretation and the result's text, lower case."""
    return tuple(w.strip().lower() for w in (result.interpretation, result.text) if w)


def _said(result: Result) -> bool | None:
    words = words_of(result)
    if any(w in _ABOVE for w in words):
        return True
    if any(w in _WITHIN_OR_BELOW for w in words):
        return False
    return None


def _agree(one: object, other: object) -> bool:
    return one is None or other is None or one == other
