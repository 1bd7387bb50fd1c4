"""A length in millimetres as it is typed: decimal comma or point, refused where no lesion can be so long, doubted."""

from __future__ import annotations

from decimal import Decimal

from clinical.lesion_checks import MOST, length_doubts
from clinical.saying import Day, Figure, say
from clinical.wording import number
from data.entry.numbers import typed_number
from data.entry.said import Reading
from data.intake.item import Held


def typed_length(text: str, most_mm: float) -> Decimal:
    """A length in mm above 0, at most `most_mm`. Raises Held for what is no number or stands behind a comparator."""
    parsed = typed_number(text)
    if parsed.comparator is not None:
        raise Held(say("{said}: write the number alone", said=repr(text)))
    if parsed.value.is_signed():
        raise Held(say("{said} is negative", said=text))
    if parsed.value * 10 < 1:
        raise Held(say("{said} mm is no length", said=text), say("for a lesion that is gone choose absent"))
    if parsed.value > most_mm:
        raise Held(say("{said} mm is not possible: at most {most} mm", said=text, most=f"{most_mm:g}"))
    return parsed.value


def length_in(
    reading: Reading, field: str, called: str, last: tuple[int, str] | None, measured: str = "lesion"
) -> Decimal:
    """The length in a field; its doubts are asked. `last` is the last one in tenths of a millimetre with its day,
    `measured` what it is of, a name in `clinical.lesion_checks.MOST`."""
    value = typed_length(reading.text(field), reading.protocol[MOST[measured]])
    for doubt in length_doubts(round(value * 10), last[0] if last else None, reading.protocol):
        size = Figure(f"{value} mm")
        words = say("{called}: {size} is {doubt}.", called=called, size=size, doubt=doubt.words)
        if last is not None:
            before = Figure(f"{number(last[0] / 10)} mm")
            words = say("{words} The last one was {size} on {day}.", words=words, size=before, day=Day(last[1]))
        reading.ask(field, str(value), doubt, words)
    return value
