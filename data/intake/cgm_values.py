"""The glucose cell of a sensor export: a number the sensor can show, or the mark that stands where it shows none."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache

from clinical.units import to_canonical
from data.intake.item import Held
from data.readings import HIGH, LOW, PLAIN, Unit

# Wider than any sensor measures (20 to 500 mg/dL): beyond it the unit or the column is wrong.
LOWEST, HIGHEST = 20, 600
_MARKS = {"lo": LOW, "low": LOW, "hi": HIGH, "high": HIGH}
_NUMBER = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,12})?")
_COMMA = re.compile(r"([0-9]{1,4}),([0-9]{1,12})")
_UNIT = re.compile(r"\b(mg/dL|mmol/L)\)?$", re.IGNORECASE)


def unit_of(column: str) -> Unit | None:
    """The unit a column names in its header; None for none."""
    found = _UNIT.search(column.strip())
    if found is None:
        return None
    return "mmol/L" if found[1].casefold() == "mmol/l" else "mg/dL"


def marked(mark: int) -> tuple[float, int]:
    """A reading that is a mark."""
    return math.nan, mark


@lru_cache(maxsize=16_384)
def glucose(said: str, unit: Unit, decimal_comma: bool = False) -> tuple[float, int]:
    """Value and mark of a cell. Raises Held for what is neither, and for a number that no sensor shows in `unit`."""
    text = said.strip()
    mark = _MARKS.get(text.casefold())
    if mark is not None:
        return marked(mark)
    comma = _COMMA.fullmatch(text) if decimal_comma else None
    number = f"{comma[1]}.{comma[2]}" if comma else text
    if not _NUMBER.fullmatch(number):
        raise Held(
            f"glucose {text[:40]!r} is neither a number nor Low or High", "send the export as the maker wrote it"
        )
    value = Decimal(number)
    if not LOWEST <= to_canonical("glucose", value, unit) <= HIGHEST:
        raise Held(f"glucose {text} {unit} is outside what a sensor measures", "check the unit of the column")
    if value * 10 % 1:
        raise Held(f"glucose {text} {unit} has more decimals than a sensor shows", "send the export of the maker")
    return float(value), PLAIN
