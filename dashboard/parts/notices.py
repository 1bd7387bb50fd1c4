"""What has to be said beside every judgement of the rules."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from clinical.chart import Chart
from clinical.discordance import discordance
from clinical.protocol import Protocol
from clinical.rules.suppression import held_back, no_longer_followed
from dashboard.language import _, tell
from dashboard.parts.times import Clock


def draft_protocol(protocol: Protocol) -> Component | None:
    """How many thresholds no clinician has signed off; nothing when all are."""
    unsigned = len(protocol.unsigned())
    if not unsigned:
        return None
    return html.P(
        [
            html.Strong(_("Draft protocol.") + " "),
            _(
                "{n} of {all} thresholds have not been signed off by a clinician of this site (protocol {version}). "
                "Nadir asks questions; it does not propose doses and is not a primary alarm.",
                n=unsigned,
                all=len(protocol.thresholds),
                version=protocol.version,
            ),
        ],
        className="notice",
    )


def disagreement(chart: Chart, protocol: Protocol, clock: Clock) -> Component | None:
    """The one sentence where marker, imaging and skin disagree; nothing where they agree."""
    sentence = discordance(chart, protocol, clock.now)
    return (
        html.P([html.Strong(_("The channels disagree.") + " "), tell(sentence), "."], className="notice")
        if sentence
        else None
    )


def what_is_held_back(chart: Chart, protocol: Protocol, clock: Clock) -> Component | None:
    """What stands in the data and is not raised as a flag, each with its reason; nothing where there is none."""
    ended = no_longer_followed(chart)
    held = held_back(chart, protocol, clock.now) if ended is None else (ended,)
    if not held:
        return None
    items = [html.Li([html.Strong(tell(item.what)), f": {tell(item.why)}"]) for item in held]
    return html.Section(
        [html.H2(_("Held back by the rules")), html.Ul(items, className="plain-list")], className="card"
    )
