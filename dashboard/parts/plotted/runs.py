"""Results as runs that can be compared: a new run begins where laboratory or method is known to have changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from clinical.chart import Result
from dashboard.figures.series import Points, Run, SampleMark, Span, floats
from dashboard.parts.plotted.labels import result_label
from dashboard.parts.times import Clock

NO_RESULT = frozenset({"absent", "cancelled", "entered-in-error"})


def runs_of(results: Iterable[Result], clock: Clock) -> tuple[Run, ...]:
    """The results by laboratory and method, oldest first; what came back without a result is left out.

    What is not recorded changes nothing: a result without a method continues the run it stands in.
    """
    runs: list[list[Result]] = []
    lab: str | None = None
    method: str | None = None
    for result in results:
        if result.status in NO_RESULT or (result.value is None and not (result.text or result.interpretation)):
            continue
        if not runs or _differs(lab, result.lab) or _differs(method, result.method):
            runs.append([])
            lab, method = result.lab, result.method
        lab, method = lab or result.lab, method or result.method
        runs[-1].append(result)
    return tuple(run_of(run, clock) for run in runs)


def run_of(results: Sequence[Result], clock: Clock) -> Run:
    """The results as one run, whatever their laboratories."""
    return Run(
        points=Points(
            at=floats([clock.ms(r) for r in results]),
            value=floats([math.nan if r.value is None else r.value for r in results]),
            label=tuple(result_label(r, clock) for r in results),
            record=tuple(r.record for r in results),
        ),
        marks=tuple(mark_of(r) for r in results),
    )


def mark_of(result: Result) -> SampleMark:
    """How a result stands on an axis: as a number, at the bound of `<x` or `>x`, or in words."""
    if result.value is None:
        return "words"
    if result.comparator is not None:
        return "below" if result.comparator in ("<", "<=") else "above"
    return "valid"


def range_spans(results: Sequence[Result], clock: Clock) -> tuple[Span, ...]:
    """The range of each result from its time to the next; neighbours with one range are one span."""
    numbers = [r for r in results if r.value is not None]
    ends = [*(clock.ms(r) for r in numbers[1:]), clock.at(clock.now)]
    spans: list[Span] = []
    for result, end in zip(numbers, ends, strict=False):
        if result.ref_high is None:
            continue
        start, last = clock.ms(result), spans[-1] if spans else None
        if last is not None and (last.end, last.high, last.low) == (start, result.ref_high, result.ref_low):
            spans[-1] = Span(start=last.start, end=end, high=last.high, low=last.low)
        else:
            spans.append(Span(start=start, end=end, high=result.ref_high, low=result.ref_low))
    return tuple(spans)


def _differs(before: str | None, now: str | None) -> bool:
    return before is not None and now is not None and before != now
