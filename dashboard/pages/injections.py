"""The injections of a team: which were planned and are not recorded, which came late, which are due soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from dash import Dash, html
from dash.development.base_component import Component

from dashboard.language import _, counted
from dashboard.listed import note_list
from dashboard.parts.entry_links import regimen_address
from dashboard.parts.grid import read_view
from dashboard.parts.injection_words import HOW_WORDS, distance_text, off_text
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.rows import below, cell, link, row, span, table
from dashboard.parts.times import Clock, day_text
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from dashboard.routing import Route
from data.cohort import team_names
from data.injection_lists import AT_MOST, COMING, TeamInjection, team_injections

ROUTE = Route("/injections", title="Injections", policy=Policy(CLINICAL, scoped=True), nav="Injections", viewed=True)


class Filters(msgspec.Struct, forbid_unknown_fields=True):
    """What the address of the page may say."""

    team: str | None = None


def layout(search: str | None = None) -> Component:
    """The page for the person who asks, of one team where the address names it."""
    clock, filters = Clock(request_now(), current_settings().zone), read_view(search, Filters)
    actor = current_actor()
    with current_database().read() as session:
        teams = team_names(session, actor)
        found = team_injections(
            session, actor, team=filters.team, protocol=current_protocol(), zone=clock.zone, now=clock.now
        )
    note_list((line.mrn for line in (*found.overdue, *found.coming, *found.late)), ROUTE.pattern)
    return html.Div(
        [
            html.H1(_("Injections")),
            _teams(teams, filters.team) if len(teams) > 1 else None,
            html.P(
                _("Only the first {n} patients are listed, the longest overdue first.", n=AT_MOST), className="notice"
            )
            if found.cut
            else None,
            _list(
                "injections-overdue",
                _("Planned and not recorded"),
                _("Nothing planned before today is without a record, of the patients who were judged."),
                found.overdue,
                clock,
            ),
            _list("injections-coming", _("Due within {n} days", n=COMING.days), _("None."), found.coming, clock),
            _list(
                "injections-late",
                _("The last one came late"),
                _("The last injection of nobody came late, of the patients who were judged."),
                found.late,
                clock,
            ),
        ],
        className="page",
    )


def register(app: Dash) -> None:
    """The page is read once; it has no callbacks."""


def _teams(teams: Sequence[str], chosen: str | None) -> Component:
    links = [(_("All my teams"), "/injections", chosen is None)]
    links += [(team, f"/injections?{urlencode({'team': team}, quote_via=quote)}", team == chosen) for team in teams]
    return html.Nav(
        [
            html.A(
                word,
                href=address,
                className="chip",
                **{"data-in-app": "", **({"aria-current": "true"} if here else {})},
            )
            for word, address, here in links
        ],
        className="chips no-print",
        **{"aria-label": _("Team")},
    )


def _list(id: str, name: str, none: str, lines: Sequence[TeamInjection], clock: Clock) -> Component:
    columns = [_("Patient"), _("Planned"), _("Against the plan"), _("Regimen")]
    body: Component = html.P(none, className="soft")
    if lines:
        caption = counted("{n} patient", "{n} patients", len(lines))
        body = table(id, columns, [_row(line, columns, clock) for line in lines], caption=caption, css="dense")
    return html.Section([html.Header(html.H2(name)), body], className="card")


def _row(line: TeamInjection, columns: list[str], clock: Clock) -> dict[str, Any]:
    today = clock.now.astimezone(clock.zone).date()
    born = _("not recorded") if line.birth_date is None else day_text(line.birth_date)
    who = link(line.name or _("Name not recorded"), regimen_address(line.mrn))
    if line.given is not None:
        said = [_(HOW_WORDS[line.how]), below(f"{day_text(line.given)}, {off_text(line.days)}")]
    else:
        away = distance_text(line.planned, today)
        said = [span(away, "overdue") if line.days > 0 else away]
        said += [below(_(HOW_WORDS[line.how]))] if line.days > 0 else []
    regimen = line.plan.regimen
    words = (
        _("none recorded")
        if regimen is None
        else regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days)
    )
    return row(
        [
            cell(who, below(_("{mrn}, born {date}", mrn=line.mrn, date=born)), heads=True),
            cell(day_text(line.planned), css="when", name=columns[1]),
            cell(*said, name=columns[2]),
            cell(words, name=columns[3]),
        ]
    )
