"""What the reader sees when pointing at an entry. Texts from records are made harmless: a figure's text is markup."""

from __future__ import annotations

from html import escape

from clinical.chart import Entry, Result
from dashboard.language import _
from dashboard.parts.quantities import name_of, quantity, range_text
from dashboard.parts.times import Clock


def plain(text: str) -> str:
    """The text as text, whatever stands in it."""
    return escape(text, quote=False)


def label(what: str, *details: str | None, entry: Entry, clock: Clock) -> str:
    """`what` in bold, then the details that are known, then the age of the entry."""
    known = [plain(d) for d in details if d]
    return "  ·  ".join([f"<b>{plain(what)}</b>", *known, clock.age(entry)])


def result_label(result: Result, clock: Clock, *notes: str) -> str:
    """Value with comparator and unit, range, laboratory, method and age of a result."""
    if result.value is None:
        value = result.text or result.interpretation or _("no result")
    else:
        value = quantity(result.value, result.unit, result.comparator)
    fasting = {True: _("fasting"), False: _("not fasting"), None: None}[result.fasting]
    return label(
        f"{name_of(result.analyte)} {value}",
        f"({range_text(result.ref_low, result.ref_high)})",
        result.lab,
        result.method,
        fasting,
        *notes,
        entry=result,
        clock=clock,
    )
