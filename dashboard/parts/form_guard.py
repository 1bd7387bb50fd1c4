"""What keeps a form safe in the browser (assets/form-guard.js): leaving it unsaved asks, other tabs are said."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.language import _


def unsaved(named: str) -> dict[str, Any]:
    """The attributes of a form of this patient that asks before it is left with something typed in it."""
    return {"data-unsaved": _("Leave? What you typed for {patient} is not stored.", patient=named)}


def other_tabs(mrn: str, named: str) -> Component:
    """The place where a page of this patient says that another tab shows somebody else."""
    words = _("Another tab shows the patient {others}. This page is of {patient}.", others="{others}", patient=named)
    return html.Div(role="status", **{"data-other-tabs": words, "data-mrn": mrn})
