"""The words of the protocol's pages: thresholds, their values, who signed them, what a rule asks."""

from __future__ import annotations

from functools import cache

from dash import html
from dash.development.base_component import Component

from clinical.protocol import DEFAULT_JURISDICTION, Protocol, Threshold, bundled_protocol
from clinical.rules.registry import Rule, registered
from dashboard.language import _, message
from dashboard.parts.quantities import number, unit_text
from dashboard.parts.times import Clock, day_text
from data.protocol.in_force import Standing

OTHER = "other"
"""The address of the thresholds that belong to no single rule."""
STEP_WORDS = {
    "activated": message("Put in force"),
    "signed": message("Signed off"),
    "withdrawn": message("Draft withdrawn"),
}
WHAT_WORDS = {
    "opens": message("would open"),
    "ends": message("would no longer stand"),
    "severity": message("would have another severity"),
}


def value_text(value: float, unit: str) -> str:
    """A value with its unit: `2`, `30 pg/mL`, `14 d`."""
    return f"{number(value)} {unit_text(unit)}".removesuffix(" 1").strip()


def bundled(protocol: Protocol) -> Protocol:
    """What Nadir ships for the jurisdiction of a protocol."""
    return _bundled(protocol.jurisdiction)


@cache
def _bundled(jurisdiction: str) -> Protocol:
    return bundled_protocol(jurisdiction)


def shipped_text(threshold: Threshold, shipped: Protocol) -> str | None:
    """What Nadir ships for a threshold that the site has changed; None where it has not."""
    before = shipped.threshold(threshold.name).value
    return None if before == threshold.value else _("shipped: {value}", value=value_text(before, threshold.unit))


def signed_text(standing: Standing, name: str, clock: Clock) -> str | None:
    """Who signed the threshold and when; None where nobody has."""
    signature = standing.signatures.get(name)
    if signature is None:
        return None
    return _("{name}, {day}", name=signature.name, day=day_text(signature.at.astimezone(clock.zone)))


def signed_mark(standing: Standing, name: str, clock: Clock) -> Component:
    """The sign-off as a word in a frame, with who and when."""
    said = signed_text(standing, name, clock)
    if said is None:
        return html.Span(_("not signed off"), className="pill unsigned")
    return html.Span([html.Span(_("signed off"), className="pill signed"), html.Span(said, className="age")])


def rule_thresholds(rule: str) -> tuple[str, ...] | None:
    """The names of the thresholds of a rule, or under `OTHER` of those that no rule names; None for no such rule."""
    found = {one.id: one.thresholds for one in registered()}
    if rule == OTHER:
        named = {name for names in found.values() for name in names}
        return tuple(name for name in _bundled(DEFAULT_JURISDICTION).thresholds if name not in named)
    return found.get(rule)


def rule_of(id: str) -> Rule | None:
    """The registered rule with this id."""
    return next((one for one in registered() if one.id == id), None)
