"""Numbers, units, dates and lists as they stand in a sentence for a clinician."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from clinical.chart import Entry, Result
from clinical.saying import Day, Figure, chained, say

_DAY_LENGTHS = {"year": 4, "month": 7}
_SPOKEN_UNITS = {
    "umol/mmol": "µmol/mmol",
    "ug/dL": "µg/dL",
    "ug/g": "µg/g",
    "umol/L": "µmol/L",
    "mm[Hg]": "mmHg",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "m[IU]/L": "mIU/L",
    "u[IU]/mL": "µIU/mL",
    "1": "",
    "{score}": "",
    "{INR}": "",
    "{ratio}": "",
    "{stools}/d": "per day",
    "{doses}/d": "per day",
}


def number(value: float) -> Figure:
    """A number to at most four significant digits or one decimal, never in exponent form."""
    if abs(value) >= 100:
        text = f"{value:.1f}" if value != round(value) and abs(value) < 1000 else f"{value:.0f}"
    elif abs(value) >= 1:
        text = f"{value:.2f}"
    else:
        text = f"{value:.3f}"
    return Figure(text.rstrip("0").rstrip(".") if "." in text else text)


def quantity(value: float | None, unit: str | None, comparator: str | None = None) -> str:
    """A value with its comparator and unit; `no number` where there is none."""
    if value is None:
        return say("no number")
    spoken = _SPOKEN_UNITS.get(unit or "", unit or "")
    space = "" if spoken in ("", "%") else " "
    figure = Figure(f"{comparator or ''}{number(value)}{space}{spoken}")
    if spoken != "per day":
        return figure
    return say("{number} per day", number=Figure(f"{comparator or ''}{number(value)}"))


def said(result: Result) -> str:
    """A result as it was reported: number with comparator and unit, else the laboratory's words in quotation marks."""
    if result.value is None:
        return f'"{result.text or result.interpretation}"'
    return quantity(result.value, result.unit, result.comparator)


def percent(fraction: float) -> Figure:
    """A fraction as a signed percentage: 0.642 -> +64 %."""
    return Figure(f"{fraction * 100:+.0f} %")


def day(entry: Entry) -> Day:
    """The date of an entry, as exact as it was recorded."""
    return Day(entry.effective.date().isoformat()[: _DAY_LENGTHS.get(entry.precision, 10)])


def date_of(moment: datetime | date) -> Day:
    """The ISO date of a moment."""
    return Day((moment.date() if isinstance(moment, datetime) else moment).isoformat())


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    items = list(parts)
    if len(items) < 2:
        return items[0] if items else ""
    before: str = items[0] if len(items) == 2 else chained(", ", items[:-1])
    return say("{before} and {last}", before=before, last=items[-1])


def days_between(first: Entry, second: Entry) -> int:
    """Calendar days from one entry to another."""
    return (second.effective.date() - first.effective.date()).days
