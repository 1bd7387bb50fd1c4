"""Components of a coded Observation as plain texts, ready for `data.intake.coded`."""

from __future__ import annotations

from decimal import Decimal

from data.intake.fhir_frame import LOCAL, codes, number, unit_of, words
from data.intake.fhir_types import Component, Observation, Quantity, given
from data.intake.item import Held

SCORE_UNITS = frozenset({None, "1", "{score}", "%", "%{BSA}"})
_MILLIMETRES = {"mm": Decimal(1), "cm": Decimal(10)}


def local_parts(observation: Observation) -> dict[str, str]:
    """Components with a local code: code with `-` as `_` -> value as text. Raises Held for one that stands twice."""
    found: dict[str, str] = {}
    for part in observation.component:
        for code in codes(part.code, LOCAL):
            name = code.replace("-", "_")
            said = _said(part, name)
            if said is None:
                continue
            if name == "sites":
                found[name] = ";".join(filter(None, (found.get(name), said)))
            elif name in found:
                raise Held(f"the component {code!r} stands twice", "send it once")
            else:
                found[name] = said
    return found


def millimetres(quantity: Quantity, what: str) -> Decimal:
    """A length in millimetres. Raises Held for another unit or none."""
    value, unit = number(quantity.value, what), unit_of(quantity)
    if value is None or unit not in _MILLIMETRES or quantity.comparator is not None:
        raise Held(f"{what}: {value} {unit or 'without a unit'} is not a length", "send millimetres (mm)")
    return value * _MILLIMETRES[unit]


def _said(part: Component, name: str) -> str | None:
    if part.modifier_extension:
        raise Held(
            f"modifierExtension {part.modifier_extension[0].url!r} is not understood", "it may change the meaning"
        )
    if part.value_boolean is not None:
        return "true" if part.value_boolean else "false"
    if given(part.value_integer):
        return str(number(part.value_integer, name))
    if part.value_quantity is not None:
        if name.endswith("_mm") or name == "lesion_short_axis":
            return str(millimetres(part.value_quantity, name))
        if unit_of(part.value_quantity) not in SCORE_UNITS or part.value_quantity.comparator is not None:
            raise Held(f"{name}: unit {unit_of(part.value_quantity)!r} is not accepted", "send a plain number")
        value = number(part.value_quantity.value, name)
        return None if value is None else str(value)
    return part.value_string if part.value_string is not None else words(part.value_codeable_concept)
