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


def imaging_address(mrn: str) -> str:
    """Where a scan or a biliary ultrasound of the patient is entered."""
    return f"/p/{quote(mrn, safe='')}/imaging"


def visit_link(mrn: str) -> Component:
    """The ways from the patient's page to entering a visit or imaging, and to the regimen."""
    return html.P(
        [
            dcc.Link(_("Enter a visit"), href=visit_address(mrn), className="button"),
            " ",
            dcc.Link(_("Enter imaging"), href=imaging_address(mrn), className="button"),
            " ",
            dcc.Link(_("Regimen and injections"), href=regimen_address(mrn), className="button"),
        ],
        className="no-print",
    )
