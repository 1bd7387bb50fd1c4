"""A number one can ask about: a button that opens where it comes from (assets/asking.js), in tables and elsewhere."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.parts.rows import Part


def ask(text: str, record: str, *, title: str | None = None, css: str | None = None) -> Part:
    """The part of a table's cell that asks about `record`, in a style; plain text where no record is known."""
    if not record:
        return text
    part: dict[str, Any] = {"text": text, "record": record, "title": title, "css": css}
    return {name: value for name, value in part.items() if value is not None}


def ask_button(text: str, record: str) -> Component:
    """The same as a component."""
    return html.Button(text, type="button", className="ask", **{"data-record": record})
