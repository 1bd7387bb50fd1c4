"""The parts of FHIR R4 resources that Nadir reads, typed; what is not named here is skipped.

A number stays the bytes it was written with (`msgspec.Raw`): `118.00` keeps its places, `"118"` is seen to be text.
Names are FHIR's, in snake case. HL7 FHIR R4 (4.0.1), resource definitions.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

NOTHING = Raw()


def given(value: Any) -> bool:
    """Whether a field was sent; a JSON null was not."""
    return value is not None and not (isinstance(value, Raw) and bytes(value) in (b"", b"null"))


class Part(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """Base of every part: camel case outside, snake case inside; a tree that never refers to itself."""


class Coding(Part, frozen=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(Part, frozen=True):
    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Quantity(Part, frozen=True):
    value: Raw = NOTHING
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(Part, frozen=True):
    start: str | None = None
    end: str | None = None


class Identifier(Part, frozen=True):
    type: Concept | None = None
    system: str | None = None
    value: str | None = None
    use: str | None = None


class Reference(Part, frozen=True):
    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Extension(Part, frozen=True):
    url: str | None = None
    value_string: str | None = None
    value_code: str | None = None
    value_codeable_concept: Concept | None = None


class Meta(Part, frozen=True):
    version_id: str | None = None
    last_updated: str | None = None


class ReferenceRange(Part, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None
    type: Concept | None = None
    applies_to: tuple[Concept, ...] = ()
    text: str | None = None


class Note(Part, frozen=True):
    text: str | None = None


class Component(Part, frozen=True):
    """One part of an Observation: a code, one value and its range."""

    code: Concept = msgspec.field(default_factory=Concept)
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: Raw = NOTHING
    value_range: Raw = NOTHING
    value_ratio: Raw = NOTHING
    value_sampled_data: Raw = NOTHING
    value_time: Raw = NOTHING
    value_date_time: str | None = None
    value_period: Raw = NOTHING
    data_absent_reason: Concept | None = None
    interpretation: tuple[Concept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()
    modifier_extension: tuple[Extension, ...] = ()


class Resource(Part, frozen=True):
    """What every resource read here has."""

    id: str | None = None
    meta: Meta | None = None
    implicit_rules: str | None = None
    contained: tuple[dict[str, Any], ...] = ()
    extension: tuple[Extension, ...] = ()
    modifier_extension: tuple[Extension, ...] = ()
    status: str | None = None
    subject: Reference | None = None
    identifier: tuple[Identifier, ...] = ()
    note: tuple[Note, ...] = ()


class Observation(Resource, frozen=True):
    code: Concept = msgspec.field(default_factory=Concept)
    effective_date_time: str | None = None
    effective_period: Period | None = None
    effective_instant: str | None = None
    effective_timing: Raw = NOTHING
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: Raw = NOTHING
    value_range: Raw = NOTHING
    value_ratio: Raw = NOTHING
    value_sampled_data: Raw = NOTHING
    value_time: Raw = NOTHING
    value_date_time: str | None = None
    value_period: Raw = NOTHING
    data_absent_reason: Concept | None = None
    interpretation: tuple[Concept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()
    body_site: Concept | None = None
    method: Concept | None = None
    specimen: Reference | None = None
    focus: tuple[Reference, ...] = ()
    component: tuple[Component, ...] = ()


class HumanName(Part, frozen=True):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: tuple[str, ...] = ()


class PatientLink(Part, frozen=True):
    other: Reference | None = None
    type: str | None = None


class Patient(Resource, frozen=True):
    name: tuple[HumanName, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    link: tuple[PatientLink, ...] = ()


class DiagnosticReport(Resource, frozen=True):
    category: tuple[Concept, ...] = ()
    code: Concept = msgspec.field(default_factory=Concept)
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    conclusion: str | None = None
    conclusion_code: tuple[Concept, ...] = ()


class Series(Part, frozen=True):
    modality: Coding | None = None
    body_site: Coding | None = None


class ImagingStudy(Resource, frozen=True):
    modality: tuple[Coding, ...] = ()
    started: str | None = None
    description: str | None = None
    series: tuple[Series, ...] = ()


class Repeat(Part, frozen=True):
    frequency: Raw = NOTHING
    period: Raw = NOTHING
    period_unit: str | None = None
    bounds_period: Period | None = None


class Timing(Part, frozen=True):
    repeat: Repeat | None = None


class DoseAndRate(Part, frozen=True):
    dose_quantity: Quantity | None = None


class Dosage(Part, frozen=True):
    text: str | None = None
    timing: Timing | None = None
    route: Concept | None = None
    dose: Quantity | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()


class Medication(Resource, frozen=True):
    code: Concept | None = None


class Medicated(Resource, frozen=True):
    """What the three medication resources share."""

    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None


class MedicationAdministration(Medicated, frozen=True):
    effective_date_time: str | None = None
    effective_period: Period | None = None
    dosage: Dosage | None = None


class MedicationStatement(Medicated, frozen=True):
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    dosage: tuple[Dosage, ...] = ()


class MedicationRequest(Medicated, frozen=True):
    intent: str | None = None
    authored_on: str | None = None
    do_not_perform: bool | None = None
    dosage_instruction: tuple[Dosage, ...] = ()


class Procedure(Resource, frozen=True):
    code: Concept = msgspec.field(default_factory=Concept)
    category: Concept | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    performed_string: str | None = None
    outcome: Concept | None = None


class Condition(Resource, frozen=True):
    code: Concept = msgspec.field(default_factory=Concept)
    category: tuple[Concept, ...] = ()
    verification_status: Concept | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None


class Head(Part, frozen=True):
    """Enough of any resource to know what it is."""

    resource_type: str | None = None
    id: str | None = None


class Sketch(Part, frozen=True):
    """Enough of a resource to know whether it came before."""

    id: str | None = None
    subject: Reference | None = None
    contained: tuple[Raw, ...] = ()


class Request(Part, frozen=True):
    method: str | None = None
    url: str | None = None


class BundleEntry(Part, frozen=True):
    full_url: str | None = None
    resource: Raw = NOTHING
    request: Request | None = None


class Bundle(Part, frozen=True):
    type: str | None = None
    entry: tuple[BundleEntry, ...] = ()


class Specimen(Part, frozen=True):
    """A contained specimen, for its number and the fasting state."""

    identifier: tuple[Identifier, ...] = ()
    accession_identifier: Identifier | None = None
    collection: dict[str, Any] = {}
