"""Small signs: severity (shape, word and colour), status, arrows."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.language import _, message
from dashboard.parts.quantities import arrows_in_words

SEVERITY_WORDS = {
    "urgent": message("Urgent"),
    "high": message("High"),
    "medium": message("Medium"),
    "low": message("Low"),
    "info": message("Info"),
}
DUE_WORDS = {
    "urgent": message("same day"),
    "high": message("3 working days"),
    "medium": message("14 days"),
    "low": message("next visit"),
    "info": message("no date"),
}
AXIS_WORDS = {
    "marker": message("Marker"),
    "imaging": message("Imaging"),
    "skin": message("Skin"),
    "toxicity": message("Toxicity"),
    "process": message("Process"),
}
STATUS_WORDS = {
    "open": message("Open"),
    "acknowledged": message("Acknowledged"),
    "in-review": message("In review"),
    "snoozed": message("Snoozed"),
    "resolved": message("Resolved"),
    "overridden": message("Overridden"),
}


def severity(name: str) -> html.Span:
    """The severity as a shape in its colour with the word beside it."""
    return html.Span(_(SEVERITY_WORDS[name]), className=f"severity {name}")


def status(name: str) -> html.Span:
    """The status of a flag as a word in a frame."""
    return html.Span(_(STATUS_WORDS[name]), className="pill")


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
