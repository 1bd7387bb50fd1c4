"""FHIR therapy: drugs given, stated or ordered, and procedures."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from clinical.therapy import drug_named, is_analogue, procedure_named
from data.intake.coded import therapy_detail
from data.intake.fhir_frame import (
    RETRACTED,
    Setting,
    codes,
    counted_code,
    every_word,
    frame,
    moment_of,
    number,
    unit_of,
    words,
)
from data.intake.fhir_types import (
    Concept,
    Dosage,
    Medicated,
    Medication,
    MedicationAdministration,
    MedicationRequest,
    MedicationStatement,
    Procedure,
    Resource,
)
from data.intake.item import Held, Item
from data.intake.moments import Moment, read_fhir_moment
from data.intake.parcel import Ignored

DRUG = "urn:nadir:drug"
PROCEDURE = "urn:nadir:procedure"
TOLD = "urn:nadir:therapy/"
"""Extensions of our own exports: fields of a therapy that FHIR has no element for, as texts."""
_TOLD = frozenset({"kind", "planned_next", "decided_by", "interval_days", "dose", "unit", "route"})
_DAYS = {"d": 1, "wk": 7}
_NOT_GIVEN = frozenset({"not-done", "intended", "draft", "cancelled", "preparation"})
_ENDED = frozenset({"stopped", "not-taken"})
_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})


def administration(resource: MedicationAdministration, setting: Setting) -> Sequence[Item] | Ignored:
    """A drug that was given: an injection of an analogue, else a dose."""
    concept = _concept(resource, setting)
    drug = drug_named(_named(concept))
    if drug is None:
        return Ignored(counted_code("MedicationAdministration", concept))
    if resource.status in _NOT_GIVEN:
        return Ignored(f"MedicationAdministration {resource.status}")
    kind = _told(resource).get("kind") or ("injection" if is_analogue(drug) else "dose")
    moment = moment_of(resource.effective_date_time, resource.effective_period)
    return [_step(resource, setting, concept, resource.dosage, kind, moment, "MedicationAdministration")]


def statement(resource: MedicationStatement, setting: Setting) -> Sequence[Item] | Ignored:
    """A course of a drug: its start, and its stop where it has ended."""
    concept = _concept(resource, setting)
    if drug_named(_named(concept)) is None:
        return Ignored(counted_code("MedicationStatement", concept))
    if resource.status in _NOT_GIVEN:
        return Ignored(f"MedicationStatement {resource.status}")
    period, kind = resource.effective_period, _told(resource).get("kind")
    if kind is not None:
        dosage = resource.dosage[0] if resource.dosage else None
        moment = moment_of(resource.effective_date_time, period)
        return [_step(resource, setting, concept, dosage, kind, moment, "MedicationStatement")]
    # A period that only ends is a stop; that its start is unknown starts nothing.
    start = moment_of(resource.effective_date_time, period if period is not None and period.start else None)
    end = read_fhir_moment(period.end) if period is not None and period.end else None
    if resource.status in _ENDED and end is None:
        start, end = (start, None) if period is not None else (None, start)
        if end is None:
            raise Held(f"a course with status {resource.status} has no end", "send effectivePeriod.end")
    dosage = resource.dosage[0] if resource.dosage else None
    return _course(resource, setting, concept, dosage, start, end, "MedicationStatement")


def request(resource: MedicationRequest, setting: Setting) -> Sequence[Item] | Ignored:
    """An order in force: a start on the day it was written, and a stop where its validity has ended."""
    concept = _concept(resource, setting)
    if drug_named(every_word(concept)) is None:
        return Ignored(counted_code("MedicationRequest", concept))
    if resource.intent not in _ORDERS or resource.do_not_perform:
        return Ignored("MedicationRequest " + ("do-not-perform" if resource.do_not_perform else "no order"))
    if resource.status in _NOT_GIVEN:
        return Ignored(f"MedicationRequest {resource.status}")
    if resource.status == "on-hold":
        raise Held("the order is on hold", "send the stop and the new start with their dates")
    dosage = resource.dosage_instruction[0] if resource.dosage_instruction else None
    repeat = dosage.timing.repeat if dosage is not None and dosage.timing is not None else None
    bounds = repeat.bounds_period if repeat is not None else None
    ended = resource.status in ("stopped", "completed")
    end = read_fhir_moment(bounds.end) if ended and bounds is not None and bounds.end else None
    if resource.status == "stopped" and end is None:
        raise Held("a stopped order does not say when it was stopped", "send the end of its period")
    start = moment_of(bounds.start if bounds is not None and bounds.start else resource.authored_on, None)
    return _course(resource, setting, concept, dosage, start, end, "MedicationRequest")


def procedure(resource: Procedure, setting: Setting) -> Sequence[Item] | Ignored:
    """An operation or another procedure on the tumour, its metastases or the gallbladder."""
    named = every_word(resource.code)
    if procedure_named(named) is None:
        return Ignored(counted_code("Procedure", resource.code))
    if resource.status in _NOT_GIVEN:
        return Ignored(f"Procedure {resource.status}")
    outcome = every_word(resource.outcome).split()
    category = every_word(resource.category).casefold().split()
    sent = {
        **_told(resource),
        "kind": "procedure",
        "drug": named,
        "completeness": next((word for word in outcome if word in ("R0", "R1", "R2")), ""),
        "intent": next((word for word in category if word in ("curative", "palliative")), ""),
        "note": _remark(resource, resource.code, PROCEDURE),
    }
    if resource.performed_string is not None:
        raise Held(f"performedString {resource.performed_string[:40]!r} is no date", "send performedDateTime")
    moment = moment_of(resource.performed_date_time, resource.performed_period)
    fields = frame("Procedure", resource, setting, status=_status(resource.status), moment=moment, issued=None)
    return [_therapy(fields, sent)]


def _course(
    resource: Medicated,
    setting: Setting,
    concept: Concept,
    dosage: Dosage | None,
    start: Moment | None,
    end: Moment | None,
    type: str,
) -> list[Item]:
    items = []
    if start is not None or end is None:
        items.append(_step(resource, setting, concept, dosage, "start", start, type))
    if end is not None:
        items.append(_step(resource, setting, concept, None, "stop", end, type))
    return items


def _step(
    resource: Medicated,
    setting: Setting,
    concept: Concept,
    dosage: Dosage | None,
    kind: str,
    moment: Moment | None,
    type: str,
) -> Item:
    note = _remark(resource, concept, DRUG)
    sent = {"drug": _named(concept), "note": note, **_dosage(dosage), **_told(resource), "kind": kind}
    fields: dict[str, Any] = frame(type, resource, setting, status=_status(resource.status), moment=moment, issued=None)
    if kind in ("start", "stop") and fields["source_id"] is not None:
        fields["source_id"] += f"#{kind}"
    return _therapy(fields, sent)


def _therapy(fields: dict[str, Any], sent: dict[str, str]) -> Item:
    detail = therapy_detail(sent)
    return Item(**fields, kind="therapy", detail=detail, value=sent.get("dose") or None, unit=sent.get("unit") or None)


def _told(resource: Resource) -> dict[str, str]:
    """The fields our own export carried as texts."""
    named = ((e.url.removeprefix(TOLD), e.value_string) for e in resource.extension if e.url and e.url.startswith(TOLD))
    return {name: said for name, said in named if name in _TOLD and said is not None}


def _named(concept: Concept) -> str:
    """What the concept says of its drug: our own name for it where it has one, else all its words and codes."""
    return next(iter(codes(concept, DRUG)), None) or every_word(concept)


def _remark(resource: Resource, concept: Concept, own: str) -> str:
    """The words the drug or procedure was named with; a resource of our own export has them as its notes."""
    if codes(concept, own):
        return "; ".join(note.text for note in resource.note if note.text)
    return words(concept) or ""


def _dosage(dosage: Dosage | None) -> dict[str, str]:
    if dosage is None:
        return {}
    quantity = dosage.dose or next((d.dose_quantity for d in dosage.dose_and_rate if d.dose_quantity is not None), None)
    found = {"route": words(dosage.route) or ""}
    if quantity is not None:
        value = number(quantity.value, "the dose")
        found |= {"dose": "" if value is None else str(value), "unit": unit_of(quantity) or ""}
    repeat = dosage.timing.repeat if dosage.timing is not None else None
    if repeat is not None and repeat.period_unit in _DAYS:
        period = number(repeat.period, "the period") or Decimal(0)
        days = period * _DAYS[repeat.period_unit] / (number(repeat.frequency, "the frequency") or Decimal(1))
        if days >= 1 and days == days.to_integral_value():
            found["interval_days"] = str(int(days))
    return found


def _concept(resource: Medicated, setting: Setting) -> Concept:
    if resource.medication_codeable_concept is not None:
        return resource.medication_codeable_concept
    reference = resource.medication_reference
    if reference is None:
        return Concept()
    text = reference.reference or ""
    medication = _contained(resource.contained, text[1:]) if text.startswith("#") else setting.medication(text)
    if medication is not None and medication.code is not None:
        return medication.code
    return Concept(text=reference.display)


def _contained(resources: tuple[dict[str, Any], ...], id: str) -> Medication | None:
    inside = next((c for c in resources if c.get("id") == id and c.get("resourceType") == "Medication"), None)
    if inside is None:
        return None
    try:
        return msgspec.convert(inside, Medication)
    except msgspec.ValidationError as error:
        raise Held(f"the contained medication cannot be read: {error}") from error


def _status(status: str | None) -> str:
    return RETRACTED if status == RETRACTED else "final"
