"""What every mapped FHIR resource shares: status, time, source and version, and reading concepts and numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from clinical.analytes import by_loinc
from clinical.numbers import NumberError, parse_number
from data.intake.fhir_types import Concept, Medication, Period, Quantity, Reference, Resource
from data.intake.item import Held
from data.intake.learned import NOTHING, Learned
from data.intake.moments import Moment, read_fhir_moment, refuse_future

LOINC = "http://loinc.org"
LOCAL = "urn:nadir:analyte"
UCUM = "http://unitsofmeasure.org"
WRITTEN = "urn:nadir:effective-text"
"""Extension of our own exports: the time as it was received, where FHIR cannot write it so (minutes, no seconds)."""
RETRACTED = "entered-in-error"
# The results of a laboratory repeat the same few codes, names, numbers and limits.
REPEATED = 8_192


class Setting(msgspec.Struct, kw_only=True, gc=False):
    """Where a resource stands: its place, the moment of reading, whom a subject means, what a medication reference
    means, how laboratories write."""

    where: str
    now: datetime
    full_url: str | None
    patient: Callable[[Reference | None, tuple[dict[str, Any], ...]], int]
    medication: Callable[[str], Medication | None]
    learned: Learned = NOTHING


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
    moment = _as_written(resource, moment)
    known = None if issued is None else read_fhir_moment(issued)
    if moment is None and status != RETRACTED:
        raise Held("there is no time: when was this?", "send the effective time")
    if status != RETRACTED:
        if moment is not None:
            refuse_future(moment, setting.now, "the time")
        if known is not None:
            refuse_future(known, setting.now, "the time of issue")
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


def _as_written(resource: Resource, moment: Moment | None) -> Moment | None:
    """The moment with the text and precision it was once received with, where the resource says so of this moment."""
    said = next((e.value_string for e in resource.extension if e.url == WRITTEN), None)
    if moment is None or said is None:
        return moment
    written = read_fhir_moment(said)
    return written if written.at == moment.at else moment


def moment_of(date_time: str | None, period: Period | None) -> Moment | None:
    """The one moment a resource states: its date, or the start of its period (the end where it has no start)."""
    if date_time is not None:
        return read_fhir_moment(date_time)
    if period is not None and (period.start or period.end):
        return read_fhir_moment(period.start or period.end or "")
    return None


def number(raw: Raw, what: str) -> Decimal | None:
    """The exact decimal a JSON number was written as; None where there is none. Raises Held for anything else."""
    json = bytes(raw)
    if json in (b"", b"null"):
        return None
    try:
        return _decimal(json)
    except Held as error:
        raise Held(f"{what}{error}", error.suggestion) from error


@lru_cache(maxsize=REPEATED)
def _decimal(json: bytes) -> Decimal:
    literal = json.decode("utf-8", "replace")
    shown = literal if len(literal) <= 40 else literal[:40] + "..."
    if literal[0] not in "-0123456789":
        raise Held(f" {shown} is not a JSON number", "send the value as a number, without quotes")
    try:
        return parse_number(literal).value
    except NumberError as error:
        raise Held(f": {error}", "send a plain decimal number") from error


def unit_of(quantity: Quantity) -> str | None:
    """The unit a quantity was sent in: its UCUM code first, then its unit text."""
    code = quantity.code if quantity.system in (None, UCUM) else None
    return code or quantity.unit or None


@lru_cache(maxsize=REPEATED)
def codes(concept: Concept | None, system: str) -> tuple[str, ...]:
    """The codes of one code system in a concept."""
    if concept is None:
        return ()
    return tuple(c.code for c in concept.coding if c.system == system and c.code)


@lru_cache(maxsize=REPEATED)
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


@lru_cache(maxsize=REPEATED)
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
