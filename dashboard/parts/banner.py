"""The banner of a patient's pages: who this is, in sight however far the page is scrolled."""

from __future__ import annotations

from datetime import date

from dash import html
from dash.development.base_component import Component

from clinical.therapy import Regimen
from dashboard.language import _, message
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.times import Clock, day_text
from data.trends import Head, Identity

STATE_WORDS = {
    "pre-op": message("before surgery"),
    "ned-resected": message("resected, no evidence of disease"),
    "residual-stable": message("residual disease, stable"),
    "residual-progressing": message("residual disease, progressing"),
    "no-tumour-found": message("no tumour found"),
    "unknown": message("not recorded"),
}
SEX_WORDS = {"female": message("female"), "male": message("male"), "other": message("other")}
STATE_IN_BRIEF = {
    "pre-op": message("before surgery"),
    "ned-resected": message("resected, NED"),
    "residual-stable": message("residual, stable"),
    "residual-progressing": message("residual, progressing"),
    "no-tumour-found": message("no tumour found"),
    "unknown": message("not recorded"),
}


def banner(head: Head, *, clock: Clock, heading: bool) -> Component:
    """Name, birth date, hospital number, team, disease state and analogue regimen. `heading`: the name is the h1."""
    who = head.identity
    name = who.name or _("Name not recorded")
    facts = [
        _fact(_("born"), born_text(who, clock)),
        _fact(_("MRN"), html.B(who.mrn)),
        _fact(_("sex"), _(SEX_WORDS[who.sex]) if who.sex in SEX_WORDS else _("not recorded")),
        _fact(_("team"), ", ".join(who.teams) or _("no team")),
        _fact(_("disease"), _(STATE_WORDS[head.state])),
        _fact(_("analogue"), regimen_said(head.regimen, clock)),
    ]
    if who.deceased is not None:
        facts.append(_fact(_("died"), day_text(who.deceased.astimezone(clock.zone))))
    if who.withdrawn is not None:
        facts.append(_fact(_("withdrawn"), day_text(who.withdrawn)))
    if who.transferred is not None:
        facts.append(_fact(_("transferred"), day_text(who.transferred)))
    if who.synthetic:
        facts.append(html.Span(_("invented patient"), className="pill"))
    title = html.H1(name) if heading else html.Span(name, className="name")
    return html.Section(html.Div([title, *facts]), className="banner", **{"aria-label": _("Patient")})


def _fact(name: str, value: str | Component) -> Component:
    return html.Span([html.I(name), value])


def born_text(who: Identity, clock: Clock) -> str:
    """The birth date with the age, at death where the patient has died."""
    if who.birth_date is None:
        return _("not recorded")
    until = (who.deceased or clock.now).astimezone(clock.zone).date()
    return _("{date} ({n} y)", date=day_text(who.birth_date), n=_years(who.birth_date, until))


def _years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def regimen_said(regimen: Regimen | None, clock: Clock) -> str:
    """The analogue regimen in force and since when."""
    if regimen is None:
        return _("none recorded")
    text = regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days)
    return _("{what} since {date}", what=text, date=day_text(regimen.since.astimezone(clock.zone)))
