"""What a person can do with a flag: take it, decide, hand it over, put it aside, print what the next visit needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, counted
from dashboard.parts.badges import STATUS_WORDS
from dashboard.parts.decision_words import DECISION_WORDS, REASON_WORDS, ROLE_WORDS
from dashboard.parts.entry_links import regimen_address, visit_address
from dashboard.parts.step_up import proof
from dashboard.parts.times import Clock, moment_text
from data.assigning import Colleague
from data.decisions import DECIDERS, KINDS, LONGEST, REASONS
from data.flag_moves import CLOSED, MOVES
from data.trends import Identity

PASSWORD = "flag-password"  # noqa: S105  # nosec B105
_HOURS, _DAYS = timedelta(hours=1), timedelta(days=1)
SNOOZES = {
    "urgent": (_HOURS, 2 * _HOURS, 4 * _HOURS),
    "high": (_DAYS, 2 * _DAYS, 3 * _DAYS),
    "medium": (3 * _DAYS, 7 * _DAYS, 14 * _DAYS, 30 * _DAYS),
    "low": (14 * _DAYS, 30 * _DAYS, 90 * _DAYS, 180 * _DAYS),
    "info": (14 * _DAYS, 30 * _DAYS, 90 * _DAYS, 180 * _DAYS),
}
"""What is offered by severity; the last is the longest the data allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who acts on whose flag: the actor's role, who else follows the patient, and when the password was last typed."""

    flag: Mapping[str, Any]
    who: Identity
    role: str
    colleagues: Sequence[Colleague]
    proved_at: datetime | None

    @property
    def named(self) -> str:
        """The patient as the buttons name them."""
        return f"{self.who.name or _('name not recorded')} ({self.who.mrn})"


def visit_list_address(flag_id: str) -> str:
    """Where the list for the next visit is."""
    return f"/flag/{flag_id}/visit"


def actions(acting: Acting, clock: Clock) -> list[Component]:
    """The forms the flag's status and the actor's role leave, each with its own button."""
    flag = acting.flag
    if flag["status"] in CLOSED:
        closed = _("This flag is {status}; its history is below.", status=_(STATUS_WORDS[flag["status"]]).lower())
        return [html.P(closed, className="soft"), _acknowledge(acting), _links(acting)]
    return [
        _acknowledge(acting),
        _decide(acting, clock),
        _hand_over(acting),
        _put_aside(acting, clock),
        _links(acting),
    ]


def _acknowledge(acting: Acting) -> Component:
    return html.Form(
        [
            html.H3(_("Acknowledge")),
            html.P(_("You take the question on; its alert mails stop."), className="soft"),
            _why("flag-why", _("Why, or what you will do (required)")),
            _button("flag-acknowledge", _("Acknowledge for {patient}", patient=acting.named), primary=True),
        ],
        id="flag-form",
        hidden=acting.flag["status"] not in MOVES["acknowledge"].sources,
    )


def _decide(acting: Acting, clock: Clock) -> Component:
    if acting.role not in DECIDERS:
        note = _("Oncologists of the team record what is decided. You can take the flag, hand it over or put it aside.")
        return html.Section([html.H3(_("Decide")), html.P(note, className="soft")], className="flag-part")
    return html.Form(
        [
            html.H3(_("Decide")),
            html.P(
                _(
                    "Nadir records what you decide and proposes nothing. No regimen changes by it: that is entered in "
                    "the regimen. To investigate or to refer leaves the flag in review; every other decision closes it."
                ),
                className="soft",
            ),
            _radios("flag-decision", _("Decision (required)"), [(kind, _(DECISION_WORDS[kind])) for kind in KINDS]),
            html.Div(
                _radios(
                    "flag-reason",
                    _("Why it does not apply (required)"),
                    [(reason, _(REASON_WORDS[reason])) for reason in REASONS],
                ),
                className="override-reasons",
            ),
            _why("flag-rationale", _("Rationale (required)"), most=LONGEST),
            html.Div(proof(acting.proved_at, clock, id=PASSWORD), id="flag-proof"),
            dcc.Store(id="flag-key", data=str(uuid4())),
            _button("flag-decide", _("Record the decision for {patient}", patient=acting.named), primary=True),
        ],
        id="flag-decide-form",
        className="flag-part",
    )


def _hand_over(acting: Acting) -> Component:
    people = [(str(one.id), f"{one.name}, {_(ROLE_WORDS[one.role])}") for one in acting.colleagues]
    if not people:
        form: Component = html.P(_("Nobody else follows this patient."), className="soft")
    else:
        form = html.Form(
            [
                html.P(
                    _("The flag stands open until they take it; they are told by mail if its severity tells anybody."),
                    className="soft",
                ),
                _radios("flag-to", _("To whom (required)"), people),
                _why("flag-hand-why", _("Why, or what they are asked (required)")),
                _button("flag-assign", _("Hand over for {patient}", patient=acting.named)),
            ],
        )
    return html.Details([html.Summary(_("Hand over to somebody else")), form], className="flag-part")


def _put_aside(acting: Acting, clock: Clock) -> Component | None:
    flag = acting.flag
    if flag["status"] not in MOVES["snooze"].sources:
        return None
    lengths = SNOOZES[flag["severity"]]
    offered = [
        (
            str(int(length.total_seconds() // 60)),
            _("{span}, until {at}", span=span_words(length), at=moment_text(clock.now + length, clock.zone)),
        )
        for length in lengths
    ]
    return html.Details(
        [
            html.Summary(_("Put aside for a time")),
            html.Form(
                [
                    html.P(
                        _(
                            "It comes back by itself, and at once when the evidence grows worse. At this severity no "
                            "longer than {span}.",
                            span=span_words(lengths[-1]),
                        ),
                        className="soft",
                    ),
                    _radios("flag-until", _("For how long, from when you press the button (required)"), offered),
                    _why("flag-snooze-why", _("Why it can wait (required)")),
                    _button("flag-snooze", _("Put aside for {patient}", patient=acting.named)),
                ],
            ),
        ],
        className="flag-part",
    )


def _links(acting: Acting) -> Component:
    mrn = acting.who.mrn
    return html.Ul(
        [
            html.Li(dcc.Link(_("List for the next visit, to print"), href=visit_list_address(acting.flag["id"]))),
            html.Li(dcc.Link(_("Enter a visit"), href=visit_address(mrn))),
            html.Li(dcc.Link(_("Enter a change of the regimen"), href=regimen_address(mrn))),
        ],
        className="plain-list flag-part",
    )


def span_words(length: timedelta) -> str:
    """`4 hours`, `3 days`"""
    if length.days:
        return counted("{n} day", "{n} days", length.days)
    return counted("{n} hour", "{n} hours", length.seconds // 3600)


def _radios(id: str, name: str, offered: Sequence[tuple[str, str]]) -> Component:
    choices = [dmc.Radio(label=words, value=value) for value, words in offered]
    return dmc.RadioGroup(html.Div(choices, className="radios"), id=id, label=name, className="field")


def _why(id: str, name: str, *, most: int = 2000) -> Component:
    return html.Div(
        [html.Label(name, htmlFor=id), dcc.Textarea(id=id, required=True, maxLength=most)],
        className="field",
    )


def _button(id: str, words: str, *, primary: bool = False) -> Component:
    return html.Button(words, id=id, type="button", className="button primary" if primary else "button")
