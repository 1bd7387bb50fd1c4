"""The burden of the rules, and the rules a team has muted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from clinical.rules.registry import registered
from dashboard.language import _, marked, whole
from dashboard.parts import rows
from dashboard.parts.decision_words import REASON_WORDS
from dashboard.parts.rows import cell, link, row, table
from dashboard.parts.times import Clock, moment_text
from data.burden import Burden
from data.mutes import LONGEST_REASON, Mute
from data.withheld import NEVER

DAYS = (7, 30, 90)
"""For how long a rule can be muted, in days; the last is the longest the data allow."""


def burden_table(found: Sequence[Burden]) -> Component:
    """By rule and team how many flags, what was done and how soon."""
    if not found:
        return html.P(_("No flag was opened in this span."), className="empty")
    heads = [
        *(_("Rule"), _("Team"), _("Flags"), _("Per patient and month"), _("Acted on"), _("Does not apply")),
        *(_("Nobody took it"), _("Acknowledged: median"), _("Nine in ten within")),
    ]
    made = [
        row(
            [
                cell(link(one.rule, f"/protocol/{one.rule}"), heads=True, sort=one.rule),
                cell(one.team, name=heads[1]),
                cell(whole(one.opened), css="number", sort=one.opened, name=heads[2]),
                cell(_rate(one.per_month), css="number", sort=one.per_month or 0, name=heads[3]),
                cell(_share(one.acted_on, one.opened), css="number", sort=one.acted_on / one.opened, name=heads[4]),
                cell(
                    _share(one.set_aside, one.opened),
                    *_reasons(one.reasons),
                    sort=one.set_aside / one.opened,
                    name=heads[5],
                ),
                cell(_share(one.untouched, one.opened), css="number", sort=one.untouched / one.opened, name=heads[6]),
                cell(_span(one.median), css="number", sort=_seconds(one.median), name=heads[7]),
                cell(_span(one.ninth), css="number", sort=_seconds(one.ninth), name=heads[8]),
            ]
        )
        for one in found
    ]
    return table("protocol-burden", heads, made, caption=_("Burden by rule and team"), css="dense stacking", sorts=True)


def _rate(per_month: float | None) -> str:
    if per_month is None:
        return _("too short")
    return marked(f"{per_month:.2g}" if per_month < 1 else f"{per_month:.1f}")


def _share(part: int, of: int) -> str:
    return f"{whole(part)} ({round(100 * part / of)} %)"


def _reasons(reasons: Mapping[str, int]) -> list[rows.Part]:
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    return [rows.below(f"{_(REASON_WORDS[reason])}: {whole(count)}") for reason, count in ordered]


def _seconds(span: timedelta | None) -> float:
    return -1 if span is None else span.total_seconds()


def _span(span: timedelta | None) -> str:
    if span is None:
        return _("nobody yet")
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return _("{n} min", n=minutes)
    if minutes < 48 * 60:
        return _("{n} h", n=marked(f"{minutes / 60:.1f}"))
    return _("{n} d", n=marked(f"{minutes / 1440:.1f}"))


def mute_panel(mutes: Sequence[Mute], teams: Mapping[int, str], *, may: bool, clock: Clock) -> list[Component | None]:
    """The mutes that stand, those that are over, and the form for another one."""
    standing = [mute for mute in mutes if mute.standing]
    over = [mute for mute in mutes if not mute.standing]
    return [
        html.Section(
            [
                html.Header(html.H2(_("Muted now"))),
                html.P(
                    _(
                        "Flags of a muted rule open and stand as ever; only their mails are held back from the team. "
                        "Urgent flags are always told. When a mute is over, what nobody has seen is told."
                    ),
                    className="soft",
                ),
                html.Ul([_mute(one, clock) for one in standing], className="plain-list draft-changes")
                if standing
                else html.P(_("No rule is muted."), className="soft"),
            ],
            className="card",
        ),
        _ending(own) if (own := [mute for mute in standing if mute.own]) else None,
        _form(teams) if may and teams else None,
        _over(over, clock) if over else None,
    ]


def _mute(one: Mute, clock: Clock) -> Component:
    said = _("{rule} for {team}, until {at}", rule=one.rule, team=one.team, at=moment_text(one.until, clock.zone))
    by = _("since {at}, by {who}", at=moment_text(one.since, clock.zone), who=one.who)
    return html.Li([html.Strong(said), html.Div(one.reason), html.Div(by, className="soft small")])


def _ending(own: Sequence[Mute]) -> Component:
    offered = [(str(one.id), _("{rule} for {team}", rule=one.rule, team=one.team)) for one in own]
    return html.Details(
        [
            html.Summary(_("End a mute before its time")),
            _radios("mute-ended", _("Which (required)"), offered, offered[0][0] if len(offered) == 1 else None),
            _words("mute-end-why", _("Why it ends now (required)")),
            html.Button(_("End it now"), id="mute-end", type="button", className="button"),
        ],
        className="card stacked no-print protocol-form",
    )


def _words(id: str, name: str) -> Component:
    return html.Div(
        [html.Label(name, htmlFor=id), dcc.Textarea(id=id, required=True, maxLength=LONGEST_REASON)], className="field"
    )


def _form(teams: Mapping[int, str]) -> Component:
    rules = [
        html.Option(f"{rule.id} {rule.axis}", value=rule.id)
        for rule in registered()
        if not set(rule.severities) <= NEVER
    ]
    chosen = str(next(iter(teams))) if len(teams) == 1 else None
    return html.Section(
        [
            html.Header(html.H2(_("Mute a rule"))),
            html.Div(
                [
                    html.Label(_("Rule, for instance R18 (required)"), htmlFor="mute-rule"),
                    dcc.Input(
                        id="mute-rule", type="text", list="mute-rules", value="", maxLength=10, autoComplete="off"
                    ),
                    html.Datalist(rules, id="mute-rules"),
                ],
                className="field short",
            ),
            _radios("mute-team", _("Team (required)"), [(str(id), name) for id, name in teams.items()], chosen),
            _radios("mute-days", _("For how long (required)"), [(str(n), _("{n} days", n=n)) for n in DAYS], None),
            _words("mute-why", _("Why (required)")),
            html.Button(_("Mute"), id="mute-make", type="button", className="button primary"),
        ],
        className="card stacked no-print protocol-form",
    )


def _radios(id: str, name: str, offered: Sequence[tuple[str, str]], chosen: str | None) -> Component:
    choices = [dmc.Radio(label=words, value=value) for value, words in offered]
    return dmc.RadioGroup(html.Div(choices, className="radios"), id=id, label=name, value=chosen, className="field")


def _over(mutes: Sequence[Mute], clock: Clock) -> Component:
    heads = [_("Rule"), _("Team"), _("Muted"), _("Why"), _("Who")]
    made = [
        row(
            [
                cell(one.rule, heads=True),
                cell(one.team, name=heads[1]),
                cell(f"{moment_text(one.since, clock.zone)} - {moment_text(one.ended_at or one.until, clock.zone)}"),
                cell(one.reason, css="words", name=heads[3]),
                cell(one.who, *([rows.below(_("ended by {who}", who=one.ended_by))] if one.ended_by else [])),
            ]
        )
        for one in mutes
    ]
    return html.Section(
        [
            html.Header(html.H2(_("Over"))),
            table("mutes-over", heads, made, caption=_("Mutes that are over"), css="dense stacking"),
        ],
        className="card",
    )
