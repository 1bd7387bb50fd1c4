"""The tab of therapy: what is given now, the steps of the analogue, every injection against its plan, the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.chart import Therapy
from clinical.injection_plan import injection_plan
from clinical.site_days import in_site_days, site_noon
from clinical.therapy import USUAL_INTERVAL_DAYS, analogue_steps, injections, is_analogue
from dashboard.parts.asking import ask
from dashboard.parts.plotted.therapy import dose_text, regimen_text
from dashboard.parts.rows import cell, row, table
from dashboard.parts.tabs.view import View
from dashboard.parts.times import day_text


def therapy_tab(view: View) -> Component:
    """The open tab."""
    return html.Div(
        [_now(view), _injections(view), _steps(view), _others(view)],
        className="stacked",
        style={"gap": "var(--gap)"},
    )


def _now(view: View) -> Component:
    regimen = view.found.regimen
    if regimen is None:
        text = "No analogue regimen is in force by what is recorded."
    else:
        words = regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days)
        text = f"{words[0].upper()}{words[1:]} since {day_text(regimen.since.astimezone(view.clock.zone))}"
        text += f"; {regimen.injections} injections recorded" if regimen.long_acting else ""
        text += f"; {_next(view)}" if regimen.long_acting else ""
    return html.Section([html.Header(html.H2("Analogue now")), html.P(text)], className="card")


def _next(view: View) -> str:
    chart = in_site_days(view.found.chart, view.clock.zone, view.clock.now)
    plan = injection_plan(chart, view.protocol, site_noon(view.clock.now, view.clock.zone))
    if plan.next is None:
        return "next injection not planned"
    days = (plan.next - view.clock.now.astimezone(view.clock.zone).date()).days
    word = f"in {days} days" if days > 0 else "today" if days == 0 else f"overdue by {-days} days"
    return f"next injection {day_text(plan.next)}, {word}"


def _injections(view: View) -> Component | None:
    given = injections(view.found.chart)
    if not given:
        return None
    rows = [_injection(view, before, t) for before, t in pairwise((None, *given)) if t is not None]
    return _card(
        "Injections",
        f"{len(given)} recorded",
        table(
            "patient-injections-table",
            ["Date", "What", "Days since the one before", "Against the plan", "Note"],
            rows[::-1],
            caption="Injections, newest first",
            css="dense",
        ),
    )


def _injection(view: View, before: Therapy | None, t: Therapy) -> dict[str, Any]:
    days, against = "", ""
    if before is not None:
        gap = (t.effective.date() - before.effective.date()).days
        planned = before.interval_days or USUAL_INTERVAL_DAYS
        off = gap - planned
        assumed = "" if before.interval_days else " of the usual interval"
        days = str(gap)
        against = f"on the day{assumed}" if off == 0 else f"{abs(off)} days {'late' if off > 0 else 'early'}{assumed}"
    note = ", ".join(p for p in (t.route, t.note) if p)
    cells = [cell(view.clock.when(t), css="when"), cell(ask(dose_text(t), t.record)), cell(days, css="number")]
    return row([*cells, cell(against), cell(note)])


def _steps(view: View) -> Component | None:
    steps = analogue_steps(view.found.chart)
    if not steps:
        return None
    rows = [
        row(
            [
                cell(view.clock.when(s.entry), css="when"),
                cell(
                    ask(
                        "stopped" if s.drug is None else regimen_text(s.drug, s.dose, s.unit, s.interval_days),
                        s.entry.record,
                    )
                ),
                cell(s.entry.note or ""),
            ]
        )
        for s in reversed(steps)
    ]
    heads = ["From", "Regimen", "Note"]
    steps_table = table("patient-steps-table", heads, rows, caption="Steps of the analogue, newest first", css="dense")
    return _card("Steps of the analogue", "a new step starts a new epoch of the marker", steps_table)


def _others(view: View) -> Component | None:
    others = [t for t in view.found.chart.therapy if t.kind == "procedure" or not is_analogue(t.drug)]
    if not others:
        return None
    rows = [
        row(
            [
                cell(view.clock.when(t), css="when"),
                cell(t.kind.capitalize()),
                cell(ask(_what(t), t.record)),
                cell(", ".join(p for p in (t.completeness, t.intent, t.note) if p)),
            ]
        )
        for t in reversed(others)
    ]
    heads = ["Date", "Kind", "What", "Note"]
    return _card(
        "Other therapy and procedures",
        "",
        table("patient-others-table", heads, rows, caption="Other therapy and procedures, newest first", css="dense"),
    )


def _what(t: Therapy) -> str:
    return (t.procedure or "procedure") if t.kind == "procedure" else dose_text(t)


def _card(name: str, beside: str, *content: Component) -> Component:
    head: Sequence[Component] = [html.H2(name), html.Span(beside, className="soft small")]
    return html.Section([html.Header(head), *content], className="card")
