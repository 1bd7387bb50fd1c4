"""The cohort as its three plots draw it, with the sentence and the table that say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from clinical.chart import Chart, Result
from clinical.imaging import assessments
from clinical.protocol import Protocol
from clinical.validity import disqualified
from dashboard.figures.axes import YEAR
from dashboard.figures.series import Bar
from dashboard.figures.spider import SpiderLine
from dashboard.figures.swimmer import SwimBar, SwimEvent, SwimLane
from dashboard.figures.waterfall import WaterfallBar
from dashboard.language import _, marked, whole
from dashboard.parts import rows
from dashboard.parts.plotted.labels import plain
from dashboard.parts.plotted.therapy import lanes
from dashboard.parts.quantities import number, quantity
from dashboard.parts.times import Clock, day_text
from data.cohort import Course

MONTH_DAYS = 30.44
NAME_LENGTH = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What stands beside a plot: one sentence, and its numbers as the heads and rows of a table."""

    summary: str
    heads: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]


def brief_name(mrn: str, name: str | None) -> str:
    """The patient on an axis: the name, or the number where there is none; long ones are cut."""
    said = name or mrn
    return plain(said if len(said) <= NAME_LENGTH else f"{said[: NAME_LENGTH - 1]}…")


def waterfall_bars(changes: Sequence[tuple[str, str | None, str | None, float]]) -> list[WaterfallBar]:
    """A bar for each of `data.cohort.best_changes`."""
    return [
        WaterfallBar(
            name=brief_name(mrn, name),
            percent=percent,
            label=f"<b>{plain(name or _('Name not recorded'))}</b>, {plain(mrn)}<br>{_signed(percent)} %, "
            + _("last response {letters}", letters=response or _("not read")),
        )
        for mrn, name, response, percent in changes
    ]


def waterfall_told(changes: Sequence[tuple[str, str | None, str | None, float]], patients: int) -> Told:
    """The waterfall in words."""
    fell = sum(percent <= -30 for *_, percent in changes)
    grew = sum(percent > 0 for *_, percent in changes)
    return Told(
        summary=_(
            "{n} of {all} patients in this view have a sum of target lesions to compare; in {fell} it fell by 30 % or "
            "more at its best, in {grew} it never was below its baseline.",
            n=whole(len(changes)),
            all=whole(patients),
            fell=fell,
            grew=grew,
        ),
        heads=(_("Patient"), _("Number"), _("Best change"), _("Last response")),
        rows=tuple(
            rows.row(
                [
                    rows.cell(name or _("Name not recorded"), heads=True),
                    rows.cell(mrn),
                    rows.cell(f"{_signed(percent)} %", sort=percent),
                    rows.cell(response or _("not read")),
                ]
            )
            for mrn, name, response, percent in sorted(changes, key=lambda change: -change[3])
        ),
    )


def spider_lines(
    courses: Sequence[Course], protocol: Protocol, clock: Clock
) -> tuple[list[SpiderLine], list[SpiderLine]]:
    """Sums and glucagon of those who have a baseline and something after it."""
    sums = [line for course in courses if (line := _sums(course, clock)) is not None]
    glucagon = [line for course in courses if (line := _glucagon(course, protocol, clock)) is not None]
    return sums, glucagon


def spider_told(sums: Sequence[SpiderLine], glucagon: Sequence[SpiderLine], patients: int) -> Told:
    """The spider in words."""
    return Told(
        summary=_(
            "Of the {all} patients drawn, {sums} have sums of target lesions and {glucagon} have glucagon values that "
            "can be compared with a baseline: for sums the baseline scan of the series that runs, for glucagon the "
            "first value of the laboratory and method of the newest; samples that the rules do not judge are left out.",
            all=patients,
            sums=len(sums),
            glucagon=len(glucagon),
        ),
        heads=(_("Patient"), _("What"), _("Months since baseline"), _("% of baseline")),
        rows=tuple(
            rows.row(
                [
                    rows.cell(line.name, heads=True),
                    rows.cell(what),
                    rows.cell(marked(f"{months:.1f}"), sort=months),
                    rows.cell(marked(f"{percent:.1f} %"), sort=percent),
                ]
            )
            for what, lines in ((_("sum"), sums), (_("glucagon"), glucagon))
            for line in lines
            for months, percent in zip(line.months, line.percent, strict=True)
        ),
    )


def swim_lanes(courses: Sequence[Course], clock: Clock) -> list[SwimLane]:
    """A lane for each patient with a treatment, from the first one on."""
    return [lane for course in courses if (lane := _lane(course, clock)) is not None]


def swimmer_told(lanes: Sequence[SwimLane], patients: int) -> Told:
    """The swimmer plot in words."""
    running = sum(any(bar.ongoing for bar in lane.bars if bar.kind == "analogue") for lane in lanes)
    return Told(
        summary=_(
            "{n} of the {all} patients drawn have a treatment recorded; {running} are on an analogue as far as the "
            "record says.",
            n=len(lanes),
            all=patients,
            running=running,
        ),
        heads=(_("Patient"), _("What"), _("From (years)"), _("To (years)")),
        rows=tuple(
            rows.row([rows.cell(lane.name, heads=True), rows.cell(_bare(label)), rows.cell(start), rows.cell(end)])
            for lane in lanes
            for label, start, end in (
                *(
                    (bar.label, marked(f"{bar.start:.2f}"), _("goes on") if bar.ongoing else marked(f"{bar.end:.2f}"))
                    for bar in lane.bars
                ),
                *((event.label, marked(f"{event.at:.2f}"), "") for event in lane.events),
            )
        ),
    )


