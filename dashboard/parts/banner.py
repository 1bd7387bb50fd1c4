"""The banner of a patient's pages: who this is, in sight however far the page is scrolled."""

from __future__ import annotations

from datetime import date

from dash import html
from dash.development.base_component import Component

from clinical.therapy import Regimen
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.times import Clock, day_text
from data.trends import Identity

STATE_WORDS = {
    "pre-op": "before surgery",
    "ned-resected": "resected, no evidence of disease",
    "residual-stable": "residual disease, stable",
    "residual-progressing": "residual disease, progressing",
    "no-tumour-found": "no tumour found",
    "unknown": "not recorded",
}
STATE_IN_BRIEF = {
    "pre-op": "before surgery",
    "ned-resected": "resected, NED",
    "residual-stable": "residual, stable",
    "residual-progressing": "residual, progressing",
    "no-tumour-found": "no tumour found",
    "unknown": "not recorded",
}


def banner(who: Identity, *, state: str, regimen: Regimen | None, clock: Clock, heading: bool) -> Component:
    """Name, birth date, hospital number, team, disease state and analogue regimen. `heading`: the name is the h1."""
    name = who.name or "Name not recorded"
    facts = [
        _fact("born", _born(who, clock)),
        _fact("MRN", html.B(who.mrn)),
        _fact("sex", who.sex or "not recorded"),
        _fact("team", ", ".join(who.teams) or "no team"),
        _fact("disease", STATE_WORDS[state]),
        _fact("analogue", _regimen(regimen, clock)),
    ]
    if who.deceased is not None:
        facts.append(_fact("died", day_text(who.deceased.astimezone(clock.zone))))
    if who.withdrawn is not None:
        facts.append(_fact("withdrawn", day_text(who.withdrawn.astimezone(clock.zone))))
    if who.synthetic:
        facts.append(html.Span("invented patient", className="pill"))
    title = html.H1(name) if heading else html.Span(name, className="name")
    return html.Section(html.Div([title, *facts]), className="banner", **{"aria-label": "Patient"})


def _fact(name: str, value: str | Component) -> Component:
    return html.Span([html.I(name), value])


def _born(who: Identity, clock: Clock) -> str:
    if who.birth_date is None:
        return "not recorded"
    until = (who.deceased or clock.now).astimezone(clock.zone).date()
    return f"{day_text(who.birth_date)} ({_years(who.birth_date, until)} y)"


def _years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _regimen(regimen: Regimen | None, clock: Clock) -> str:
    if regimen is None:
        return "none recorded"
    text = regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days)
    return f"{text} since {day_text(regimen.since.astimezone(clock.zone))}"
