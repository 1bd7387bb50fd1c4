"""One rule of the protocol: its thresholds with source and sign-off, signing them, proposing another value."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import ENGLISH, _, tell, told_in
from dashboard.parts.badges import AXIS_WORDS, severity
from dashboard.parts.coded import threshold_name
from dashboard.parts.protocol_draft import LONGEST, Drafting
from dashboard.parts.protocol_words import bundled, rule_of, rule_thresholds, shipped_text, signed_mark, value_text
from dashboard.parts.quantities import unit_text
from dashboard.parts.step_up import proof
from dashboard.parts.times import Clock

SIGN_PASSWORD = "protocol-sign-password"  # noqa: S105  # nosec B105


def rule_words(id: str) -> Component:
    """What a rule is for: when it is raised, what it asks, how grave it can be."""
    rule = rule_of(id)
    if rule is None:
        said = _(
            "Thresholds that belong to no single rule: what a form asks about, when checks are due, what counts as "
            "comparable or current."
        )
        return html.P(said, className="soft")
    return html.Section(
        [
            html.Div(
                [
                    *(severity(name) for name in rule.severities),
                    html.Span(_(AXIS_WORDS[rule.axis])),
                    html.Span(_("version {version}", version=rule.version)),
                ],
                className="flag-head",
            ),
            html.P(rule.trigger, lang=ENGLISH, className="trigger"),
            html.P(tell(rule.question), lang=told_in(rule.question), className="question"),
        ],
        className="card flag-question",
    )


def rule_panel(id: str, drafting: Drafting, clock: Clock) -> list[Component | None]:
    """The thresholds of a rule, or under `other` those no rule names, and what an oncologist does with them."""
    names = rule_thresholds(id) or ()
    if not names:
        return [html.P(_("This rule applies no threshold."), className="card empty")]
    unsigned = [name for name in names if name not in drafting.standing.signatures]
    return [
        _table(names, drafting, clock),
        _signing(unsigned, drafting, clock) if drafting.may and unsigned else None,
        _proposing([name for name in names if not drafting.standing.threshold(name).fixed], drafting)
        if drafting.may
        else None,
    ]


def _table(names: Sequence[str], drafting: Drafting, clock: Clock) -> Component:
    heads = (_("Threshold"), _("Value"), _("Source"), _("Sign-off"))
    lines = [_row(name, drafting, clock, heads) for name in names]
    return html.Section(
        [
            html.Header(html.H2(_("Thresholds"))),
            html.Div(
                html.Table(
                    [
                        html.Caption(_("Thresholds"), className="visually-hidden"),
                        html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                        html.Tbody(lines),
                    ],
                    className="dense stacking",
                ),
                className="table-frame",
                tabIndex=0,
                role="group",
                **{"aria-label": _("Thresholds")},
            ),
        ],
        className="card",
    )


def _row(name: str, drafting: Drafting, clock: Clock, heads: Sequence[str]) -> Component:
    standing, draft = drafting.standing, drafting.draft
    threshold, set_by = standing.threshold(name), standing.activations.get(name)
    value: list[str | Component] = [html.B(value_text(threshold.value, threshold.unit))]
    shipped = shipped_text(threshold, bundled(standing.protocol))
    if shipped is not None:
        by = _("set by the file of this installation") if set_by is None else _("set by {who}", who=set_by.who)
        value.append(html.Span(f"{shipped}; {by}", className="age overridden"))
    if draft is not None and name in draft.changes:
        proposed = value_text(draft.changes[name]["value"], threshold.unit)
        value.append(html.Span(_("in the draft: {value}", value=proposed), className="age"))
    if threshold.fixed:
        value.append(html.Span(_("part of a published definition"), className="age"))
    return html.Tr(
        [
            html.Th([threshold_name(name), html.Span(threshold.meaning, className="age", lang=ENGLISH)], scope="row"),
            html.Td(value, className="value", **{"data-name": heads[1]}),
            html.Td(threshold.source, lang=ENGLISH, className="words", **{"data-name": heads[2]}),
            html.Td(signed_mark(standing, name, clock), **{"data-name": heads[3]}),
        ]
    )


def _signing(names: Sequence[str], drafting: Drafting, clock: Clock) -> Component:
    standing = drafting.standing
    choices = [
        dmc.Checkbox(
            label=f"{threshold_name(name)}: {_value(drafting, name)}",
            value=name,
        )
        for name in names
    ]
    return html.Section(
        [
            html.Header(html.H2(_("Sign off"))),
            html.P(
                _(
                    "You say with your name that this site may judge its patients by these values. It holds for the "
                    "value that stands here; another one is signed anew."
                ),
                className="soft",
            ),
            dmc.CheckboxGroup(
                html.Div(choices, className="radios"),
                id="protocol-signed",
                label=_("What you sign (required)"),
                value=[],
                className="field",
            ),
            html.Div(proof(drafting.proved_at, clock, id=SIGN_PASSWORD), id="protocol-sign-proof"),
            dcc.Store(id="protocol-version", data=standing.protocol.version),
            html.Button(_("Sign off"), id="protocol-sign", type="button", className="button primary"),
        ],
        className="card stacked no-print protocol-form",
    )


def _value(drafting: Drafting, name: str) -> str:
    threshold = drafting.standing.threshold(name)
    return value_text(threshold.value, threshold.unit)


def _unit(drafting: Drafting, name: str) -> str:
    return unit_text(drafting.standing.threshold(name).unit) or _("a ratio or a count")


def _proposing(names: Sequence[str], drafting: Drafting) -> Component | None:
    if not names:
        return None
    choices = [dmc.Radio(label=f"{threshold_name(name)} ({_unit(drafting, name)})", value=name) for name in names]
    return html.Details(
        [
            html.Summary(_("Propose another value")),
            html.P(
                _(
                    "It becomes part of the draft. Nothing changes until the draft was tried on everybody and put in "
                    "force."
                ),
                className="soft",
            ),
            dmc.RadioGroup(
                html.Div(choices, className="radios"),
                id="protocol-name",
                label=_("Threshold (required)"),
                value=names[0] if len(names) == 1 else None,
                className="field",
            ),
            html.Div(
                [
                    html.Label(_("New value, in the unit of the threshold (required)"), htmlFor="protocol-value"),
                    dcc.Input(id="protocol-value", type="text", inputMode="decimal", value="", maxLength=20),
                ],
                className="field short",
            ),
            _words("protocol-source", _("Source: a publication, your own data (required)")),
            _words("protocol-reason", _("Why this site needs it (required)")),
            html.Button(_("Put it into the draft"), id="protocol-propose", type="button", className="button primary"),
        ],
        className="card stacked no-print protocol-form",
    )


def _words(id: str, name: str) -> Component:
    return html.Div(
        [html.Label(name, htmlFor=id), dcc.Textarea(id=id, required=True, maxLength=LONGEST)], className="field"
    )