def _sums(course: Course, clock: Clock) -> SpiderLine | None:
    visits = [v for v in assessments(course.chart.until(clock.now)) if v.sum_mm is not None]
    if not visits or not visits[-1].baseline:
        return None
    baseline = visits[-1].baseline
    series = list(reversed(list(takewhile(lambda v: v.baseline == baseline, reversed(visits)))))
    read = [visit for visit in series if visit.target != "NE"]
    before = [visit for visit in visits if visit not in series and visit.sum_mm == baseline]
    if not before or not read:
        return None
    start = before[-1].scan_date
    points = [(start, baseline), *((v.scan_date, v.sum_mm or 0.0) for v in read)]
    return SpiderLine(
        name=brief_name(course.mrn, course.name),
        months=tuple((on - start).days / MONTH_DAYS for on, _ in points),
        percent=tuple(100 * value / baseline for _, value in points),
        labels=tuple(
            f"<b>{plain(course.name or course.mrn)}</b>, {day_text(on)}<br>"
            + _(
                "sum {number} mm, {share} % of {baseline} mm",
                number=number(value),
                share=f"{100 * value / baseline:.0f}",
                baseline=number(baseline),
            )
            for on, value in points
        ),
    )


def _glucagon(course: Course, protocol: Protocol, clock: Clock) -> SpiderLine | None:
    chart = course.chart.until(clock.now)
    results = [r for r in chart.of("glucagon") if r.number and not disqualified(r, chart, protocol)]
    if not results:
        return None
    alike = [r for r in results if _measured_as(r) == _measured_as(results[-1])]
    if len(alike) < 2:
        return None
    first, base = alike[0].effective, alike[0].number or 0.0
    values = [(r, r.number or 0.0) for r in alike]
    return SpiderLine(
        name=brief_name(course.mrn, course.name),
        months=tuple((r.effective - first).days / MONTH_DAYS for r, _ in values),
        percent=tuple(100 * value / base for _, value in values),
        labels=tuple(
            f"<b>{plain(course.name or course.mrn)}</b>, {clock.day(r)}<br>"
            + _(
                "glucagon {value}, {share} % of {baseline}",
                value=quantity(value, r.unit),
                share=f"{100 * value / base:.0f}",
                baseline=quantity(base, r.unit),
            )
            for r, value in values
        ),
    )


def _measured_as(result: Result) -> tuple[str | None, str | None, str | None]:
    return result.lab, result.method, result.unit


def _lane(course: Course, clock: Clock) -> SwimLane | None:
    chart = course.chart.until(clock.now)
    drawn = lanes(chart, [], clock)
    bars = [("analogue", bar) for bar in drawn.analogue] + [("other", bar) for bar in drawn.other]
    starts = [bar.start for _, bar in bars] + [mark.at for mark in drawn.procedures]
    if not starts:
        return None
    zero = min(starts)
    return SwimLane(
        name=brief_name(course.mrn, course.name),
        bars=tuple(_swim_bar(kind, bar, zero, chart.deceased, clock) for kind, bar in bars),
        events=tuple(sorted(_events(chart, drawn.procedures, zero, clock), key=lambda event: event.at)),
    )


def _swim_bar(kind: Any, bar: Bar, zero: float, death: datetime | None, clock: Clock) -> SwimBar:
    end = bar.end if death is None else min(bar.end, max(clock.at(death), bar.start))
    return SwimBar(
        kind=kind,
        start=(bar.start - zero) / YEAR,
        end=(end - zero) / YEAR,
        ongoing=bar.ongoing and death is None,
        label=bar.label,
    )


def _events(chart: Chart, procedures: Any, zero: float, clock: Clock) -> list[SwimEvent]:
    found = [SwimEvent(kind="procedure", at=(mark.at - zero) / YEAR, label=mark.label) for mark in procedures]
    for read in chart.responses:
        if read.response in ("CR", "PR", "PD"):
            found.append(
                SwimEvent(
                    kind="progression" if read.response == "PD" else "response",
                    at=(clock.ms(read) - zero) / YEAR,
                    label=f"<b>{read.response}</b>, {clock.day(read)}",
                )
            )
    if chart.deceased is not None:
        at = chart.deceased
        found.append(
            SwimEvent(kind="death", at=(clock.at(at) - zero) / YEAR, label=f"<b>{_('Died')}</b>, {day_text(at)}")
        )
    return [event for event in found if event.at >= 0]


def _signed(percent: float) -> str:
    return marked(f"{percent:+.1f}")


def _bare(label: str) -> str:
    return label.replace("<b>", "").replace("</b>", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
