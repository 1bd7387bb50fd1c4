"""The tab of the injection cycle: the last six cycles over one another, by days since the injection."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.chart import Entry, Therapy
from clinical.therapy import USUAL_INTERVAL_DAYS, injections
from dashboard.figures.cycle import CycleLine, CyclePanel, cycle_figure
from dashboard.figures.series import Points, floats
from dashboard.language import _, marked, message
from dashboard.parts.asking import ask
from dashboard.parts.charts import chart, numbers
from dashboard.parts.plotted.labels import label
from dashboard.parts.quantities import number, unit_text
from dashboard.parts.rows import cell, row, table
from dashboard.parts.tabs.view import View

CYCLES = 6
MEASURES = (
    (message("Skin IGA"), "iga"),
    (message("Itch (0-10)"), "itch"),
    (message("Stools per day"), "stools-per-day"),
    (message("Rescue doses per day"), "rescue-doses"),
    (message("Glucagon"), "glucagon"),
)


def cycle(view: View) -> Component:
    """The open tab."""
    given = injections(view.found.chart)
    head = html.Header(
        [
            html.H2(_("Since the injection")),
            html.Span(_("the last {n} cycles", n=CYCLES), className="soft small"),
        ]
    )
    if not given:
        return html.Section([head, html.P(_("No depot injection is recorded."), className="empty")], className="card")
    interval = _interval(view, given)
    panels = [_panel(view, _(name), measure, given) for name, measure in MEASURES]
    recorded = [p.name for p in panels if any(len(c.points) for c in p.lines)]
    since = view.clock.day(given[-1])
    words = _(
        "Last injection {since}, {age}; planned every {interval} days; recorded in these cycles: {which}.",
        since=since,
        age=view.clock.age(given[-1]),
        interval=marked(f"{interval:g}"),
        which=", ".join(recorded) or "nothing",
    )
    return html.Section(
        [
            head,
            chart(
                "patient-cycle",
                cycle_figure(panels, interval=interval),
                summary=words,
                heading=_("Measures by days since the injection; their numbers stand in the table below"),
            ),
            html.P(_("Grey: the last week before the next injection is due."), className="soft small"),
            numbers(_table(panels)),
        ],
        className="card",
    )


def _interval(view: View, given: Sequence[Therapy]) -> float:
    stated = given[-1].interval_days or (view.found.regimen.interval_days if view.found.regimen else None)
    return float(stated or USUAL_INTERVAL_DAYS)


def _panel(view: View, name: str, measure: str, given: Sequence[Therapy]) -> CyclePanel:
    entries = _entries(view, measure)
    unit = unit_text(view.units.of(measure)) if measure == "glucagon" else ""
    lines = []
    for start, following in pairwise((*given[-CYCLES:], None)):
        if start is None:
            continue
        inside = [
            (e, v)
            for e, v in entries
            if e.effective >= start.effective and (following is None or e.effective < following.effective)
        ]
        if inside:
            lines.append(_line(view, name, start, inside, running=following is None))
    return CyclePanel(name=name, unit=unit, lines=tuple(lines))


def _line(view: View, name: str, start: Therapy, inside: Sequence[tuple[Entry, float]], *, running: bool) -> CycleLine:
    begun = view.clock.day(start)
    return CycleLine(
        name=_("from {begun}", begun=begun),
        points=Points(
            at=floats([(e.effective - start.effective).total_seconds() / 86_400 for e, _ in inside]),
            value=floats([v for _, v in inside]),
            label=tuple(
                label(
                    f"{name} {number(v)}",
                    view.clock.when(e),
                    _("cycle from {begun}", begun=begun),
                    entry=e,
                    clock=view.clock,
                )
                for e, v in inside
            ),
            record=tuple(e.record for e, _ in inside),
        ),
        running=running,
    )


def _entries(view: View, measure: str) -> list[tuple[Entry, float]]:
    """What is a plain number; `<x` and words have no height here and stand in the record."""
    found: list[tuple[Entry, float]] = [(r, r.number) for r in view.shown.chart.of(measure) if r.number is not None]
    if measure in ("iga", "itch"):
        found += [(a, float(v)) for a in view.found.chart.skin if (v := getattr(a, measure)) is not None]
    return sorted(found, key=lambda pair: pair[0].effective)


def _table(panels: Sequence[CyclePanel]) -> Component:
    rows: list[dict[str, Any]] = []
    for panel in panels:
        for line in reversed(panel.lines):
            points = line.points
            for i in range(len(points)):
                value = ask(f"{number(float(points.value[i]))} {panel.unit}".strip(), points.record[i])
                day = number(round(float(points.at[i]), 1))
                rows.append(row([cell(panel.name, heads=True), cell(line.name), cell(day, css="number"), cell(value)]))
    heads = [_("Measure"), _("Cycle"), _("Day"), _("Value")]
    return table("patient-cycle-table", heads, rows, caption=_("Measures by cycle and day"), css="dense")
