"""A measurement group of a TID 1500 report -> one lesion on one scan, as every other format states it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clinical.numbers import NumberError, parse_number
from data.intake.coded import lesion_detail
from data.intake.dicom_read import Content, same
from data.intake.item import Held

LONG_AXIS = (("SCT", "103339001"), ("SCT", "G-A185"))
SHORT_AXIS = (("SCT", "103340004"), ("SCT", "G-A186"))
TRACKING = ("DCM", "112039")
TRACKING_UID = ("DCM", "112040")
FINDING = ("DCM", "121071")
SITE = (("SCT", "363698007"), ("SCT", "G-C0E3"))
LATERALITY = (("SCT", "272741003"), ("SCT", "G-C171"))
SESSION = ("NCIt", "C67447")
_NODE = re.compile(r"\blymph[ -]?nodes?\b|\blymphadenopathy\b", re.IGNORECASE)
_TARGET = tuple(("DCM", code) for code in ("112074", "112041", "112042", "112043", "112044"))
_NON_TARGET = tuple(("DCM", code) for code in ("112075", "112045", "112046", "112047"))
_ROLES = {"target lesion": "target", "non-target lesion": "non-target", "new lesion": "new"}
_MILLIMETRES = {"mm": Decimal(1), "cm": Decimal(10)}
NO_ROLE = "the report states no role: a tracked lesion that is measured is read as a target"


class Misplaced(Held):
    """What cannot be taken, with the content item it stands in."""

    def __init__(self, where: str, why: str, suggestion: str) -> None:
        super().__init__(why, suggestion)
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What every lesion of a report shares."""

    modality: str
    reader: str
    signed: bool


def is_measured(group: Content) -> bool:
    """Whether a measurement group gives an axis."""
    return any(True for _ in group.below(*LONG_AXIS, *SHORT_AXIS))


def text_of(group: Content, *codes: tuple[str, str]) -> str:
    """The text below a group with one of these names; empty where it has none."""
    return next((item.text.strip() for item in group.below(*codes) if item.text.strip()), "")


def lesion(group: Content, scan: Scan) -> dict[str, Any]:
    """The fields of `Lesion`: a node by its short axis, anything else by its long axis. Raises Held or Misplaced."""
    sites = [item for item in group.below(*SITE) if item.code is not None]
    if len(sites) > 1:
        raise Held("the group has several finding sites", "send one group for each lesion")
    long_axis, short_axis = _axis(group, "long axis", LONG_AXIS), _axis(group, "short axis", SHORT_AXIS)
    node = _is_node(group, sites)
    if node is None:
        if long_axis is not None and short_axis is not None:
            raise Held("there are two axes and no finding site says whether this is a node", "send the finding site")
        node = short_axis is not None
    size, other = (short_axis, long_axis) if node else (long_axis, short_axis)
    if size is None:
        needed = "a node is measured by its short axis" if node else "a lesion that is no node by its long axis"
        raise Held(f"{needed}, which is missing", "send that axis")
    role = _role(group)
    detail = lesion_detail(
        {
            "lesion": text_of(group, TRACKING) or text_of(group, TRACKING_UID),
            "site": _site(sites),
            "role": role or "target",
            "node": "1" if node else "0",
            "diameter_mm": str(size),
            "modality": scan.modality,
            "reader": scan.reader,
            "signed": "1" if scan.signed else "0",
        }
    )
    notes = [*detail.get("notes", ()), *([] if role else [NO_ROLE])]
    if other is not None:
        notes.append(f"{'long' if node else 'short'} axis {other} mm")
    return detail | ({"notes": notes} if notes else {})


def _axis(group: Content, what: str, codes: Sequence[tuple[str, str]]) -> Decimal | None:
    found = list(group.below(*codes))
    if not found:
        return None
    if len(found) > 1:
        raise Misplaced(found[1].path, f"the {what} stands twice", "send it once")
    item = found[0]
    if len(item.numbers) != 1 or not item.numbers[0].value:
        said = f" ({item.qualifier.meaning})" if item.qualifier is not None and item.qualifier.meaning else ""
        raise Misplaced(item.path, f"the {what} has no value{said}", "measure it, or leave the item out")
    number = item.numbers[0]
    unit = number.unit.value if number.unit is not None and number.unit.scheme == "UCUM" else None
    if unit not in _MILLIMETRES:
        shown = "without a unit" if number.unit is None else f"in {number.unit.scheme} {number.unit.value!r}"
        raise Misplaced(item.path, f"the {what} {number.value[:40]} {shown} is not a length", "send mm or cm in UCUM")
    try:
        parsed = parse_number(number.value)
    except NumberError as error:
        raise Misplaced(item.path, f"the {what}: {error}", "send a plain decimal number") from error
    if parsed.comparator is not None or parsed.value.is_signed():
        raise Misplaced(item.path, f"the {what} {number.value[:40]} is not a length", "send a plain decimal number")
    return parsed.value * _MILLIMETRES[unit]


def _is_node(group: Content, sites: Sequence[Content]) -> bool | None:
    """Whether site or finding say that this is a lymph node; None where there is no site."""
    said = [item.code for item in (*sites, *group.below(FINDING)) if item.code is not None]
    if any(same(code, ("SCT", "59441001"), ("SCT", "T-C4000")) or _NODE.search(code.meaning) for code in said):
        return True
    return False if sites else None


def _site(sites: Sequence[Content]) -> str:
    if not sites or sites[0].code is None:
        return ""
    sides = [item.code.meaning for item in sites[0].below(*LATERALITY) if item.code is not None]
    return ", ".join(part for part in (sites[0].code.meaning or sites[0].code.value, *sides) if part)


def _role(group: Content) -> str | None:
    said = [item.code for item in group.children if item.code is not None]
    roles = {_ROLES[code.meaning.casefold()] for code in said if code.meaning.casefold() in _ROLES}
    roles |= {"target" for code in said if same(code, *_TARGET)}
    roles |= {"non-target" for code in said if same(code, *_NON_TARGET)}
    if len(roles) > 1:
        raise Held(f"the lesion is called {' and '.join(sorted(roles))}", "send one role")
    return next(iter(roles), None)
