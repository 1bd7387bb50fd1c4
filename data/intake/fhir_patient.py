"""FHIR Patient -> who the file is about, and FHIR references -> which of them an item means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from operator import eq
from typing import Any

import msgspec

from data.intake.fhir_types import Identifier, Patient, PatientLink, Reference
from data.intake.identity import FHIR_ID, PatientFacts
from data.intake.item import Held
from data.intake.moments import read_fhir_moment, refuse_future

# Numbers of the state and of insurers are not needed to follow a patient and are not kept.
NOT_KEPT = frozenset({"SS", "SB", "DL", "PPN", "TAX", "NIIP"})
LONGEST_NAME = 300
_SEXES = {"female": "female", "male": "male", "other": "other"}
_HISTORY = re.compile(r"/_history/[^/]*$")


def patient_facts(patient: Patient, full_url: str | None, now: datetime) -> PatientFacts:
    """The patient a resource states. Raises Held where it cannot be used as it is."""
    references = _references(patient, full_url)
    main = next((i for i in patient.identifier if _is(i, "MR") and i.value), None)
    main = main or next((i for i in patient.identifier if i.value), None)
    if main is None and patient.id is None:
        raise Held("the patient has neither an identifier nor an id", "send the hospital's number as identifier")
    mrn, system = (patient.id, FHIR_ID) if main is None else (main.value, main.system)
    numbers = {
        (i.system, i.value)
        for i in patient.identifier
        if i.system and i.value and not any(_is(i, kind) for kind in NOT_KEPT)
    }
    if any(
        len(text) > LONGEST_NAME or "\x00" in text
        for pair in (*numbers, *((r, "") for r in references))
        for text in pair
    ):
        raise Held(f"an identifier is longer than {LONGEST_NAME} characters or holds a NUL character", "shorten it")
    return PatientFacts(
        mrn=mrn or "",
        system=system,
        name=_name(patient),
        birth_date=_birth_date(patient.birth_date),
        sex=_SEXES.get(patient.gender or ""),
        deceased_at=_deceased(patient, now),
        numbers=tuple(sorted(numbers)),
        references=references,
        links=tuple(found for link in patient.link if (found := _link(link)) is not None),
    )


def _link(link: PatientLink) -> tuple[str, str] | None:
    """How the patient is linked, and to which reference or number; None where it is a link to nobody named."""
    other = link.other
    said = None if other is None else other.reference or (other.identifier.value if other.identifier else None)
    if said is None or len(said) > LONGEST_NAME:
        if link.type in ("replaced-by", "replaces"):
            raise Held("the patient is linked to another one by a merge", "send the other one's reference or number")
        return None
    return link.type or "seealso", _names(said)[-1]


@dataclass(slots=True)
class Subjects:
    """The patients of one import by reference: of one file first, then of all files of the import, then those stored.

    `stored` looks up a FHIR id, `numbered` a number of a numbering system; both answer None for nobody. `given` is the
    patient named for the whole import; `one_person` whether two ids are the same person.
    """

    stored: Callable[[str], int | None]
    numbered: Callable[[str | None, str], int | None]
    given: int | None = None
    one_person: Callable[[int, int], bool] = eq
    _of_file: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _of_import: dict[str, set[int | None]] = field(default_factory=dict)

    def add(self, file: str, references: tuple[str, ...], patient_id: int | None) -> None:
        """Remember whom `references` mean in `file`; None for a patient that is held back."""
        for reference in references:
            self._of_file[(file, reference)] = patient_id
            self._of_import.setdefault(reference, set()).add(patient_id)

    def resolve(self, file: str, reference: Reference | None, contained: tuple[dict[str, Any], ...]) -> int:
        """The patient a subject means. Raises Held when it means nobody known, or not clearly one."""
        if reference is None or (reference.reference is None and reference.identifier is None):
            raise Held("there is no subject: whose result is this?", "send the patient as subject")
        found = self._find(file, reference, contained)
        if found is None and self.given is not None and reference.reference is not None:
            return self.given
        if found is None:
            said = reference.reference or (reference.identifier.value if reference.identifier else None)
            raise Held(
                f"patient {said!r} is not known", "send the Patient along, register it, or name it with --patient"
            )
        if self.given is not None and not self.one_person(found, self.given):
            raise Held(
                f"{reference.reference!r} is another patient than the one named for this import", "check the file"
            )
        return found

    def _find(self, file: str, reference: Reference, contained: tuple[dict[str, Any], ...]) -> int | None:
        text = reference.reference
        if text is not None and text.startswith("#"):
            return self._contained(text[1:], contained)
        if text is not None and text.startswith("Patient?identifier="):
            system, _, value = text.removeprefix("Patient?identifier=").rpartition("|")
            return self.numbered(system or None, value)
        named = self._named(file, _names(text))
        if named is None and reference.identifier is not None and reference.identifier.value:
            return self.numbered(reference.identifier.system, reference.identifier.value)
        return named

    def _named(self, file: str, names: tuple[str, ...]) -> int | None:
        for name in names:
            if (file, name) in self._of_file:
                return self._held_or(self._of_file[(file, name)])
        for name in names:
            if name in self._of_import:
                meant = self._of_import[name]
                if len(meant) > 1:
                    raise Held(f"{name!r} means several patients in this import", "import the files apart")
                return self._held_or(next(iter(meant)))
        return next((found for found in map(self.stored, names) if found is not None), None)

    def _contained(self, id: str, contained: tuple[dict[str, Any], ...]) -> int | None:
        inside = next((c for c in contained if c.get("id") == id and c.get("resourceType") == "Patient"), None)
        if inside is None:
            return None
        try:
            patient = msgspec.convert(inside, Patient)
        except msgspec.ValidationError as error:
            raise Held(f"the contained patient cannot be read: {error}") from error
        found = (self.numbered(i.system, i.value) for i in patient.identifier if i.value)
        return next((patient_id for patient_id in found if patient_id is not None), None)

    @staticmethod
    def _held_or(patient_id: int | None) -> int:
        if patient_id is None:
            raise Held("the patient it belongs to is held back", "settle the patient first, then retry")
        return patient_id


def _references(patient: Patient, full_url: str | None) -> tuple[str, ...]:
    names = [] if patient.id is None else [f"Patient/{patient.id}"]
    if full_url is not None:
        names += [name for name in _names(full_url) if name not in names]
    return tuple(names)


def _names(text: str | None) -> tuple[str, ...]:
    """The ways one reference may have been remembered: as written, and as `Patient/id` at the end of a URL."""
    if not text:
        return ()
    plain = _HISTORY.sub("", text)
    if plain.startswith("urn:uuid:"):
        return plain, f"Patient/{plain.removeprefix('urn:uuid:')}"
    short = "/".join(plain.split("/")[-2:])
    return (plain, short) if short != plain and short.startswith("Patient/") else (plain,)


def _is(identifier: Identifier, kind: str) -> bool:
    return identifier.type is not None and any(c.code == kind for c in identifier.type.coding)


def _name(patient: Patient) -> str | None:
    names = sorted(patient.name, key=lambda name: name.use != "official")
    if not names:
        return None
    said = names[0].text or " ".join((*names[0].given, names[0].family or ""))
    said = " ".join(said.split())
    if len(said) > LONGEST_NAME or "\x00" in said:
        raise Held(f"the name is longer than {LONGEST_NAME} characters or holds a NUL character", "shorten it")
    return said or None


def _birth_date(text: str | None) -> date | None:
    """The birth date where it is a whole one; a year alone does not identify anybody."""
    if text is None:
        return None
    moment = read_fhir_moment(text)
    return moment.at.date() if moment.precision == "day" else None


def _deceased(patient: Patient, now: datetime) -> datetime | None:
    """When the patient died; a bare "yes" stands from the moment we were told."""
    if patient.deceased_date_time is not None:
        moment = read_fhir_moment(patient.deceased_date_time)
        refuse_future(moment, now, "the date of death")
        return datetime.combine(moment.at.date(), time(), UTC) if moment.precision != "second" else moment.at
    return now if patient.deceased_boolean else None
