"""Quantities as people read them: `clinical.wording` with the decimal mark of the language, the range, and how far a
value lies beyond it."""

from __future__ import annotations

import re

from clinical import wording
from clinical.analytes import CATALOGUE
from dashboard.language import _, tell

ARROWS = 3
ANNOTATION = re.compile(r"\{[^}]*\}")
"""What UCUM lets stand in braces beside a unit, as in `%{BSA}`."""


def number(value: float) -> str:
    """`clinical.wording.number` with the decimal mark of the language in force."""
    return tell(wording.number(value))


def quantity(value: float | None, unit: str | None, comparator: str | None = None) -> str:
    """`clinical.wording.quantity` in the language in force; `no number` where there is none."""
    return tell(wording.quantity(value, unit, comparator))


def unit_text(unit: str | None) -> str:
    """The unit in the letters of a laboratory report: `µg/dL` for `ug/dL`."""
    return "" if unit is None else ANNOTATION.sub("", quantity(1.0, unit).removeprefix("1")).strip()


def range_text(low: float | None, high: float | None) -> str:
    """The reference range; `no range` where the laboratory gave none, which is not the same as normal."""
    if high is not None:
        return f"≤ {number(high)}" if low is None else f"{number(low)}-{number(high)}"
    return _("no range") if low is None else f"≥ {number(low)}"


def arrows(value: float | None, low: float | None, high: float | None) -> str:
    """Up or down arrows, one to three by how many times the limit is passed; nothing within or without a range."""
    if value is None:
        return ""
    if high is not None and high > 0 and value > high:
        return "↑" * min(max(int(value / high), 1), ARROWS)
    if low is not None and value < low:
        return "↓" * (min(max(int(low / value), 1), ARROWS) if value > 0 else ARROWS)
    return ""


def arrows_in_words(marks: str) -> str:
    """The arrows for a screen reader: `above the range, 2 times the limit or more`."""
    if not marks:
        return ""
    up = marks[0] == "↑"
    if len(marks) == 1:
        return _("above the range") if up else _("below the range")
    if up:
        return _("above the range, {n} times the limit or more", n=len(marks))
    return _("below the range, {n} times the limit or more", n=len(marks))


def name_of(analyte: str) -> str:
    """The analyte's name in the catalogue, or its code where it has none."""
    known = CATALOGUE.get(analyte)
    return analyte if known is None else _(known.name)
