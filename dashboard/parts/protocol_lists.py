"""The lists of the protocol: every rule, every threshold, everything that was done to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.rules.registry import registered
from dashboard.language import ENGLISH, _
from dashboard.parts import rows
from dashboard.parts.badges import AXIS_WORDS
from dashboard.parts.coded import threshold_name
from dashboard.parts.protocol_words import (
    OTHER,
    STEP_WORDS,
    bundled,
    rule_thresholds,
    shipped_text,
    signed_text,
    value_text,
)
from dashboard.parts.rows import cell, link, row, span, table
from dashboard.parts.times import Clock, moment_text
from data.mutes import Mute
from data.protocol.history import Step
from data.protocol.in_force import Standing


def rule_list(standing: Standing, mutes: Sequence[Mute]) -> Component:
    """Every rule in words, how much of it is signed off, and whether a team gets no mails of it."""
    heads = [_("Rule"), _("Axis"), _("Severity"), _("When it is raised"), _("Signed off")]
    muted = {mute.rule: mute.team for mute in mutes if mute.standing}
    made = [
        row(
            [
                cell(link(rule.id, f"/protocol/{rule.id}"), heads=True),
                cell(_(AXIS_WORDS[rule.axis]), name=heads[1]),
                cell(*(rows.severity(name) for name in rule.severities), name=heads[2], css="severities"),
                cell(rule.trigger, language=ENGLISH, css="words"),
                cell(*_signed(standing, rule.thresholds), *_muted(muted.get(rule.id)), name=heads[4]),
            ]
        )
        for rule in registered()
    ]
    others = rule_thresholds(OTHER) or ()
    made.append(
        row(
            [
                cell(link(_("Other"), f"/protocol/{OTHER}"), heads=True),
                cell(""),
                cell(""),
                cell(_("Thresholds that belong to no single rule: entry, schedules, what counts as comparable")),
                cell(*_signed(standing, others), name=heads[4]),
            ]
        )
    )
    return table("protocol-rules", heads, made, caption=_("Rules"), css="dense stacking")


def _signed(standing: Standing, names: Sequence[str]) -> list[rows.Part]:
    if not names:
        return [span(_("no threshold"), "soft")]
    signed = sum(name in standing.signatures for name in names)
    said = _("{n} of {all}", n=signed, all=len(names))
    return [span(said, css="pill signed" if signed == len(names) else "pill unsigned")]


def _muted(team: str | None) -> list[rows.Part]:
    return [] if team is None else [span(_("muted: {team}", team=team), css="pill muted")]


def threshold_list(standing: Standing, clock: Clock) -> Component:
    """Every threshold with its value, what Nadir ships where that differs, its source and who signed it."""
    heads = [_("Threshold"), _("Meaning"), _("Value"), _("Source"), _("Sign-off"), _("Rules")]
    used: dict[str, list[str]] = {}
    for rule in registered():
        for name in rule.thresholds:
            used.setdefault(name, []).append(rule.id)
    made = [_threshold(standing, name, used.get(name, []), heads, clock) for name in standing.protocol.thresholds]
    return table("protocol-thresholds", heads, made, caption=_("Thresholds"), css="dense stacking")


def _threshold(
    standing: Standing, name: str, rules: Sequence[str], heads: Sequence[str], clock: Clock
) -> dict[str, Any]:
    threshold = standing.threshold(name)
    shipped = shipped_text(threshold, bundled(standing.protocol))
    signed = signed_text(standing, name, clock)
    mark = span(_("not signed off"), css="pill unsigned") if signed is None else span(signed, "signed-by")
    return row(
        [
            cell(threshold_name(name), heads=True),
            cell(threshold.meaning, language=ENGLISH, css="words"),
            cell(value_text(threshold.value, threshold.unit), *_below(shipped), css="number", name=heads[2]),
            cell(threshold.source, language=ENGLISH, css="words", name=heads[3]),
            cell(mark, name=heads[4]),
            cell(*_linked(rules or [OTHER]), name=heads[5]),
        ]
    )


def _below(shipped: str | None) -> list[rows.Part]:
    return [] if shipped is None else [span(shipped, css="age overridden")]


def _linked(rules: Sequence[str]) -> list[rows.Part]:
    parts: list[rows.Part] = []
    for rule in rules:
        parts += [" "] if parts else []
        parts.append(link(_("Other") if rule == OTHER else rule, f"/protocol/{rule}"))
    return parts


def history_list(steps: Sequence[Step], clock: Clock) -> Component:
    """What was done to the protocol, newest first."""
    if not steps:
        return html.P(_("Nothing was changed or signed yet."), className="empty")
    heads = [_("When"), _("What"), _("Threshold"), _("Value"), _("Why"), _("Who")]
    made = [
        row(
            [
                cell(moment_text(step.at, clock.zone), css="when"),
                cell(_(STEP_WORDS[step.what]), *([rows.below(step.version)] if step.version else [])),
                cell("" if step.threshold is None else threshold_name(step.threshold), name=heads[2]),
                cell(_change(step), css="number", name=heads[3]),
                cell(step.why, *([rows.below(step.source)] if step.source else []), name=heads[4], css="words"),
                cell(step.who, *_proposed(step), name=heads[5]),
            ]
        )
        for step in steps
    ]
    return table("protocol-history", heads, made, caption=_("History of the protocol"), css="dense stacking")


def _change(step: Step) -> str:
    if step.new is None or step.unit is None:
        return ""
    new = value_text(step.new, step.unit)
    return new if step.old is None else f"{value_text(step.old, step.unit)} → {new}"


def _proposed(step: Step) -> list[rows.Part]:
    if step.proposed_by in ("", step.who):
        return []
    return [rows.below(_("proposed by {who}", who=step.proposed_by))]
