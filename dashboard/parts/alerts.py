"""How a person is told, as they read and choose it: severities of each team, quiet hours, zone, and their address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import available_timezones

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, message
from dashboard.parts.badges import severity
from dashboard.parts.times import Clock, moment_text
from data.duty_tests import Unanswered
from data.mail_choices import OFFERED, Choices

WAY_WORDS = {
    "on-call": message("only while I am on call"),
    "at-once": message("always at once"),
    "digest": message("in the daily digest"),
    "off": message("not by mail"),
}
MEANS: Mapping[str, str] = {
    "urgent": message("Same day. Goes out at any hour; it cannot be switched off for who is on call."),
    "high": message("Three working days. Waits for the end of your quiet hours, never longer than {n} hours."),
    "medium": message("Fourteen days. At most {n} mails an hour; further ones are counted in one."),
}


def choices_form(choices: Choices, role: str, *, site: str, held_hours: int, an_hour: int) -> Component:
    """The form of a clinician's choices."""
    numbers = {"high": held_hours, "medium": an_hour}
    start, end = choices.quiet or ("", "")
    return html.Div(
        [
            *(_team(team_id, name, choices, role, numbers) for team_id, name in choices.teams),
            html.Fieldset(
                [
                    html.Legend(_("Quiet hours")),
                    html.P(
                        _("Nothing but urgent alerts and technical alarms reaches you then. Both empty: none."),
                        className="soft small",
                    ),
                    html.Div(
                        [
                            _time("me-quiet-from", _("From"), start),
                            _time("me-quiet-to", _("To"), end),
                            html.Div(
                                [
                                    html.Label(_("Your time zone"), htmlFor="me-zone"),
                                    dcc.Input(
                                        id="me-zone",
                                        type="text",
                                        list="me-zones",
                                        value=choices.zone or "",
                                        placeholder=site,
                                        autoComplete="off",
                                        maxLength=64,
                                    ),
                                    html.Datalist(
                                        [
                                            html.Option(value=zone)
                                            for zone in sorted(available_timezones())
                                            if "/" in zone
                                        ],
                                        id="me-zones",
                                    ),
                                ],
                                className="field",
                            ),
                        ],
                        className="me-times",
                    ),
                    html.P(
                        _("Without a zone of your own the site's holds: {zone}.", zone=site), className="soft small"
                    ),
                ],
                className="me-group",
            ),
            html.Button(_("Save my alerts"), id="me-save", type="button", className="button primary"),
        ],
        className="stacked",
    )


def address_state(choices: Choices, email: str, clock: Clock) -> Component:
    """Whether mails go to this person's address, and if not since when and why."""
    if choices.off_at is None:
        return html.P(_("Mails go to {address}.", address=email))
    return html.P(
        [
            html.Strong(_("Your address is switched off.") + " "),
            _(
                "The mail server refused {address} for good on {at}: {why}. Nothing but test mails is sent to you, and "
                "others are told in your place. Have the address mended, then send a test mail: when it arrives, your "
                "address is switched on again.",
                address=email,
                at=moment_text(choices.off_at, clock.zone),
                why=choices.off_why or "",
            ),
        ],
        className="error",
    )


def waiting_tests_card(waiting: Sequence[Unanswered], clock: Clock) -> Component | None:
    """The weekly test alerts that wait for an answer; nothing where none does."""
    if not waiting:
        return None
    return html.Section(
        [
            html.Header(html.H2(_("Test alert"))),
            html.P(
                _(
                    "You are on call, and this is the weekly test of the way an alert takes to you. It was sent on "
                    "{at}. There is nothing to review.",
                    at=moment_text(waiting[-1].sent_at, clock.zone),
                )
            ),
            html.Button(
                _("Acknowledge the test alert"), id="me-acknowledge", type="button", className="button primary"
            ),
        ],
        className="card stacked",
    )


def _team(team_id: int, name: str, choices: Choices, role: str, numbers: Mapping[str, int]) -> Component:
    return html.Fieldset(
        [
            html.Legend(_("Patients of {team}", team=name)),
            *(
                _severity(team_id, kind, ways, choices.how[team_id, kind], role, numbers.get(kind, 0))
                for kind, ways in OFFERED[role].items()
            ),
        ],
        className="me-group",
    )


def _severity(team_id: int, kind: str, ways: Sequence[str], chosen: str, role: str, number: int) -> Component:
    words = WAY_WORDS if role != "nurse" else {**WAY_WORDS, "on-call": WAY_WORDS["off"]}
    return dmc.RadioGroup(
        html.Div([dmc.Radio(label=_(words[way]), value=way) for way in ways], className="radios"),
        id={"type": "me-how", "team": team_id, "severity": kind},
        label=severity(kind),
        description=_(MEANS[kind], n=number),
        value=chosen,
        className="field",
    )


def _time(id: str, name: str, value: str) -> Component:
    return html.Div([html.Label(name, htmlFor=id), dcc.Input(id=id, type="time", value=value)], className="field")
