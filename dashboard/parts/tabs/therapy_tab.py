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
from dashboard.language import _, counted, tell
from dashboard.parts.asking import ask
from dashboard.parts.coded import coded
from dashboard.parts.decision_words import decision_text
from dashboard.parts.plotted.therapy import dose_text, regimen_text
from dashboard.parts.rows import below, cell, link, row, table
from dashboard.parts.tabs.view import View
from dashboard.parts.times import day_text
from data.past_flags import decisions_with_sequel


def therapy_tab(view: View) -> Component:
    """The open tab."""
    return html.Div(
        [_now(view), _decisions(view), _injections(view), _steps(view), _others(view)],
        className="stacked",
        style={"gap": "var(--gap)"},
    )


def _now(view: View) -> Component:
    regimen = view.found.regimen
    if regimen is None:
        text = _("No analogue regimen is in force by what is recorded.")
    else:
        words = regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days)
        since = day_text(regimen.since.astimezone(view.clock.zone))
        text = _("{what} since {date}", what=f"{words[0].upper()}{words[1:]}", date=since)
        if regimen.long_acting:
            n = regimen.injections
            text += "; " + counted("{n} injection recorded", "{n} injections recorded", n) + f"; {_next(view)}"
    return html.Section([html.Header(html.H2(_("Analogue now"))), html.P(text)], className="card")


def _next(view: View) -> str:
    chart = in_site_days(view.found.chart, view.clock.zone, view.clock.now)
    plan = injection_plan(chart, view.protocol, site_noon(view.clock.now, view.clock.zone))
    if plan.next is None:
        return _("next injection not planned")
    days = (plan.next - view.clock.now.astimezone(view.clock.zone).date()).days
    if days > 0:
        word = counted("in {n} day", "in {n} days", days)
    else:
        word = _("today") if days == 0 else counted("overdue by {n} day", "overdue by {n} days", -days)
    return _("next injection {date}, {word}", date=day_text(plan.next), word=word)


def _decisions(view: View) -> Component | None:
    sequels = [one for all_ in decisions_with_sequel(view.found).values() for one in all_]
    if not sequels:
        return None
    titles = {flag["id"]: tell(flag["title"]) for flag in view.found.flags}
    rows = [
        row(
            [
                cell(day_text(d["at"].astimezone(view.clock.zone)), css="when"),
                cell(decision_text(d), heads=True),
                cell(link(titles.get(d["flag"], ""), f"/flag/{d['flag']}")),
                cell(d["rationale"], below(d["name"])),
                cell(_entered(one.entered)),
            ]
        )
        for one in sorted(sequels, key=lambda one: str(one.decision["at"]), reverse=True)
        for d in (one.decision,)
    ]
    heads = [_("Date"), _("Decided"), _("Flag"), _("Rationale"), _("In the regimen")]
    caption = _("Decisions about flags, newest first")
    return _card(
        _("Decided"),
        _("a decision changes no regimen until it is entered"),
        table("patient-decisions-table", heads, rows, caption=caption, css="dense"),
    )


def _entered(entered: bool | None) -> str:
    if entered is None:
        return _("nothing to enter")
    return _("a change was entered since") if entered else _("not entered since")


def _injections(view: View) -> Component | None:
    given = injections(view.found.chart)
    if not given:
        return None
    rows = [_injection(view, before, t) for before, t in pairwise((None, *given)) if t is not None]
    return _card(
        _("Injections"),
        _("{n} recorded", n=len(given)),
        table(
            "patient-injections-table",
            [_("Date"), _("What"), _("Days since the one before"), _("Against the plan"), _("Note")],
            rows[::-1],
            caption=_("Injections, newest first"),
            css="dense",
        ),
    )


def _injection(view: View, before: Therapy | None, t: Therapy) -> dict[str, Any]:
    days, against = "", ""
    if before is not None:
        gap = (t.effective.date() - before.effective.date()).days
        planned = before.interval_days or USUAL_INTERVAL_DAYS
        off = gap - planned
        days, against = str(gap), _off(off)
        if not before.interval_days:
            against = _("{against} of the usual interval", against=against)
    note = ", ".join(p for p in (coded(t.route or ""), t.note) if p)
    cells = [cell(view.clock.when(t), css="when"), cell(ask(dose_text(t), t.record)), cell(days, css="number")]
    return row([*cells, cell(against), cell(note)])


def _off(days: int) -> str:
    if days == 0:
        return _("on the day")
    if days > 0:
        return counted("{n} day late", "{n} days late", days)
    return counted("{n} day early", "{n} days early", -days)


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
                        _("stopped") if s.drug is None else regimen_text(s.drug, s.dose, s.unit, s.interval_days),
                        s.entry.record,
                    )
                ),
                cell(s.entry.note or ""),
            ]
        )
        for s in reversed(steps)
    ]
    heads = [_("From"), _("Regimen"), _("Note")]
    steps_table = table(
        "patient-steps-table", heads, rows, caption=_("Steps of the analogue, newest first"), css="dense"
    )
    return _card(_("Steps of the analogue"), _("a new step starts a new epoch of the marker"), steps_table)


def _others(view: View) -> Component | None:
    others = [t for t in view.found.chart.therapy if t.kind == "procedure" or not is_analogue(t.drug)]
    if not others:
        return None
    rows = [
        row(
            [
                cell(view.clock.when(t), css="when"),
                cell(_sentence_case(coded(t.kind))),
                cell(ask(_what(t), t.record)),
                cell(", ".join(p for p in (t.completeness, coded(t.intent or ""), t.note) if p)),
            ]
        )
        for t in reversed(others)
    ]
    heads = [_("Date"), _("Kind"), _("What"), _("Note")]
    return _card(
        _("Other therapy and procedures"),
        "",
        table(
            "patient-others-table", heads, rows, caption=_("Other therapy and procedures, newest first"), css="dense"
        ),
    )


def _what(t: Therapy) -> str:
    return coded(t.procedure or "procedure") if t.kind == "procedure" else dose_text(t)


def _sentence_case(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _card(name: str, beside: str, *content: Component) -> Component:
    head: Sequence[Component] = [html.H2(name), html.Span(beside, className="soft small")]
    return html.Section([html.Header(head), *content], className="card")
