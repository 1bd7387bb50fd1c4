"""Links to the pages where a patient's values are entered."""

from __future__ import annotations

from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _


def visit_address(mrn: str) -> str:
    """Where a visit of the patient is entered."""
    return f"/p/{quote(mrn, safe='')}/visit"


def regimen_address(mrn: str) -> str:
    """Where the regimen of the patient is shown and decisions on it are recorded."""
    return f"/p/{quote(mrn, safe='')}/regimen"


def visit_link(mrn: str) -> Component:
    """The way from the patient's page to entering a visit."""
    return html.P(dcc.Link(_("Enter a visit"), href=visit_address(mrn), className="button"), className="no-print")
