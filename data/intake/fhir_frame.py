"""What every mapped FHIR resource shares: status, time, source and version, and reading concepts and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Raw

from clinical.analytes import by_loinc
from clinical.numbers import NumberError, parse_number
from data.intake.fhir_types import Concept, Medication, Period, Quantity, Reference, Resource, given
from data.intake.item import Held
from data.intake.moments import Moment, read_fhir_moment, refuse_future

LOINC = "http://loinc.org"
LOCAL = "urn:nadir:analyte"
UCUM = "http://unitsofmeasure.org"
RETRACTED = "entered-in-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a resource stands: its place, the moment of reading, whom a subject means, what a medication reference
    means."""

    where: str
    now: datetime
    full_url: str | None
    patient: Callable[[Reference | None, tuple[dict[str, Any], ...]], int]
    medication: Callable[[str], Medication | None]


def frame(
    type: str, resource: Resource, setting: Setting, *, status: str, moment: Moment | None, issued: str | None
) -> dict[str, Any]:
    """The fields of an item that come from the resource as a whole.

    Raises Held for a modifier that is not understood, an unknown patient, a missing or future time. A retraction may
    lack its time: it takes that of what it retracts.
    """
    if resource.modifier_extension:
        raise Held(
            f"modifierExtension {resource.modifier_extension[0].url!r} is not understood", "it may change the meaning"
        )
    if resource.implicit_rules is not None:
        raise Held(f"implicitRules {resource.implicit_rules!r} are not understood", "they may change the meaning")
    patient_id = setting.patient(resource.subject, resource.contained)
    known = None if issued is None else read_fhir_moment(issued)
    if moment is None and status != RETRACTED:
        raise Held("there is no time: when was this?", "send the effective time")
    if status != RETRACTED:
        for name, time in (("the time", moment), ("the time of issue", known)):
            if time is not None:
                refuse_future(time, setting.now, name)
    return {
        "patient_id": patient_id,
        "effective_at": None if moment is None else moment.at,
        "effective_text": "" if moment is None else moment.text,
        "precision": "day" if moment is None else moment.precision,
        "issued_at": None if known is None else known.at,
        "place": setting.where,
        "status": status,
        "source_id": _source_id(type, resource, setting.full_url),
        "source_version": _source_version(resource),
    }


def moment_of(date_time: str | None, period: Period | None) -> Moment | None:
    """The one moment a resource states: its date, or the start of its period (the end where it has no start)."""
    if date_time is not None:
        return read_fhir_moment(date_time)
    if period is not None and (period.start or period.end):
        return read_fhir_moment(period.start or period.end or "")
    return None


def number(raw: Raw, what: str) -> Decimal | None:
    """The exact decimal a JSON number was written as; None where there is none. Raises Held for anything else."""
    if not given(raw):
        return None
    literal = bytes(raw).decode("utf-8", "replace")
    shown = literal if len(literal) <= 40 else literal[:40] + "..."
    if literal[0] not in "-0123456789":
        raise Held(f"{what} {shown} is not a JSON number", "send the value as a number, without quotes")
    try:
        return parse_number(literal).value
    except NumberError as error:
        raise Held(f"{what}: {error}", "send a plain decimal number") from error


def unit_of(quantity: Quantity) -> str | None:
    """The unit a quantity was sent in: its UCUM code first, then its unit text."""
    code = quantity.code if quantity.system in (None, UCUM) else None
    return code or quantity.unit or None


def codes(concept: Concept | None, system: str) -> tuple[str, ...]:
    """The codes of one code system in a concept."""
    if concept is None:
        return ()
    return tuple(c.code for c in concept.coding if c.system == system and c.code)


def words(concept: Concept | None) -> str | None:
    """What a concept says: its text, else the first display, else the first code."""
    if concept is None:
        return None
    said = concept.text or next((c.display for c in concept.coding if c.display), None)
    said = said or next((c.code for c in concept.coding if c.code), None)
    return said.strip() or None if said is not None else None


def every_word(concept: Concept | None) -> str:
    """Text, displays and codes of a concept in one line, for recognising a drug or a procedure."""
    if concept is None:
        return ""
    parts = [concept.text or ""]
    for coding in concept.coding:
        rxnorm = coding.system is not None and "rxnorm" in coding.system
        parts += [coding.display or "", f"rxnorm:{coding.code}" if rxnorm else coding.code or ""]
    return " ".join(part for part in parts if part)


def who(reference: Reference | None) -> str | None:
    """A performer or laboratory as named: display, else its identifier, else the reference as it stands."""
    if reference is None:
        return None
    named = reference.display or (reference.identifier.value if reference.identifier else None)
    return named or reference.reference


def analyte_of(concept: Concept) -> tuple[str | None, str | None]:
    """The catalogue code a concept stands for and the LOINC code that said so; local codes where no LOINC code does.

    Raises Held where two codes disagree or one is known to be wrong.
    """
    loinc = codes(concept, LOINC)
    found = {code: by_loinc(code) for code in loinc}
    known = {analyte.code for analyte in found.values() if analyte is not None}
    local = {code for code in codes(concept, LOCAL)}
    if len(known | local) > 1 or (known and None in found.values()):
        said = ", ".join((*loinc, *sorted(local)))
        raise Held(f"the codes {said} do not name one thing", "send codes that agree")
    if known:
        return next(iter(known)), next(code for code, analyte in found.items() if analyte is not None)
    return (next(iter(local)), None) if local else (None, None)


def counted_code(type: str, concept: Concept | None) -> str:
    """What an unknown code is counted under: the type and the first code, without anything a person typed."""
    code = next((c.code for c in concept.coding if c.code), None) if concept is not None else None
    usable = code is not None and len(code) <= 64 and code.isascii() and code.isprintable()
    return f"{type} {code}" if usable else type


def _source_id(type: str, resource: Resource, full_url: str | None) -> str | None:
    id = resource.id or (full_url.removeprefix("urn:uuid:") if full_url and full_url.startswith("urn:uuid:") else None)
    return None if id is None else f"{type}/{id}"


def _source_version(resource: Resource) -> str | None:
    meta = resource.meta
    if meta is None:
        return None
    if meta.version_id is not None and (meta.version_id.isdecimal() or meta.last_updated is None):
        return meta.version_id
    return meta.last_updated
