"""The draft of the protocol: what it changes, its trial on everybody, what that found, and putting it in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import ENGLISH, _, counted, tell, whole
from dashboard.parts import rows
from dashboard.parts.coded import threshold_name
from dashboard.parts.protocol_words import WHAT_WORDS, value_text
from dashboard.parts.rows import cell, link, row, table
from dashboard.parts.step_up import proof
from dashboard.parts.times import Clock, moment_text
from data.models import ProtocolDraft
from data.protocol.drafts import why_not_activated
from data.protocol.in_force import Standing
from data.protocol.trials import TrialList

PASSWORD = "protocol-password"  # noqa: S105  # nosec B105
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Drafting:
    """The standing draft with what its trial found for the reader, the protocol in force, and who reads."""

    draft: ProtocolDraft | None
    found: TrialList | None
    standing: Standing
    may: bool
    proved_at: datetime | None


def draft_panel(drafting: Drafting, clock: Clock) -> list[Component | None]:
    """All of it, in the order in which it is worked through."""
    draft = drafting.draft
    if draft is None:
        said = _("No change is proposed. A change begins on the page of its rule.")
        return [html.P(said, className="card empty")]
    return [
        _changes(draft, drafting, clock),
        _trial(draft, drafting, clock),
        _found(drafting.found, draft) if draft.outcome is not None and drafting.found is not None else None,
        _activation(draft, drafting, clock) if drafting.may else None,
        _less(draft) if drafting.may else None,
    ]


def _changes(draft: ProtocolDraft, drafting: Drafting, clock: Clock) -> Component:
    items = [_changed(name, change, drafting, clock) for name, change in sorted(draft.changes.items())]
    opened = _("begun by {who} on {at}", who=draft.opened_by, at=moment_text(draft.opened_at, clock.zone))
    return html.Section(
        [
            html.Header([html.H2(_("What would change")), html.Span(opened, className="soft small")]),
            html.Ul(items, className="plain-list draft-changes"),
        ],
        className="card",
    )


def _changed(name: str, change: Mapping[str, Any], drafting: Drafting, clock: Clock) -> Component:
    threshold = drafting.standing.threshold(name)
    when = moment_text(datetime.fromisoformat(change["at"]), clock.zone)
    old, new = value_text(threshold.value, threshold.unit), value_text(change["value"], threshold.unit)
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(threshold_name(name)),
                    html.Span([html.Span(old, className="soft"), " → ", html.B(new)], className="old-new"),
                ]
            ),
            html.Div(_("Why: {why}", why=change["reason"])),
            html.Div(_("Source: {source}", source=change["source"]), className="soft"),
            html.Div(_("proposed by {who} on {at}", who=change["who"], at=when), className="soft small"),
        ]
    )


def _trial(draft: ProtocolDraft, drafting: Drafting, clock: Clock) -> Component:
    body: list[Component] = [
        html.P(
            _(
                "Every patient is judged under the protocol in force and under the draft, on all that is recorded. "
                "Nothing is written to any patient, and nobody is told."
            ),
            className="soft",
        )
    ]
    if draft.state == "trying":
        body.append(_progress(draft))
    elif draft.state == "broken":
        why = html.Span(draft.why, lang=ENGLISH)
        body.append(html.P([html.Strong(_("The trial broke off.") + " "), why], className="error"))
    elif draft.outcome is not None and draft.tried_at is not None:
        body.append(_outcome(draft.outcome, moment_text(draft.tried_at, clock.zone)))
    if drafting.may and draft.state != "trying":
        word = _("Try it on everybody") if draft.outcome is None else _("Try it again")
        body.append(
            html.Button(
                word,
                id="protocol-try",
                type="button",
                className="button primary no-print" if draft.outcome is None else "button no-print",
            )
        )
    return html.Section([html.Header(html.H2(_("Trial on all past data"))), *body], className="card stacked")


def _progress(draft: ProtocolDraft) -> Component:
    progress = draft.progress or {}
    done, all = int(progress.get("done", 0)), progress.get("of")
    said = _("Waiting for a process.") if all is None else _("{n} of {all} patients.", n=whole(done), all=whole(all))
    more = " " + _("You can leave this page; it goes on.")
    bar = html.Progress(
        value=str(done), max=str(all or 1), className="trial-bar", **{"aria-label": _("Patients tried")}
    )
    return html.Div(
        [html.Span(className="busy", **{"aria-hidden": "true"}), html.Span(said + more), bar], className="working"
    )


def _outcome(outcome: Mapping[str, Any], at: str) -> Component:
    facts = [
        (_("Flags that would open"), outcome["opens"]),
        (_("Flags that would no longer stand"), outcome["ends"]),
        (_("Flags of another severity"), outcome["severity"]),
        (_("Patients judged"), outcome["patients"]),
    ]
    parts: list[Component] = [
        html.P(_("Tried on {at}.", at=at), className="soft small"),
        html.Dl(
            [html.Div([html.Dt(name), html.Dd(whole(count))], className="card") for name, count in facts],
            className="strip",
        ),
    ]
    if outcome["failed"]:
        said = counted(
            "{n} patient cannot be judged under either protocol.",
            "{n} patients cannot be judged under either protocol.",
            outcome["failed"],
        )
        parts.append(html.P(said, className="notice"))
    return html.Div(parts, className="stacked")


def _found(found: TrialList, draft: ProtocolDraft) -> Component:
    own, all = sum(found.own.values()), sum(found.all.values())
    hidden = all - own
    said = counted("{n} change for patients you follow.", "{n} changes for patients you follow.", own)
    if hidden:
        said += " " + counted(
            "{n} more for a patient you do not follow.", "{n} more for patients you do not follow.", hidden
        )
    if own > len(found.listed):
        said += " " + _("The first {n} are listed.", n=whole(len(found.listed)))
    heads = [_("What"), _("Patient"), _("Rule"), _("Severity"), _("Why")]
    made = [
        row(
            [
                cell(_(WHAT_WORDS[change.what])),
                cell(
                    link(change.patient_name or _("Name not recorded"), f"/p/{quote(change.mrn, safe='')}"),
                    rows.below(change.mrn),
                    heads=True,
                ),
                cell(change.rule, name=heads[2]),
                cell(*_severities(change.severity, change.instead_of), name=heads[3]),
                cell(tell(change.why), css="words", name=heads[4]),
            ]
        )
        for change in found.listed
    ]
    body = (
        table(f"protocol-trial-{draft.attempt}", heads, made, caption=_("What the trial found"), css="dense stacking")
        if made
        else None
    )
    return html.Section(
        [html.Header([html.H2(_("For whom")), html.Span(said, className="soft small")]), body], className="card"
    )


def _severities(now: str, before: str | None) -> list[rows.Part]:
    if before is None:
        return [rows.severity(now)]
    return [rows.severity(before), " → ", rows.severity(now)]


def _activation(draft: ProtocolDraft, drafting: Drafting, clock: Clock) -> Component:
    refused = why_not_activated(draft, drafting.standing, clock.now)
    head = html.Header(html.H2(_("Put in force")))
    if refused is not None:
        said = _("It cannot be put in force yet: {why}.", why=tell(refused))
        return html.Section([head, html.P(said, className="soft")], className="card")
    return html.Section(
        [
            head,
            html.P(
                _(
                    "Every patient is then judged anew by the next sweeps, flags open and are told as usual, and each "
                    "changed value stands unsigned until an oncologist signs it."
                ),
                className="soft",
            ),
            _words("protocol-why", _("Why it is put in force (required)")),
            html.Div(proof(drafting.proved_at, clock, id=PASSWORD), id="protocol-proof"),
            html.Button(_("Put in force"), id="protocol-activate", type="button", className="button primary"),
        ],
        className="card stacked no-print",
    )


def _less(draft: ProtocolDraft) -> Component:
    names = [dmc.Radio(label=threshold_name(name), value=name) for name in sorted(draft.changes)]
    one = [
        dmc.RadioGroup(
            html.Div(names, className="radios"), id="protocol-drop-name", label=_("Change"), className="field"
        ),
        html.Button(_("Take out of the draft"), id="protocol-drop", type="button", className="button"),
    ]
    return html.Details(
        [
            html.Summary(_("Take a change out, or withdraw the draft")),
            html.Div(one, className="stacked", hidden=len(names) < 2),
            _words("protocol-withdraw-why", _("Why it is withdrawn (required)")),
            html.Button(_("Withdraw the draft"), id="protocol-withdraw", type="button", className="button"),
        ],
        className="card stacked no-print",
    )


def _words(id: str, name: str) -> Component:
    return html.Div(
        [html.Label(name, htmlFor=id), dcc.Textarea(id=id, required=True, maxLength=LONGEST)], className="field"
    )
