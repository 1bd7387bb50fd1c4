"""Reading a number a person or a laboratory wrote, and holding one against a limit.

The decimal sign is a point. A comma is refused: `1,234` is one thousand in one country and one and a quarter in the
next. A comparator in front is kept beside the number and never dropped.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from clinical.chart import Comparator
from clinical.saying import say

_LONGEST = 40
_NUMBER = re.compile(
    r"(?P<comparator><=|>=|<|>|≤|≥)?[ \t]*(?P<digits>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
)
_COMPARATORS: dict[str, Comparator] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "≤": "<=", "≥": ">="}


class NumberError(ValueError):
    """A text that is not one number; the message says why."""


@dataclass(frozen=True, slots=True)
class ParsedNumber:
    """A number as written, exact (`118.00` keeps its places), with its comparator where it had one."""

    value: Decimal
    comparator: Comparator | None


def parse_number(text: str) -> ParsedNumber:
    """The number in `text`. Raises NumberError for anything that is not exactly one finite decimal number.

    Refused: commas and spaces between digits, other than ASCII digits, NaN and infinity, numbers a double cannot hold,
    trailing units or words, texts longer than 40 characters.
    """
    stripped = text.strip(" \t\r\n")
    if not stripped:
        raise NumberError(say("the number is empty"))
    if len(stripped) > _LONGEST:
        raise NumberError(say("{stripped}... is too long for a number", stripped=repr(stripped[:_LONGEST])))
    if "," in stripped:
        raise NumberError(
            say(
                "{stripped} could mean two numbers: write a decimal point and no thousands separator",
                stripped=repr(stripped),
            )
        )
    match = _NUMBER.fullmatch(stripped)
    if match is None:
        raise NumberError(say("{stripped} is not a number", stripped=repr(stripped)))
    value = Decimal(match["digits"])
    as_float = float(value)
    if not math.isfinite(as_float) or (value != 0 and as_float == 0.0):
        raise NumberError(say("{stripped} is outside the range of numbers Nadir can hold", stripped=repr(stripped)))
    sign = match["comparator"]
    return ParsedNumber(value, _COMPARATORS[sign] if sign else None)


def reaches(value: float, limit: float) -> bool:
    """Whether a value is at or beyond a limit. Both may come from a conversion or a product: 1.8 reaches 1.5 x 1.2,
    though the double of that product lies a hair above or below it."""
    return value > limit or math.isclose(value, limit, rel_tol=1e-9)


def exceeds(value: float, limit: float) -> bool:
    """Whether a value is beyond a limit, and not merely a hair of rounding beyond it."""
    return value > limit and not math.isclose(value, limit, rel_tol=1e-9)
