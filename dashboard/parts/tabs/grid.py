"""The tab of the grid: every result by analyte and date, newest date first, with arrows for what lies out of range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.analytes import CATALOGUE
from clinical.chart import Result
from dashboard.language import _
from dashboard.parts.asking import ask
from dashboard.parts.quantities import arrows, name_of, number, range_text, unit_text
from dashboard.parts.rows import arrow, below, cell, row, table
from dashboard.parts.tabs.view import View
from dashboard.parts.times import day_text, wall

DATES = 24
TABLE = "patient-grid-table"


def grid(view: View) -> Component:
    """The open tab: `DATES` dates at a time, the address says before which."""
    results = [r for r in view.shown.chart.results if r.status != "entered-in-error"]
    dates = sorted({_date(r, view) for r in results}, reverse=True)
    before = _asked(view.query.get("before"))
    reachable = [d for d in dates if before is None or d < before]
    shown, older = reachable[:DATES], reachable[DATES:]
    return html.Section(
        [
            html.Header([html.H2(_("Results by date")), _turning(view, dates, shown, bool(older), before is not None)]),
            html.P(
                _(
                    "Arrows: beyond the range of its own laboratory; two and three arrows from 2 and 3 times "
                    "the limit on. < and > are kept as reported. A value opens where it comes from."
                ),
                className="soft small",
            ),
            _table(view, results, shown) if shown else html.P(_("No result is recorded."), className="empty"),
        ],
        className="card",
    )


def _table(view: View, results: Sequence[Result], dates: Sequence[date]) -> Component:
    by_place: dict[tuple[str, date], list[Result]] = {}
    for result in results:
        by_place.setdefault((result.analyte, _date(result, view)), []).append(result)
    order = {code: place for place, code in enumerate(CATALOGUE)}
    analytes = sorted({r.analyte for r in results}, key=lambda a: (order.get(a, len(order)), a))
    rows = [
        row(
            [
                cell(name_of(analyte), below(_unit_and_range(results, analyte)), heads=True),
                *(_cell(by_place.get((analyte, on), ())) for on in dates),
            ]
        )
        for analyte in analytes
        if any((analyte, on) in by_place for on in dates)
    ]
    heads = ["", *(day_text(d) for d in dates)]
    return table(TABLE, heads, rows, caption=_("Results by analyte and date, newest date first"), css="dense grid")


def _cell(results: Iterable[Result]) -> dict[str, Any]:
    parts: list[Any] = []
    for result in results:
        if parts:
            parts.append("; ")
        title = ", ".join(p for p in (range_text(result.ref_low, result.ref_high), result.lab, result.method) if p)
        parts.append(ask(_text(result), result.record, title=title))
        mark = arrows(result.value, result.ref_low, result.ref_high)
        if mark:
            parts += [" ", arrow(mark)]
    return cell(*parts, css="number")


def _text(result: Result) -> str:
    if result.value is None:
        return (
            _("sent, no result")
            if result.status == "absent"
            else result.text or result.interpretation or _("no number")
        )
    return f"{result.comparator or ''}{number(result.value)}"


def _unit_and_range(results: Sequence[Result], analyte: str) -> str:
    last = [r for r in results if r.analyte == analyte][-1]
    unit = next((r.unit for r in reversed(results) if r.analyte == analyte and r.unit), None)
    return f"{unit_text(unit)} ({range_text(last.ref_low, last.ref_high)})".strip()


def _turning(view: View, dates: Sequence[date], shown: Sequence[date], older: bool, turned: bool) -> Component:
    if not shown:
        return html.Span("", className="soft small")
    said = _(
        "{n} of {all} dates: {first} to {last}",
        n=len(shown),
        all=len(dates),
        first=day_text(shown[-1]),
        last=day_text(shown[0]),
    )
    links = []
    if turned:
        links.append(html.A(_("Newest"), href=view.address("grid"), className="chip", **{"data-in-app": ""}))
    if older:
        then = view.address("grid", before=shown[-1].isoformat())
        links.append(html.A(_("Older"), href=then, className="chip", **{"data-in-app": ""}))
    return html.Div([html.Span(said, className="soft small"), *links], className="chips")


def _date(result: Result, view: View) -> date:
    return wall(result.effective, result.precision, view.clock.zone).date()


def _asked(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
