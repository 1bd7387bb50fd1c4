"""A typed number: decimal comma or point, its unit, its canonical value, and what is to be asked about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clinical.analytes import CATALOGUE
from clinical.entry_checks import doubts, possible
from clinical.numbers import NumberError, ParsedNumber, parse_number
from clinical.saying import Day, Figure, chained, lower, say
from data.entry.said import Reading
from data.intake.item import Held
from data.intake.measured import limit, measure

# A comma before other than three digits separates no thousands: it can only be the decimal sign.
_COMMA = re.compile(r"([<>]=?|≤|≥)?[ \t]*([+-]?[0-9]+),([0-9]{1,2}|[0-9]{4,})")


@dataclass(frozen=True, slots=True)
class LastValue:
    """The last value of an analyte as it was received, and its canonical number where it is a plain one."""

    record: int
    value: str
    unit: str | None
    canonical: float | None
    canonical_unit: str | None
    effective_at: datetime
    precision: str
    shown_on: str
    lab: str | None = None
    method: str | None = None


def typed_number(text: str) -> ParsedNumber:
    """The number in a field. `5,5` is five and a half; `1,234` could mean two numbers. Raises Held."""
    comma = _COMMA.fullmatch(text.strip())
    try:
        return parse_number(f"{comma[1] or ''}{comma[2]}.{comma[3]}" if comma else text)
    except NumberError as error:
        raise Held(error.args[0]) from error


def quantity(
    reading: Reading, field: str, analyte: str, unit: str, last: LastValue | None, *, comparators: bool = False
) -> dict[str, Any]:
    """The number of a field as the columns of a record; its doubts are asked in `reading`.

    Raises Held for what is no number, has a comparator where none belongs, or no living person can have.
    """
    said = reading.text(field)
    parsed = typed_number(said)
    if parsed.comparator is not None and not comparators:
        raise Held(say("{said}: write the number alone", said=repr(said)))
    canonical = measure(analyte, parsed.value, unit)
    known = CATALOGUE[analyte]
    if not possible(analyte, canonical.value):
        span = say(
            "{low} to {high} {unit}",
            low=Figure(f"{known.plausible_low:g}"),
            high=Figure(f"{known.plausible_high:g}"),
            unit=known.canonical_unit,
        )
        raise Held(
            say(
                "{said} {unit} is not possible: {name} lies between {span}",
                said=said,
                unit=unit,
                name=lower(say(known.name)),
                span=span,
            )
        )
    if parsed.comparator is None:
        before = last.canonical if last is not None and last.canonical_unit == canonical.unit else None
        for doubt in doubts(analyte, parsed.value, unit, before):
            reading.ask(field, f"{parsed.value} {unit}", doubt, _asked(known.name, said, unit, doubt.words, last))
    return {
        "value": str(parsed.value),
        "comparator": parsed.comparator,
        "unit": unit,
        "canonical_value": canonical.value,
        "canonical_unit": canonical.unit,
    }


def reference_range(reading: Reading, field: str, analyte: str, unit: str) -> dict[str, Any]:
    """The limits in `field.low` and `field.high` as the columns of a record. Raises Held."""
    found: dict[str, Any] = {}
    for name, column in (("low", "ref_low"), ("high", "ref_high")):
        said = reading.text(f"{field}.{name}")
        if said:
            parsed = typed_number(said)
            if parsed.comparator is not None or parsed.value.is_signed():
                side = say("lower") if name == "low" else say("upper")
                raise Held(say("the {side} limit {said} is not a plain number", side=side, said=repr(said)))
            found |= {column: str(parsed.value), f"canonical_{column}": limit(analyte, parsed.value, unit)}
    low, high = found.get("canonical_ref_low"), found.get("canonical_ref_high")
    if low is not None and high is not None and low > high:
        raise Held(say("the lower limit is above the upper one"))
    return found


def latest_before(last: Mapping[str, LastValue], analyte: str) -> LastValue | None:
    """The last value of the analyte; fasting glucose is held against any glucose where it has none of its own."""
    return last.get(analyte) or (last.get("glucose") if analyte == "glucose-fasting" else None)


def _asked(name: str, said: str, unit: str, words: str, last: LastValue | None) -> str:
    asked = say("{name} {said} {unit}: {doubt}.", name=say(name), said=said, unit=unit, doubt=words)
    if last is None:
        return asked
    before = say(
        "The last one was {value} {unit} on {day}.",
        value=Figure(last.value),
        unit=last.unit or "",
        day=Day(last.shown_on),
    )
    return chained(" ", (asked, before))
