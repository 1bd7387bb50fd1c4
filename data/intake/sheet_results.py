"""A row of the long format -> one result."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from clinical.analytes import CATALOGUE, by_loinc
from clinical.numbers import NumberError, ParsedNumber, parse_number
from data.intake.coded import flag, text
from data.intake.item import RETRACTIONS, Held, Item
from data.intake.measured import limit, measure, property_note
from data.intake.parcel import Ignored
from data.intake.verdict import STATUS_RANK

if TYPE_CHECKING:
    from data.intake.sheets import Row

WORDS = frozenset({"normal", "high", "low", "elevated", "raised", "decreased", "positive", "negative"})
_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
# In a sheet with `;`, a comma before other than three digits separates no thousands: it can only be the decimal sign.
_DECIMAL_COMMA = re.compile(r"([<>]=?)?\s*([+-]?[0-9]+),([0-9]{1,2}|[0-9]{4,})")


def result_row(row: Row) -> Item | Ignored:
    """The result a row states; a LOINC code outside the catalogue is ignored. Raises Held for what cannot be read."""
    cells = row.cells
    hand = row.learned.of(text(cells, "lab"))
    learned = None if _known(cells["analyte"]) else hand.code(cells["analyte"])
    analyte, loinc = _analyte(cells["analyte"]) if learned is None else (learned.meant, None)
    if analyte is None:
        return Ignored(f"row {cells['analyte']}")
    status = (cells.get("status") or "final").casefold()
    if status not in STATUS_RANK:
        raise Held(f"status {status!r} is not known", f"one of {', '.join(sorted(STATUS_RANK))}")
    id = text(cells, "id")
    found: dict[str, Any] = {}
    detail: dict[str, Any] = {}
    if not cells["value"]:
        if status not in (*RETRACTIONS, "absent", "registered"):
            raise Held("the value is empty", "send the value, or status absent where there was no result")
    elif status == "absent":
        raise Held("there is a value and the status absent", "send one of the two")
    elif cells["value"].casefold() in WORDS:
        found = {"text": cells["value"]}
    else:
        meaning = hand.unit(analyte, cells["unit"])
        meant = cells["unit"] if meaning is None else meaning.meant
        found = _number(cells, analyte, row.decimal_comma, meant)
        said = property_note(analyte, loinc, meant) if loinc is not None else None
        notes = [note for note in (said, None if meaning is None else meaning.note) if note is not None]
        detail = {"notes": notes} if notes else {}
    if learned is not None:
        detail["notes"] = [*detail.get("notes", ()), learned.note]
    if cells.get("note"):
        detail["note"] = cells["note"]
    return Item(
        patient_id=row.patient_id,
        kind="lab",
        analyte=analyte,
        effective_at=row.moment.at,
        effective_text=row.moment.text,
        precision=row.moment.precision,
        place=row.where,
        lab=text(cells, "lab"),
        method=text(cells, "method"),
        fasting=True if analyte == "glucose-fasting" else flag(cells, "fasting"),
        specimen=id,
        source_id=None if id is None else f"id:{id}",
        status=status,
        detail=detail or None,
        **found,
    )


def _known(said: str) -> bool:
    return said in CATALOGUE or _LOINC.fullmatch(said) is not None


def _analyte(said: str) -> tuple[str | None, str | None]:
    if said in CATALOGUE:
        return said, None
    found = by_loinc(said)
    if found is not None:
        return found.code, said
    if _LOINC.fullmatch(said):
        return None, said
    raise Held(f"analyte {said!r} is not in the catalogue", "send a catalogue code or a LOINC code")


def _number(cells: Any, analyte: str, comma: bool, meant: str) -> dict[str, Any]:
    parsed = _parsed(cells["value"], "value", comma)
    told = cells.get("comparator") or None
    if told is not None and told not in ("<", "<=", ">", ">="):
        raise Held(f"comparator {told!r} is not one of < <= > >=", "send one of them or none")
    if told is not None and parsed.comparator is not None and told != parsed.comparator:
        raise Held(f"the value says {parsed.comparator!r}, the comparator column {told!r}", "send one of the two")
    canonical = measure(analyte, parsed.value, meant)
    low, high = _limit(cells, "ref_low", comma), _limit(cells, "ref_high", comma)
    return {
        "value": str(parsed.value),
        "comparator": told or parsed.comparator,
        "unit": cells["unit"],
        "canonical_value": canonical.value,
        "canonical_unit": canonical.unit,
        "ref_low": None if low is None else str(low),
        "ref_high": None if high is None else str(high),
        "canonical_ref_low": limit(analyte, low, meant),
        "canonical_ref_high": limit(analyte, high, meant),
    }


def _limit(cells: Any, name: str, comma: bool) -> Decimal | None:
    said = cells.get(name)
    if not said:
        return None
    parsed = _parsed(said, name, comma)
    if parsed.comparator is not None:
        raise Held(f"{name} {said!r} has a comparator", "send a plain number")
    return parsed.value


def _parsed(said: str, name: str, comma: bool) -> ParsedNumber:
    parts = _DECIMAL_COMMA.fullmatch(said) if comma else None
    try:
        return parse_number(f"{parts[1] or ''}{parts[2]}.{parts[3]}" if parts else said)
    except NumberError as error:
        raise Held(f"{name}: {error}", "send a plain decimal number") from error
