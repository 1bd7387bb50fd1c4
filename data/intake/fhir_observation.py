"""FHIR Observation -> results: numbers with their unit, comparator and range, texts, "sent, no result", components."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw

from clinical.analytes import CATALOGUE, by_loinc
from data.intake.fhir_frame import (
    LOCAL,
    LOINC,
    RETRACTED,
    Setting,
    analyte_of,
    codes,
    counted_code,
    frame,
    moment_of,
    number,
    unit_of,
    who,
    words,
)
from data.intake.fhir_types import NOTHING, Component, Concept, Observation, Quantity, ReferenceRange, Specimen, given
from data.intake.item import Held, Item
from data.intake.learned import Hand, Meaning
from data.intake.measured import limit, measure, property_note, refuse_contradiction
from data.intake.moments import Moment
from data.intake.parcel import Ignored

STATUSES = frozenset(("registered", "preliminary", "final", "amended", "corrected", "cancelled", "unknown", RETRACTED))
WITHOUT_VALUE = frozenset({"registered", "cancelled", RETRACTED})
COMPARATORS = frozenset({"<", "<=", ">=", ">"})
DISQUALIFIERS = frozenset(("haemolysed", "wrong-tube", "acute-illness", "rescue-glucagon", "decompensated-cirrhosis"))
NOT_THAT = {"1659-1": "LOINC 1659-1 is not a code for glucagon in serum or plasma"}
_MARKER_NAME = re.compile(r"\s*(glucagon|chromogranin)(?![- ]?like)\b", re.IGNORECASE)
_VALUES = (
    *("value_quantity", "value_codeable_concept", "value_string", "value_boolean", "value_integer", "value_range"),
    *("value_ratio", "value_sampled_data", "value_time", "value_date_time", "value_period"),
)
_value_fields = attrgetter(*_VALUES)


def observation_status(status: str | None) -> str:
    """The status of an Observation. Raises Held for one that FHIR does not know."""
    if status not in STATUSES:
        raise Held(f"status {status!r} is not a status of a result", f"one of {', '.join(sorted(STATUSES))}")
    return status


def observed_at(observation: Observation) -> Moment | None:
    """When it was observed: the effective time or the start of the period, else when the specimen was taken."""
    if given(observation.effective_timing):
        raise Held("effectiveTiming is not read", "send the time of this one result")
    moment = moment_of(observation.effective_date_time or observation.effective_instant, observation.effective_period)
    if moment is None:
        collected = _specimen(observation).collection.get("collectedDateTime")
        return moment_of(collected, None) if isinstance(collected, str) else None
    return moment


def results(observation: Observation, setting: Setting) -> Sequence[Item] | Ignored:
    """The results of an Observation and of its components whose codes the catalogue knows."""
    lab = who(observation.performer[0]) if observation.performer else None
    hand = setting.learned.of(lab)
    learned = _learned(observation.code, hand)
    analyte, loinc = analyte_of(observation.code) if learned is None else (learned.meant, None)
    parts = [(part, *analyte_of(part.code)) for part in observation.component] if observation.component else []
    known_parts = [(part, name, code) for part, name, code in parts if name in CATALOGUE]
    if analyte not in CATALOGUE and not known_parts:
        _refuse_mistaken(observation)
        return Ignored(counted_code("Observation", observation.code))
    status = observation_status(observation.status)
    shared = {
        **frame(
            "Observation",
            observation,
            setting,
            status=status,
            moment=observed_at(observation),
            issued=observation.issued,
        ),
        "kind": "lab",
        "lab": lab,
        "method": words(observation.method),
        "specimen": _filler(observation),
        "fasting": _fasting(observation, analyte),
    }
    disqualifiers = _disqualifiers(observation)
    items: list[Item] = []
    if analyte in CATALOGUE and (
        not known_parts or _has_value(observation) or observation.data_absent_reason is not None
    ):
        remarks = [] if learned is None else [learned.note]
        items.append(_result(observation, analyte or "", loinc, shared, disqualifiers, hand, remarks))
    for part, name, code in known_parts:
        of_part = {**shared, "fasting": None, "source_id": _part_id(shared["source_id"], name or "")}
        items.append(_result(part, name or "", code, of_part, disqualifiers, hand, []))
    return items


def _learned(concept: Concept, hand: Hand) -> Meaning | None:
    """What the laboratory means by its own code, where neither LOINC nor the catalogue names the result."""
    if codes(concept, LOINC) or codes(concept, LOCAL):
        return None
    return hand.code(*(coding.code for coding in concept.coding))


def _result(
    sent: Observation | Component,
    analyte: str,
    loinc: str | None,
    shared: dict[str, Any],
    disqualifiers: list[str],
    hand: Hand,
    remarks: list[str],
) -> Item:
    if isinstance(sent, Component) and sent.modifier_extension:
        url = sent.modifier_extension[0].url
        raise Held(f"modifierExtension {url!r} is not understood", "it may change the meaning")
    if len(_values(sent)) > 1:
        raise Held("there is more than one value", "send one value")
    detail: dict[str, Any] = {"disqualifiers": disqualifiers} if disqualifiers else {}
    if remarks:
        detail["notes"] = list(remarks)
    if sent.data_absent_reason is not None:
        found = _absent(sent, shared["status"], detail)
    else:
        found = _value(sent, analyte, loinc, shared["status"], detail, hand)
    fields = {**shared, "analyte": analyte, "interpretation": _interpretation(sent), "detail": detail or None, **found}
    return Item(**fields)


def _absent(sent: Observation | Component, status: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Sent without a result: a missing result is kept as missing."""
    if _has_value(sent):
        raise Held("there is a value and a dataAbsentReason", "send one of the two (FHIR invariant obs-6)")
    coding = sent.data_absent_reason.coding if sent.data_absent_reason is not None else ()
    coded = next((c.code for c in coding if c.code), None)
    detail["data_absent"] = coded or words(sent.data_absent_reason) or "unknown"
    if status in WITHOUT_VALUE:
        return {}
    if status != "final":
        detail["sent_status"] = status
    return {"status": "absent"}


