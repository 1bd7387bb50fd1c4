"""Who is who, side by side: what is stored of two people, what a message says, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, message
from dashboard.parts.coded import coded
from dashboard.parts.times import Clock, day_text

KIND_WORDS = {
    "merge": message("One person under two numbers"),
    "update": message("Other personal data"),
    "link": message("Linked patients"),
}
STATUS_WORDS = {
    "active": message("followed"),
    "deceased": message("deceased"),
    "transferred": message("transferred"),
    "withdrawn": message("withdrawn"),
}
FACT_WORDS = {
    "name": message("Name"),
    "birth_date": message("Birth date"),
    "sex": message("Sex"),
    "system": message("Numbering"),
    "time": message("Time"),
    "laboratory": message("Laboratory"),
    "number": message("Specimen or order number"),
}
NOTHING = message("not recorded")


def fact_text(name: str, value: str | None) -> str:
    """A fact of a person as people read it."""
    if value is None:
        return _(NOTHING)
    if name == "sex":
        return coded(value)
    return day_text(date.fromisoformat(value)) if name == "birth_date" else value


def side_by_side(caption: str, heads: Sequence[str], lines: Sequence[tuple[str, Sequence[Any], bool]]) -> Component:
    """A table with a column for each of `heads`; a line is its name, a cell for each, and whether the cells differ."""
    return html.Div(
        html.Table(
            [
                html.Caption(caption, className="visually-hidden"),
                html.Thead(html.Tr([html.Td(), *(html.Th(head, scope="col") for head in heads)])),
                html.Tbody([_line(name, cells, differs) for name, cells, differs in lines]),
            ],
            className="sides",
        ),
        className="table-frame",
        tabIndex=0,
        role="group",
        **{"aria-label": caption},
    )


def person_lines(*people: Mapping[str, Any] | None) -> list[tuple[str, list[str], bool]]:
    """The lines of who people are; None for somebody of whom nothing is known."""
    lines = []
    for name in ("name", "birth_date", "sex"):
        values = [None if one is None else one.get(name) for one in people]
        stated = {value for value in values if value is not None}
        lines.append((_(FACT_WORDS[name]), [fact_text(name, value) for value in values], len(stated) > 1))
    return lines


def holding_lines(*sides: Mapping[str, Any]) -> list[tuple[str, list[str], bool]]:
    """The lines of what is held under the numbers of each side: counts, never values."""
    return [
        (_("State"), [_(STATUS_WORDS[side["status"]]) for side in sides], len({side["status"] for side in sides}) > 1),
        (_("Other numbers"), ["; ".join([*side["with"], *side["numbers"]]) or _("none") for side in sides], False),
        (_("Care teams"), [", ".join(side["teams"]) or _("none") for side in sides], False),
        (_("Records"), [_records(side) for side in sides], False),
        (_("Sensor days"), [str(side["sensor_days"]) for side in sides], False),
        (_("Flags that stand"), [str(side["flags"]) for side in sides], False),
    ]


def contradiction(names: Sequence[str]) -> Component | None:
    """A warning that two people state different things of themselves; nothing where they do not."""
    if not names:
        return None
    said = ", ".join(_(FACT_WORDS[name]) for name in names)
    return html.P(
        [html.Strong(_("They contradict each other:") + " "), f"{said}. ", _("Be sure before you go on.")],
        className="notice",
    )


def reason_field(id: str) -> Component:
    """Where somebody says why."""
    return html.Div(
        [html.Label(_("Why (required; it stays in the audit trail)"), htmlFor=id), dcc.Textarea(id=id, maxLength=2000)],
        className="field",
    )


def patient_link(mrn: str, text: str | None = None) -> Component:
    """A link to the page on which a patient's numbers, state and duplicates stand."""
    return dcc.Link(text or mrn, href=identity_address(mrn))


def identity_address(mrn: str) -> str:
    """The address of that page."""
    return f"/p/{quote(mrn, safe='')}/identity"


def sentence(words: str) -> str:
    """The words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def when(moment: str, clock: Clock) -> str:
    """An ISO 8601 moment on the site's clock."""
    local = datetime.fromisoformat(moment).astimezone(clock.zone)
    return f"{day_text(local)} {local:%H:%M} {local.tzname()}"


def _line(name: str, cells: Sequence[Any], differs: bool) -> Component:
    mark = html.Span(_("differs"), className="differs-mark") if differs else None
    return html.Tr(
        [html.Th([name, mark], scope="row"), *(html.Td(cell) for cell in cells)],
        className="differs" if differs else None,
    )


def _records(side: Mapping[str, Any]) -> str:
    if side["first"] is None:
        return _("none")
    first, last = (day_text(datetime.fromisoformat(side[end])) for end in ("first", "last"))
    return _("{n}, {first} to {last}", n=side["records"], first=first, last=last)
