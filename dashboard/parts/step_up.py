"""The field for the password, typed once more before what only its owner may do."""

from __future__ import annotations

from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.times import Clock, moment_text
from data.step_up import LIFE


def proof(proved_at: datetime | None, clock: Clock, *, id: str) -> Component:
    """The field under this id, or how long the password typed before still holds."""
    if proved_at is None:
        return _password(id, hidden=False)
    until = moment_text(proved_at + LIFE, clock.zone)
    signed = _("You typed your password a moment ago; it signs until {at}.", at=until)
    return html.Div([html.P(signed, className="soft"), _password(id, hidden=True)])


def _password(id: str, *, hidden: bool) -> Component:
    return html.Div(
        [
            html.Label(_("Your password, which signs it (required)"), htmlFor=id),
            dcc.Input(id=id, type="password", autoComplete="current-password", value="", maxLength=1024),
        ],
        className="field",
        hidden=hidden,
    )
