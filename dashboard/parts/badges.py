"""Small signs: severity (shape, word and colour), status, arrows."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.parts.quantities import arrows_in_words

SEVERITY_WORDS = {
    "urgent": "Urgent",
    "high": "High",
    "medium": "Medium",
    "low": "Low",
    "info": "Info",
}
DUE_WORDS = {
    "urgent": "same day",
    "high": "3 working days",
    "medium": "14 days",
    "low": "next visit",
    "info": "no date",
}
AXIS_WORDS = {
    "marker": "Marker",
    "imaging": "Imaging",
    "skin": "Skin",
    "toxicity": "Toxicity",
    "process": "Process",
}
STATUS_WORDS = {
    "open": "Open",
    "acknowledged": "Acknowledged",
    "in-review": "In review",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
    "overridden": "Overridden",
}


def severity(name: str) -> html.Span:
    """The severity as a shape in its colour with the word beside it."""
    return html.Span(SEVERITY_WORDS[name], className=f"severity {name}")


def status(name: str) -> html.Span:
    """The status of a flag as a word in a frame."""
    return html.Span(STATUS_WORDS[name], className="pill")


def arrow(marks: str) -> html.Span:
    """Arrows that say high or low, with words for those who do not see them."""
    return html.Span(
        [html.Span(marks, className="arrow", **{"aria-hidden": "true"}), _words(arrows_in_words(marks))],
    )


def chip(name: str, value: str, content: str | Component) -> Component:
    """A button that shows only the rows whose mark `name` is `value` (assets/tables.js)."""
    return html.Button(
        content, type="button", className="chip", **{"data-filter": f"{name}:{value}", "aria-pressed": "false"}
    )


def _words(text: str) -> html.Span:
    return html.Span(text, className="visually-hidden")