def _value(
    sent: Observation | Component, analyte: str, loinc: str | None, status: str, detail: dict[str, Any], hand: Hand
) -> dict[str, Any]:
    if sent.value_quantity is not None:
        return _quantity(sent, sent.value_quantity, analyte, loinc, detail, hand)
    if sent.value_string is not None or sent.value_codeable_concept is not None:
        said = sent.value_string if sent.value_string is not None else words(sent.value_codeable_concept)
        if said is None or not said.strip():
            raise Held("the text of the result is empty", "send what was found, or a dataAbsentReason")
        return {"text": said} | _range(sent.reference_range, analyte, None, detail, hand)
    if given(sent.value_integer):
        return _count(sent.value_integer, analyte)
    if _has_value(sent):
        raise Held(f"the kind of value is not one that {analyte} can have", "send a Quantity or a text")
    if status not in WITHOUT_VALUE:
        raise Held("there is neither a value nor a dataAbsentReason", "send one of the two")
    return {}


def _quantity(
    sent: Observation | Component,
    quantity: Quantity,
    analyte: str,
    loinc: str | None,
    detail: dict[str, Any],
    hand: Hand,
) -> dict[str, Any]:
    value = number(quantity.value, "the value")
    if value is None:
        raise Held("the quantity has no value", "send a number, or a dataAbsentReason")
    if quantity.comparator is not None and quantity.comparator not in COMPARATORS:
        raise Held(f"comparator {quantity.comparator!r} is not one of < <= >= >", "send one of them or none")
    unit = unit_of(quantity)
    meaning = hand.unit(analyte, unit)
    meant = unit if meaning is None else meaning.meant
    if meaning is not None:
        detail.setdefault("notes", []).append(meaning.note)
    canonical = measure(analyte, value, meant)
    refuse_contradiction(analyte, unit or "", quantity.unit)
    note = property_note(analyte, loinc, meant or "") if loinc is not None else None
    if note is not None:
        detail.setdefault("notes", []).append(note)
    if quantity.unit is not None and quantity.unit != unit:
        detail["unit_text"] = quantity.unit
    return {
        "value": str(value),
        "comparator": quantity.comparator,
        "unit": unit,
        "canonical_value": canonical.value,
        "canonical_unit": canonical.unit,
    } | _range(sent.reference_range, analyte, unit, detail, hand)


def _count(sent: Raw, analyte: str) -> dict[str, Any]:
    """A bare whole number: only a count or score, whose code says its unit, can be one."""
    value = number(sent, "valueInteger")
    unit = CATALOGUE[analyte].canonical_unit if CATALOGUE[analyte].group == "symptom-score" else None
    if value is None:
        raise Held("valueInteger is empty", "send a number, or a dataAbsentReason")
    canonical = measure(analyte, value, unit)
    return {"value": str(value), "canonical_value": canonical.value, "canonical_unit": canonical.unit}


