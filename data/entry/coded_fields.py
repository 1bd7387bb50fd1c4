"""A coded entry as the fields a person types: read by the very functions that read it from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from data.intake.coded import (
    GALLBLADDER,
    INFECTION,
    LESION_STATES,
    OVERALL,
    RESPONSES,
    ROLES,
    SITES,
    STATES,
    STONES,
    SYMPTOMS,
    THERAPY_KINDS,
    biliary_detail,
    lesion_detail,
    response_detail,
    skin_detail,
    state_detail,
    symptom_detail,
    therapy_detail,
)
from data.intake.item import Held

Reader = Callable[[Mapping[str, str]], dict[str, Any]]

KINDS: Final[Mapping[str, tuple[Reader, tuple[str, ...]]]] = MappingProxyType(
    {
        "skin": (
            skin_detail,
            (
                *("overall", "iga", "bsa", "erythema", "erosion", "crust", "mucosal", "itch", "pain", "sites"),
                *("infection", "new_drug", "rater", "note"),
            ),
        ),
        "lesion": (
            lesion_detail,
            (
                *("lesion", "role", "state", "diameter_mm", "node", "site", "organ", "modality", "into"),
                *("reader", "signed"),
            ),
        ),
        "response": (response_detail, ("response", "modality", "reader", "signed", "text")),
        "biliary": (
            biliary_detail,
            ("stones", "max_mm", "sludge", "gallbladder", "wall_mm", "murphy", "fluid", "cbd_mm", "cbd_stone"),
        ),
        "symptom": (symptom_detail, ("name", "present")),
        "state": (state_detail, ("state",)),
        "therapy": (
            therapy_detail,
            (
                *("kind", "drug", "dose", "unit", "route", "interval_days", "planned_next", "completeness"),
                *("intent", "note"),
            ),
        ),
    }
)
"""By kind what reads its fields, and their names in the order of the form."""

_YES_NO = ("yes", "no")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "overall": tuple(sorted(OVERALL)),
        "infection": tuple(sorted(INFECTION)),
        "sites": tuple(sorted(SITES)),
        "role": tuple(sorted(ROLES)),
        "response": tuple(sorted(RESPONSES)),
        "stones": tuple(sorted(STONES)),
        "gallbladder": tuple(sorted(GALLBLADDER)),
        "name": tuple(sorted(SYMPTOMS)),
        "kind": tuple(sorted(THERAPY_KINDS)),
        "completeness": ("R0", "R1", "R2"),
        "intent": ("curative", "palliative"),
        **dict.fromkeys(("node", "signed", "sludge", "murphy", "fluid", "cbd_stone", "present"), _YES_NO),
    }
)


def choices(kind: str, field: str) -> tuple[str, ...]:
    """The words a field takes; empty for a number or free text."""
    if field == "state":
        return tuple(sorted(LESION_STATES if kind == "lesion" else STATES))
    return CHOICES.get(field, ())


def typed_fields(kind: str, detail: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form for an entry of this kind; empty for a kind that has none."""
    if kind not in KINDS:
        return {}
    return {field: _typed(field, detail) for field in KINDS[kind][1]}


def read_fields(kind: str, said: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """The `detail` that the fields state. What the form does not hold stays as it was `before`. Raises Held."""
    read, fields = KINDS[kind]
    unknown = sorted(set(said) - set(fields))
    if unknown:
        raise Held("the form has no such field")
    own = {*fields, "diameter_tenths", "procedure"}
    return {name: value for name, value in before.items() if name not in own} | read(said)


def _typed(field: str, detail: Mapping[str, Any]) -> str:
    if field == "diameter_mm":
        tenths = detail.get("diameter_tenths")
        return "" if tenths is None else f"{tenths / 10:g}"
    value = detail.get("drug") or detail.get("procedure") if field == "drug" else detail.get(field)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
