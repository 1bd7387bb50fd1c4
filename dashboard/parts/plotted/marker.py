"""The course of a tumour marker as its panel draws it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from clinical.assay import Assay
from clinical.change import MarkerCourse, Sample
from clinical.wording import date_of
from dashboard.figures.series import Mark, MarkerPanel, Points, Run, SampleMark, Span, floats
from dashboard.language import _, counted, tell
from dashboard.parts.plotted.labels import plain, result_label
from dashboard.parts.plotted.runs import mark_of
from dashboard.parts.quantities import name_of, quantity, unit_text
from dashboard.parts.times import Clock

Stretches = tuple[tuple[Sample, float], ...]


def marker_panel(course: MarkerCourse, clock: Clock) -> MarkerPanel:
    """Runs by assay, the range of each, and for each sample the nadir and the limit it was held against."""
    samples = course.samples
    breaks = tuple(_breaks(course, clock))
    spoken_for = _stretches(samples, breaks, clock)
    unit = next((s.result.unit for s in samples if s.result.unit), None)
    return MarkerPanel(
        name=name_of(course.analyte),
        unit=unit_text(unit),
        runs=tuple(_run([s for s in samples if s.assay is assay], clock) for assay in _assays(samples)),
        ranges=_joined(_ranges(_stretches(samples, (), clock), clock)),
        nadirs=_joined(_nadirs(spoken_for, clock)),
        limits=_joined(_limits(spoken_for, clock)),
        breaks=breaks,
    )


def _assays(samples: Sequence[Sample]) -> list[Assay]:
    found: list[Assay] = []
    for sample in samples:
        if not any(a is sample.assay for a in found):
            found.append(sample.assay)
    return found


def _run(samples: Sequence[Sample], clock: Clock) -> Run:
    points = Points(
        at=floats([clock.ms(s.result) for s in samples]),
        value=floats([math.nan if s.result.value is None else s.result.value for s in samples]),
        label=tuple(_label(s, clock) for s in samples),
        record=tuple(s.result.record for s in samples),
    )
    return Run(points=points, marks=tuple(_mark(s) for s in samples))


def _mark(sample: Sample) -> SampleMark:
    mark = mark_of(sample.result)
    return "not-valid" if mark == "valid" and not sample.valid else mark


def _label(sample: Sample, clock: Clock) -> str:
    notes = (
        [_("not comparable: {reason}", reason=", ".join(map(tell, sample.invalid_because)))]
        if sample.invalid_because
        else []
    )
    if sample.confirmed:
        notes.append(_("confirmed rise"))
    elif sample.provisional:
        notes.append(_("rise, not confirmed yet"))
    return result_label(sample.result, clock, *notes)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans that touch and stand at one level as one span."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last is not None and last.end == span.start and (last.high, last.low) == (span.high, span.low):
            found[-1] = replace(last, end=span.end)
        else:
            found.append(span)
    return tuple(found)


def _ranges(stretches: Stretches, clock: Clock) -> Iterable[Span]:
    for sample, end in stretches:
        if sample.upper is not None:
            yield Span(start=clock.ms(sample.result), end=end, high=sample.upper, low=sample.result.ref_low)


def _nadirs(stretches: Stretches, clock: Clock) -> Iterable[Span]:
    for sample, end in stretches:
        nadir = sample.nadir
        if nadir is not None:
            words = counted(
                "nadir {value} on {date}, from {n} result",
                "nadir {value} on {date}, from {n} results",
                nadir.results,
                value=quantity(nadir.value, sample.result.unit),
                date=tell(date_of(nadir.at)),
            )
            yield Span(start=clock.ms(sample.result), end=end, high=nadir.value, label=plain(words))


def _limits(stretches: Stretches, clock: Clock) -> Iterable[Span]:
    for sample, end in stretches:
        if sample.limit is not None:
            words = _("a significant rise begins at {limit}", limit=quantity(sample.limit, sample.result.unit))
            yield Span(start=clock.ms(sample.result), end=end, high=sample.limit, label=plain(words))


def _stretches(samples: Sequence[Sample], breaks: Sequence[Mark], clock: Clock) -> Stretches:
    """Each sample with the end of the time it speaks for: the next sample, the next epoch, or now."""
    ends = [*(clock.ms(s.result) for s in samples[1:]), clock.at(clock.now)]
    found = []
    for sample, end in zip(samples, ends, strict=False):
        start = clock.ms(sample.result)
        found.append((sample, min([end, *(b.at for b in breaks if b.at > start)])))
    return tuple(found)


def _breaks(course: MarkerCourse, clock: Clock) -> Iterable[Mark]:
    for epoch in course.epochs:
        if epoch.start is not None:
            at = clock.at(epoch.start)
            reason = tell(epoch.reason)
            words = _("New epoch: {reason}; nadir and limit start anew", reason=reason)
            yield Mark(at=at, text=reason, label=plain(words))
    assays = _assays(course.samples)
    for assay in assays[1:]:
        first = next(s for s in course.samples if s.assay is assay)
        name = tell(assay.named())
        words = _("New epoch: {assay}; not comparable with earlier results", assay=name)
        yield Mark(at=clock.ms(first.result), text=name, label=plain(words))
