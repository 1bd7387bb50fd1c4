"""A measured quantity: its canonical number beside what was received, and what no such quantity can be.

Implausible numbers are stored (a rule asks about them); impossible ones are held: a negative concentration, a
percentage above 100, a score beyond its scale.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

import msgspec

from clinical.analytes import CATALOGUE
from clinical.saying import say
from clinical.units import UnitError, accepted_units, canonical_unit, to_canonical
from data.intake.item import Held

LARGEST: dict[str, int] = {"lvef": 100, "hba1c": 100, "itch": 10, "pain": 10}
# LOINC codes of the catalogue whose property is an amount of substance; the others are masses or have no such pair.
MOLAR_CODES = frozenset(
    (
        *("15073-0", "25587-7", "14749-6", "15074-8", "14771-0", "76629-5", "59261-8", "14955-9", "14665-4"),
        *("14905-4", "14635-7", "68438-1", "14590-4", "14685-2", "16695-9", "14732-2", "59260-0", "14682-9"),
        *("59826-8", "14631-6", "14647-2", "14927-8", "14920-3"),
    )
)
HAS_BOTH = frozenset(
    (
        *("glucagon", "chromogranin-a", "glucose", "glucose-fasting", "hba1c", "zinc", "copper", "vitamin-a"),
        *("vitamin-d", "vitamin-e", "b12", "folate", "haemoglobin", "creatinine", "bilirubin", "cholesterol"),
        *("triglycerides", "free-t4"),
    )
)
_CONCENTRATION = re.compile(r"[fpnumkd]?(?:g|mol|iu|u|eq|kat)/[dcmun]?l", re.IGNORECASE)
_ONE = Decimal(1)
# The results of a laboratory repeat the same few numbers, limits and units.
_REPEATED = 8_192


class Canonical(msgspec.Struct, frozen=True, gc=False):
    """A number in the unit every record of its analyte is compared in."""

    value: float
    unit: str


def measure(analyte: str, value: Decimal, unit: str | None) -> Canonical:
    """The canonical number of `value` in `unit`.

    Raises Held for a missing or unknown unit and for what the quantity cannot be.
    """
    if unit is None or not unit.strip():
        accepted = ", ".join(CATALOGUE[analyte].units)
        raise Held(
            say("a number without a unit for {analyte}", analyte=analyte),
            say("send one of {accepted}", accepted=accepted),
        )
    try:
        canonical = _canonical(analyte, value, unit)
    except UnitError as error:
        raise Held(str(error), error.suggestion) from error
    if value.is_signed():
        raise Held(
            say("{value} {unit}: {analyte} cannot be negative", value=value, unit=unit, analyte=analyte),
            say("check the number"),
        )
    largest = LARGEST.get(analyte)
    if largest is not None and canonical.value > largest:
        raise Held(
            say(
                "{value} {unit}: {analyte} cannot be above {largest}",
                value=value,
                unit=unit,
                analyte=analyte,
                largest=largest,
            ),
            say("check the number and the unit"),
        )
    return canonical


@lru_cache(maxsize=_REPEATED)
def _canonical(analyte: str, value: Decimal, unit: str) -> Canonical:
    return Canonical(to_canonical(analyte, value, unit), canonical_unit(analyte, unit))


@lru_cache(maxsize=_REPEATED)
def limit(analyte: str, value: Decimal | None, unit: str | None) -> float | None:
    """A limit of a reference range in the canonical unit; None where there is none or its unit is not accepted."""
    if value is None or unit is None:
        return None
    try:
        return to_canonical(analyte, value, unit)
    except UnitError:
        return None


def refuse_contradiction(analyte: str, unit: str, text: str | None) -> None:
    """Raise Held for a unit code and a unit text that mean different things."""
    if text is None or text == unit or text.casefold() == unit.casefold():
        return
    try:
        agrees = to_canonical(analyte, _ONE, text) == to_canonical(analyte, _ONE, unit)
    except UnitError:
        foreign = any(text in accepted_units(other) for other in CATALOGUE)
        agrees = not foreign and _CONCENTRATION.fullmatch(text) is None
    if not agrees:
        raise Held(f"the unit code says {unit!r}, the unit text {text!r}", "ask the laboratory which is right")


@lru_cache(maxsize=_REPEATED)
def property_note(analyte: str, loinc: str, unit: str) -> str | None:
    """A remark where the code says mass and the unit amount of substance, or the other way round.

    The unit that was sent is what counts; the remark lets a reader ask the laboratory.
    """
    if analyte not in HAS_BOTH or "U" in unit:
        return None
    molar_unit, molar_code = "mol" in unit, loinc in MOLAR_CODES
    if molar_unit == molar_code:
        return None
    said, sent = ("amount of substance", "mass") if molar_code else ("mass", "amount of substance")
    return f"LOINC {loinc} is a code for {said}, the unit {unit} is one of {sent}; the unit was believed"
