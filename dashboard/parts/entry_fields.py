"""The parts a form is made of, as data: the browser builds them (assets/entry-fields.js), text as text.

Sixty fields of Dash components would each subscribe to the state of the page (decision 0007); as data they are one
component, and the browser's own inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Field = dict[str, Any]


def number_field(
    name: str, label: str, *, units: Sequence[tuple[str, str]] = (), last: str | None = None, hint: str | None = None
) -> Field:
    """A number, with its unit chosen from `units` (code and words) where there are several."""
    return _known({"kind": "number", "name": name, "label": label, "units": list(units), "last": last, "hint": hint})


def choice_field(name: str, label: str, options: Sequence[tuple[str, str]], *, last: str | None = None) -> Field:
    """One of a few answers, none of them chosen at first."""
    return _known({"kind": "choice", "name": name, "label": label, "options": list(options), "last": last})


def checks_field(name: str, label: str, options: Sequence[tuple[str, str]], *, last: str | None = None) -> Field:
    """Any of a few answers, kept as one text with semicolons."""
    return _known({"kind": "checks", "name": name, "label": label, "options": list(options), "last": last})


def text_field(name: str, label: str, *, type: str = "text", last: str | None = None, hint: str | None = None) -> Field:
    """A text, a date (`type` date) or a local time (datetime-local)."""
    return _known({"kind": "text", "type": type, "name": name, "label": label, "last": last, "hint": hint})


def select_field(name: str, label: str, options: Sequence[tuple[str, str]]) -> Field:
    """One of many answers in a list."""
    return {"kind": "select", "name": name, "label": label, "options": list(options)}


def section(id: str, title: str, fields: Sequence[Field], *, open: bool = True, note: str | None = None) -> Field:
    """A part of the form under a heading that opens and closes."""
    return _known({"id": id, "title": title, "fields": list(fields), "open": open, "note": note})


def shown_for(field: Field, choice: str, *values: str) -> Field:
    """The field, shown and sent only while `choice` has one of `values`."""
    return {**field, "shows": {"field": choice, "values": list(values)}}


def _known(content: Field) -> Field:
    return {key: value for key, value in content.items() if value is not None and value != []}