def _range(
    ranges: tuple[ReferenceRange, ...], analyte: str, unit: str | None, detail: dict[str, Any], hand: Hand
) -> dict[str, Any]:
    """The limits of the one range that applies to the result; what cannot be used is kept as text."""
    usual = [r for r in ranges if not r.applies_to and (r.type is None or "normal" in (c.code for c in r.type.coding))]
    chosen = usual[0] if len(usual) == 1 else ranges[0] if len(ranges) == 1 else None
    texts = [r.text for r in ranges if r.text]
    if texts:
        detail["ref_text"] = texts
    if chosen is None:
        if ranges:
            detail.setdefault("notes", []).append("several reference ranges were sent and none was chosen")
        return {}
    found: dict[str, Any] = {}
    for side, limit_sent in (("low", chosen.low), ("high", chosen.high)):
        if limit_sent is None:
            continue
        value = number(limit_sent.value, f"the {side} limit")
        if value is None:
            continue
        own_unit = unit_of(limit_sent) or unit
        meaning = hand.unit(analyte, own_unit)
        found[f"canonical_ref_{side}"] = limit(analyte, value, own_unit if meaning is None else meaning.meant)
        if own_unit == unit or unit is None:
            found[f"ref_{side}"] = str(value)
        else:
            detail.setdefault("notes", []).append(f"the {side} limit was sent as {value} {own_unit}")
    return found


def _refuse_mistaken(observation: Observation) -> None:
    for code in codes(observation.code, LOINC):
        if code in NOT_THAT:
            raise Held(NOT_THAT[code], "send 2338-2 (mass) or 15073-0 (amount of substance)")
    said = [observation.code.text, *(c.display for c in observation.code.coding if by_loinc(c.code or "") is None)]
    named = next((text for text in said if text and _MARKER_NAME.match(text)), None)
    if named is not None:
        raise Held(
            f"{named[:80]!r} names a marker, but no code of it is known", f"map the code, or send LOINC or {LOCAL}"
        )


def _has_value(sent: Observation | Component) -> bool:
    return bool(_values(sent))


def _values(sent: Observation | Component) -> list[Any]:
    return [value for value in _value_fields(sent) if value is not None and value is not NOTHING and given(value)]


def _interpretation(sent: Observation | Component) -> str | None:
    for concept in sent.interpretation:
        said = next((c.code for c in concept.coding if c.code), None) or words(concept)
        if said:
            return said
    return None


def _specimen(observation: Observation) -> Specimen:
    reference = observation.specimen.reference if observation.specimen is not None else None
    for inside in observation.contained:
        if inside.get("resourceType") == "Specimen" and reference == f"#{inside.get('id')}":
            try:
                return msgspec.convert(inside, Specimen)
            except msgspec.ValidationError as error:
                raise Held(f"the contained specimen cannot be read: {error}") from error
    return Specimen()


def _filler(observation: Observation) -> str | None:
    """The number the laboratory filed the result or its specimen under."""
    for identifier in observation.identifier:
        if identifier.value:
            return identifier.value
    inside = _specimen(observation)
    own = inside.accession_identifier or (inside.identifier[0] if inside.identifier else None)
    if own is not None and own.value:
        return own.value
    specimen = observation.specimen
    if specimen is None:
        return None
    if specimen.identifier is not None and specimen.identifier.value:
        return specimen.identifier.value
    return None if specimen.reference is None or specimen.reference.startswith("#") else specimen.reference


def _fasting(observation: Observation, analyte: str | None) -> bool | None:
    status = _specimen(observation).collection.get("fastingStatusCodeableConcept")
    if isinstance(status, dict) and isinstance(status.get("coding"), list):
        sent = {c.get("code") for c in status["coding"] if isinstance(c, dict)}
        if sent & {"F", "NF"}:
            return "F" in sent
    return True if analyte == "glucose-fasting" else None


def _disqualifiers(observation: Observation) -> list[str]:
    found: list[str] = []
    for part in observation.component:
        if "disqualifier" in codes(part.code, LOCAL):
            said = words(part.value_codeable_concept) or part.value_string
            if said is None or said not in DISQUALIFIERS:
                raise Held(f"disqualifier {said!r} is not known", f"one of {', '.join(sorted(DISQUALIFIERS))}")
            found.append(said)
    return found


def _part_id(source_id: str | None, analyte: str) -> str | None:
    return None if source_id is None else f"{source_id}#{analyte}"
