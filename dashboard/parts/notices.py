"""What has to be said beside every judgement of the rules."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from clinical.protocol import Protocol


def draft_protocol(protocol: Protocol) -> Component | None:
    """How many thresholds no clinician has signed off; nothing when all are."""
    unsigned = len(protocol.unsigned())
    if not unsigned:
        return None
    return html.P(
        [
            html.Strong("Draft protocol. "),
            f"{unsigned} of {len(protocol.thresholds)} thresholds have not been signed off by a clinician of this "
            f"site (protocol {protocol.version}). Nadir asks questions; it does not propose doses and is not a primary "
            "alarm.",
        ],
        className="notice",
    )
