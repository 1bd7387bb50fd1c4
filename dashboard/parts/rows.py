"""Tables of many rows as plain data: the browser builds them (assets/rows.js) out of a closed set of parts.

Every Dash component costs every other one time whenever anything changes: three hundred rows of components already
hold a browser for seconds, fourteen hundred for minutes. As data, a thousand rows take a blink. Nothing in a part is
markup: text becomes text, an address must lead into this application.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from dash import html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.badges import SEVERITY_WORDS, STATUS_WORDS
from dashboard.parts.quantities import arrows_in_words

Part = str | dict[str, Any]


def span(text: str, css: str, *, spoken: str | None = None, title: str | None = None) -> Part:
    """Text in a style; `spoken` is what a screen reader says instead."""
    return _known({"text": text, "css": css, "spoken": spoken, "title": title})


def below(text: str) -> Part:
    """A second, quieter line of a cell: the age of a value, the number of a patient."""
    return span(text, "age")


def link(text: str, address: str) -> Part:
    """A link to a page of this application; `address` begins with a slash. Raises ValueError for another one."""
    if not address.startswith("/") or address.startswith("//"):
        raise ValueError(f"{address!r} does not lead into this application")
    return {"text": text, "address": address}


def severity(name: str, text: str = "") -> Part:
    """The severity by shape, colour and word, with a number beside it if need be."""
    return span(f"{_(SEVERITY_WORDS[name])}{text}", f"severity {name}")


def status(name: str) -> Part:
    """The status of a flag as a word in a frame."""
    return span(_(STATUS_WORDS[name]), "pill")


def arrow(marks: str) -> Part:
    """Arrows for high or low, spoken as words."""
    return span(marks, "arrow", spoken=arrows_in_words(marks))


def cell(
    *parts: Part,
    sort: float | str | None = None,
    css: str | None = None,
    name: str | None = None,
    heads: bool = False,
    language: str | None = None,
) -> dict[str, Any]:
    """A cell. Its column is sorted by `sort`; on a phone `name` stands before it; `heads`: it heads its row;
    `language`: its text is in another one than the page."""
    content = {"parts": list(parts), "sort": sort, "css": css, "name": name, "heads": heads or None}
    return _known({**content, "language": language})


def row(cells: Sequence[dict[str, Any]], **marks: str) -> dict[str, Any]:
    """A row; `marks` become its data attributes, which chips filter by."""
    return _known({"cells": list(cells), "marks": marks or None})


def table(
    id: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], *, caption: str, css: str, sorts: bool = False
) -> Component:
    """The table as one component. `sorts`: the heads are buttons that sort."""
    content = {"id": id, "columns": list(columns), "rows": list(rows), "caption": caption, "css": css, "sorts": sorts}
    return html.Div(
        className="table-frame",
        tabIndex=0,
        role="group",
        **{"aria-label": caption, "data-table": msgspec.json.encode(content).decode()},
    )


def _known(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None}
