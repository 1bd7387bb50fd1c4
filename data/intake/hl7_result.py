"""OBX -> one result: its number with comparator, unit and range, or its text, as the laboratory sent them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from clinical.numbers import NumberError, ParsedNumber, parse_number
from data.intake.hl7_codes import codings, status_of
from data.intake.hl7_message import Segment
from data.intake.hl7_time import offset_of, read_time, version_of
from data.intake.item import RETRACTIONS, Held, Item
from data.intake.learned import NO_HAND, Hand
from data.intake.measured import limit, measure, property_note, refuse_contradiction
from data.intake.moments import Moment, refuse_future

_TEXT = frozenset({"ST", "TX", "FT", "IS", "ID"})
_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_COMPARATORS = frozenset({"", "=", "<", "<=", ">", ">="})
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_BETWEEN = re.compile(rf"\s*({_NUMBER})\s*(?:-|to)\s*({_NUMBER})\s*")
_BEYOND = re.compile(rf"\s*([<>])=?\s*({_NUMBER})\s*")
_FIRST_OF_ITS_KIND = frozenset({"", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """An OBX among the segments that say the rest of it. `told_apart` is what tells it from its equals in the message
    where neither code nor sub-id does."""

    where: str
    header: Segment
    orc: Segment | None
    obr: Segment | None
    obx: Segment
    told_apart: str = ""


def said_time(observed: Observed) -> str:
    """When it was observed, as written: OBX-14, else OBR-7."""
    return observed.obx.part(14) or (observed.obr.part(7) if observed.obr is not None else "")


def _moment(observed: Observed, zone: ZoneInfo | None) -> Moment | None:
    said = said_time(observed)
    return read_time(said, offset=offset_of(observed.header), zone=zone) if said else None


def filler_of(observed: Observed) -> str:
    """The number the laboratory filed the result under."""
    return _order_part(observed, 3, 1)


def result(
    observed: Observed,
    analyte: str,
    loinc: str | None,
    *,
    patient_id: int,
    now: datetime,
    zone: ZoneInfo | None,
    hand: Hand = NO_HAND,
) -> Item:
    """The result an OBX of a known code states. Raises Held for what cannot be read."""
    obx = observed.obx
    status = status_of(obx, observed.obr)
    moment = _moment(observed, zone)
    if moment is None and status != "entered-in-error":
        raise Held("there is no time: when was this?", "send OBX-14 or OBR-7")
    if moment is not None and status != "entered-in-error":
        refuse_future(moment, now)
    detail: dict[str, Any] = {}
    found = _value(obx, analyte, loinc, status, detail, hand)
    filler = filler_of(observed)
    return Item(
        patient_id=patient_id,
        kind="lab",
        analyte=analyte,
        effective_at=None if moment is None else moment.at,
        effective_text="" if moment is None else moment.text,
        precision="day" if moment is None else moment.precision,
        place=observed.where,
        interpretation=obx.part(8) or obx.part(8, 2) or None,
        lab=laboratory(observed),
        method=obx.part(17, 2) or obx.part(17, 1) or None,
        fasting=True if analyte == "glucose-fasting" else None,
        specimen=f"{filler}{_apart(observed)}" if filler else None,
        status=status,
        source_id=_source_id(observed),
        source_version=version_of(observed.header, zone),
        detail=detail or None,
        **found,
    )


def _value(
    obx: Segment, analyte: str, loinc: str | None, status: str, detail: dict[str, Any], hand: Hand
) -> dict[str, Any]:
    kind = obx.part(2).upper()
    sent = obx.repetitions(5)
    if not any(part.strip(f" {obx.signs.component}{obx.signs.subcomponent}") for part in sent):
        if status not in (*RETRACTIONS, "absent", "registered"):
            raise Held("there is no value (OBX-5)", "send the value, or OBX-11 X where there will be none")
        return {}
    if status == "absent":
        raise Held("there is a value and OBX-11 says that it was not asked for", "send one of the two")
    if kind in _TEXT:
        unit = obx.part(6) or obx.part(6, 2)
        if unit:
            detail["unit_text"] = unit
        return {"text": obx.text(5)} | _range(obx, analyte, None, detail)
    if kind in _CODED:
        said = next(filter(None, (obx.part(5, component) for component in (9, 2, 5, 1, 4))), "")
        return {"text": said} | _range(obx, analyte, None, detail)
    if kind not in ("NM", "SN"):
        raise Held(f"OBX-2 {kind!r} is not a type of value that {analyte} can have", "send NM, SN, a text or a code")
    if len(sent) > 1:
        raise Held("there is more than one value", "send one OBX for each")
    parsed = _structured(obx) if kind == "SN" else _parsed(obx.text(5), "OBX-5")
    return _number(obx, parsed, analyte, loinc, detail, hand)


def _structured(obx: Segment) -> ParsedNumber:
    comparator, number, sign, second = (obx.part(5, component) for component in (1, 2, 3, 4))
    if sign or second:
        raise Held(f"OBX-5 {obx.raw(5)[:40]!r} is a range or a ratio", "send one number")
    if comparator not in _COMPARATORS:
        raise Held(f"comparator {comparator!r} is not one of < <= >= >", "send one of them or none")
    parsed = _parsed(f"{comparator.strip('=') if comparator == '=' else comparator}{number}", "OBX-5")
    if comparator not in ("", "=") and parsed.comparator != comparator:
        raise Held(f"OBX-5 {obx.raw(5)[:40]!r} has two comparators", "send one of them")
    return parsed


def _number(
    obx: Segment, parsed: ParsedNumber, analyte: str, loinc: str | None, detail: dict[str, Any], hand: Hand
) -> dict[str, Any]:
    unit = _unit(obx, analyte)
    meaning = hand.unit(analyte, unit)
    meant = unit if meaning is None else meaning.meant
    canonical = measure(analyte, parsed.value, meant)
    note = property_note(analyte, loinc, meant or "") if loinc is not None else None
    notes = [said for said in (note, None if meaning is None else meaning.note) if said is not None]
    if notes:
        detail["notes"] = notes
    return {
        "value": str(parsed.value),
        "comparator": parsed.comparator,
        "unit": unit,
        "canonical_value": canonical.value,
        "canonical_unit": canonical.unit,
    } | _range(obx, analyte, meant, detail)


def _unit(obx: Segment, analyte: str) -> str | None:
    """The unit of OBX-6: the code that says it is UCUM, else a code without a system, else the text."""
    sent = codings(obx, 6)
    if not sent:
        return None
    coded = [code for code, _, system in sent if code and system.upper() == "UCUM"]
    coded += [code for code, _, system in sent if code and not system]
    unit = next((u for u in (*coded, *(text for _, text, _ in sent), *(code for code, _, _ in sent)) if u), None)
    for code, text, _ in sent:
        for other in (code, text):
            refuse_contradiction(analyte, unit or "", other or None)
    return unit


def _range(obx: Segment, analyte: str, unit: str | None, detail: dict[str, Any]) -> dict[str, Any]:
    """The limits of OBX-7; what is no plain range is kept as text."""
    said = obx.text(7).strip()
    if not said:
        return {}
    low = high = None
    between, beyond = _BETWEEN.fullmatch(said), _BEYOND.fullmatch(said)
    if between is not None and Decimal(between[1]) <= Decimal(between[2]):
        low, high = Decimal(between[1]), Decimal(between[2])
    elif beyond is not None and beyond[1] == "<":
        high = Decimal(beyond[2])
    elif beyond is not None:
        low = Decimal(beyond[2])
    else:
        detail["ref_text"] = [said]
    found: dict[str, Any] = {}
    for side, value in (("low", low), ("high", high)):
        if value is not None:
            found[f"ref_{side}"] = str(value)
            found[f"canonical_ref_{side}"] = limit(analyte, value, unit)
    return found


def laboratory(observed: Observed) -> str | None:
    """The laboratory: who performed it (OBX-23, OBX-15), else who sent the message. OBR-24 names a section, not a
    laboratory."""
    obx = observed.obx
    return obx.part(23) or obx.part(15, 2) or obx.part(15) or observed.header.part(4, 1) or None


def _source_id(observed: Observed) -> str | None:
    """What every later version of this result repeats: the laboratory's or the orderer's number, code, sub-id, and the
    day: many laboratories count anew each day."""
    parts = [filler_of(observed), _order_part(observed, 3, 2) or observed.header.part(4)]
    if not parts[0]:
        parts = ["placer", _order_part(observed, 2, 1), _order_part(observed, 2, 2) or observed.header.part(4)]
        if not parts[1]:
            return None
    code = observed.obx.part(3, 1) or observed.obx.part(3, 4)
    return (
        "OBX/"
        + "/".join(part.replace("/", "%2F") for part in (*parts, code, said_time(observed)[:8]))
        + _apart(observed)
    )


def _order_part(observed: Observed, field: int, component: int) -> str:
    """A part of the placer (2) or filler (3) number: OBR's, else ORC's."""
    for segment in (observed.obr, observed.orc):
        if segment is not None and segment.part(field):
            return segment.part(field, component)
    return ""


def _apart(observed: Observed) -> str:
    """What tells a result from others of its code and order. The first of a series is named like one that stands
    alone, so that laboratories which always number from 1 and other formats mean the same result."""
    sub_id = observed.obx.part(4)
    named = "" if sub_id in _FIRST_OF_ITS_KIND else f"#{sub_id}"
    return f"{named}@{observed.told_apart}" if observed.told_apart else named


def _parsed(said: str, name: str) -> ParsedNumber:
    try:
        return parse_number(said)
    except NumberError as error:
        raise Held(f"{name}: {error}", "send a plain decimal number") from error
