"""Parts of the audit page: the rows, who saw a patient's record, and taking rows out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, counted, message, whole
from dashboard.parts.audit_asking import hidden
from dashboard.parts.operations import ROLE_WORDS
from dashboard.parts.rows import Part, below, cell, row, span, table
from dashboard.parts.times import Clock, day_text, moment_text
from data.audit_search import Asked, Line, Looker

EXPORT_PATH = "/audit/export"
LONGEST_NUMBER = 15
OUTCOMES = {"denied": message("refused"), "failed": message("failed")}
HEADS = (message("When"), message("Who"), message("What"), message("Patient"), message("From"))
WHO_HEADS = (
    message("Who"),
    message("Looked"),
    message("Took out"),
    message("Other acts"),
    message("Refused"),
    message("First"),
    message("Last"),
)


def lines_card(lines: Sequence[Line], clock: Clock) -> Component:
    """The rows of one page."""
    said = counted("{n} row", "{n} rows", len(lines))
    if not lines:
        return html.Section(html.P(_("No row is like that."), className="empty"), className="card")
    made = table(
        "audit-table",
        [_(head) for head in HEADS],
        [_line(line, clock) for line in lines],
        caption=_("Rows of the audit trail"),
        css="dense stacking audit",
    )
    return html.Section([html.P(said, role="status", className="soft small"), made], className="card")


def who_saw_card(mrn: str, who: Sequence[Looker], clock: Clock) -> Component:
    """Everybody who has to do with the record of one patient, as far as the trail goes back."""
    title = _("Who saw the record of {mrn}", mrn=mrn)
    if not who:
        return html.Section(
            [html.Header(html.H2(title)), html.P(_("No row is about a patient of this number."), className="soft")],
            className="card stacked",
        )
    people = sum(one.role != "system" for one in who)
    made = table(
        "audit-who",
        [_(head) for head in WHO_HEADS],
        [_looker(one, clock.zone) for one in who],
        caption=title,
        css="dense stacking",
    )
    return html.Section(
        [
            html.Header(
                [html.H2(title), html.Span(counted("{n} person", "{n} people", people), className="soft small")]
            ),
            made,
        ],
        className="card stacked",
        id="audit-who-saw",
    )


def export_card(asked: Asked, *, whole: bool) -> Component:
    """The way to take the rows of this search out as a file, signed with the password."""
    which = _("All rows of the trail.") if whole else _("All rows of this search, on all its pages.")
    return html.Form(
        [
            html.Header(html.H2(_("Take out as CSV"))),
            html.P(which + " " + _("The export is a row of the trail too."), className="soft"),
            *hidden(asked),
            html.Div(
                [
                    html.Label(_("Your password, which signs it (required)"), htmlFor="audit-password"),
                    dcc.Input(
                        id="audit-password",
                        name="password",
                        type="password",
                        value="",
                        autoComplete="current-password",
                        maxLength=1024,
                    ),
                ],
                className="field audit-proof",
            ),
            html.Button(_("Take out as CSV"), type="submit", className="button"),
        ],
        action=EXPORT_PATH,
        method="POST",
        className="card stacked no-print",
    )


def _line(line: Line, clock: Clock) -> dict[str, Any]:
    what: list[Part] = [span(line.action, "code")]
    if line.outcome != "ok":
        what += [" ", span(_(OUTCOMES.get(line.outcome, line.outcome)), "pill audit-refused")]
    if line.object:
        what.append(below(line.object))
    if line.reason:
        what.append(below(_("Reason: {reason}", reason=line.reason)))
    if line.detail and line.detail.get("emergency"):
        what.append(span(_("emergency access"), "pill"))
    said = _seconds(line.at, clock.zone)
    about = line.patient or (_("a patient") if line.about else "")
    return row(
        [
            cell(said, below(_("row {n}", n=whole(line.seq))), heads=True),
            cell(line.actor, below(_role(line.role)), name=_(HEADS[1])),
            cell(*what, name=_(HEADS[2])),
            cell(about, name=_(HEADS[3]) if about else None),
            cell(line.source or "", name=_(HEADS[4]) if line.source else None),
        ]
    )


def _looker(one: Looker, zone: ZoneInfo) -> dict[str, Any]:
    who: list[Part] = [one.name or one.actor, below(f"{one.actor}, {_role(one.role)}" if one.name else _role(one.role))]
    if one.emergency:
        who.append(span(_("emergency access"), "pill"))
    counts = (one.looked, one.taken, one.acted, one.denied)
    return row(
        [
            cell(*who, heads=True),
            *(cell(whole(n), name=_(head)) for n, head in zip(counts, WHO_HEADS[1:5], strict=True)),
            cell(moment_text(one.first, zone), css="when", name=_(WHO_HEADS[5])),
            cell(moment_text(one.last, zone), css="when", name=_(WHO_HEADS[6])),
        ]
    )


def _role(role: str) -> str:
    return _(ROLE_WORDS[role]) if role in ROLE_WORDS else _("the system")


def _seconds(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{day_text(local)} {local:%H:%M:%S} {local.tzname()}"
