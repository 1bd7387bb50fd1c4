"""The rota of a team as people read and change it: who is on call per week, who stands in, and where nobody is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.rows import Part, below, cell, row, span, table
from dashboard.parts.times import day_text
from data.rota import WEEK, monday_of
from data.rota_changes import Member

Week = Mapping[str, Any]
NOBODY = "0"
"""What the choice of nobody sends."""


def rota_table(weeks: Sequence[Week], team: str, today: date) -> Component:
    """A row for each week."""
    columns = [_("Week"), _("On call"), _("Stand-in"), _("Without anybody")]
    return table(
        "rota-weeks",
        columns,
        [_week(week, columns, today) for week in weeks],
        caption=_("Rota of {team}", team=team),
        css="dense stacking",
    )


def gap_notice(weeks: Sequence[Week], today: date) -> Component | None:
    """That within the coming week there are days without anybody on call; nothing where there are none, or where
    nobody was ever named."""
    soon = [day for week in weeks for day in week["gaps"] if today <= day <= today + timedelta(days=7)]
    if all(week["person"] is None for week in weeks):
        return html.P(
            _("This team has no rota: urgent and high alerts go to all its oncologists at once."), className="notice"
        )
    if not soon:
        return None
    return html.P(
        [
            html.Strong(_("A gap within the coming week.") + " "),
            _("Nobody who can be reached is on call on {days}.", days=days_text(soon)) + " ",
            _("Alerts of such a day go to all oncologists of the team; the admins have been told."),
        ],
        className="notice",
    )


def days_text(days: Sequence[date]) -> str:
    """`2 Mar 2026`, `2 Mar 2026 to 4 Mar 2026`; days apart one by one."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        day_text(run[0]) if len(run) == 1 else _("{first} to {last}", first=day_text(run[0]), last=day_text(run[-1]))
        for run in runs
    )


def week_form(members: Sequence[Member], today: date) -> Component:
    """Who is on call, in one week or several that follow each other."""
    people = [*((str(one.id), _named(one)) for one in members), (NOBODY, _("Nobody"))]
    return html.Details(
        [
            html.Summary(_("Set who is on call")),
            html.Div(
                [
                    html.Div(
                        [
                            _date("rota-week", _("The week of this day"), monday_of(today)),
                            _number("rota-weeks-long", _("For how many weeks"), "1"),
                        ],
                        className="me-times",
                    ),
                    _radios("rota-person", _("On call"), people),
                    html.Button(_("Save the rota"), id="rota-save", type="button", className="button primary"),
                ],
                className="stacked",
            ),
        ],
        className="no-print",
    )


def stand_in_form(
    members: Sequence[Member], stand_ins: Sequence[Mapping[str, Any]], me: int | None, keeps: bool, today: date
) -> Component:
    """Who takes somebody's place while they are away: one's own, and everybody's for who keeps the rota."""
    away = [(str(one.id), _named(one)) for one in members if keeps or one.id == me]
    others = [(str(one.id), _named(one)) for one in members]
    new = html.Div(
        [
            _radios(
                "rota-away", _("Who is away"), away, value=str(me) if any(a == str(me) for a, _n in away) else None
            ),
            html.Div(
                [
                    _date("rota-from", _("From"), today),
                    _date("rota-to", _("Up to and including"), today),
                ],
                className="me-times",
            ),
            _radios("rota-stand-in", _("Who takes their place; alerts follow"), others),
            html.Button(_("Save the stand-in"), id="rota-away-save", type="button", className="button"),
        ],
        className="stacked",
    )
    mine = [one for one in stand_ins if keeps or one["person_id"] == me]
    end = html.Div(
        [
            _radios("rota-end", _("Stand-ins that can be taken away"), [(str(one["id"]), _stood(one)) for one in mine]),
            html.Button(_("Take it away"), id="rota-end-save", type="button", className="button"),
        ],
        className="stacked me-end",
        hidden=not mine,
    )
    return html.Details(
        [html.Summary(_("Stand-in while away")), new, end], className="no-print", hidden=not away or len(others) < 2
    )


def coming_stand_ins(weeks: Sequence[Week]) -> list[Mapping[str, Any]]:
    """Each stand-in of the weeks once, by its first day."""
    found = {one["id"]: one for week in weeks for one in week["stand_ins"]}
    return sorted(found.values(), key=lambda one: (one["from"], one["id"]))


def _week(week: Week, columns: Sequence[str], today: date) -> dict[str, Any]:
    monday = week["monday"]
    this = monday == monday_of(today)
    first: list[Part] = [week["week"]]
    if this:
        first += [" ", span(_("this week"), "pill")]
    dates = _("{first} to {last}", first=day_text(monday), last=day_text(monday + timedelta(days=6)))
    gaps: list[Part] = [""]
    if week["gaps"]:
        said = _("all week") if len(week["gaps"]) == WEEK.days else days_text(week["gaps"])
        gaps = [span(said, "rota-gap")]
    return row(
        [
            cell(*first, below(dates), heads=True),
            cell(week["person"] or _("nobody"), name=columns[1]),
            cell(*(below(_stood(one)) for one in week["stand_ins"]), name=columns[2] if week["stand_ins"] else None),
            cell(*gaps, name=columns[3] if week["gaps"] else None),
        ]
    )


def _stood(one: Mapping[str, Any]) -> str:
    days = (
        days_text([one["from"]])
        if one["from"] == one["to"]
        else _("{first} to {last}", first=day_text(one["from"]), last=day_text(one["to"]))
    )
    return _("{stand_in} for {person}, {days}", stand_in=one["stand_in"], person=one["person"], days=days)


def _named(member: Member) -> str:
    return _("{person} (address switched off)", person=member.name) if member.off else member.name


def _radios(id: str, name: str, offered: Sequence[tuple[str, str]], *, value: str | None = None) -> Component:
    choices = [dmc.Radio(label=words, value=key) for key, words in offered]
    return dmc.RadioGroup(html.Div(choices, className="radios"), id=id, label=name, value=value, className="field")


def _date(id: str, name: str, day: date) -> Component:
    return html.Div(
        [html.Label(name, htmlFor=id), dcc.Input(type="date", id=id, value=day.isoformat())], className="field"
    )


def _number(id: str, name: str, value: str) -> Component:
    return html.Div(
        [html.Label(name, htmlFor=id), dcc.Input(type="text", inputMode="numeric", id=id, value=value, maxLength=2)],
        className="field",
    )
