"""The parts that exported FHIR R4 resources share: ids, references, concepts, quantities, times, extensions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from clinical.analytes import CATALOGUE
from data.intake.fhir_frame import LOCAL, UCUM, WRITTEN
from data.models import Record

Resource = dict[str, Any]
TIMED = frozenset({"minute", "second"})


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one export: the same patient and record have the same id in every export."""

    patient_uuid: str

    def of(self, kind: str, name: object) -> str:
        """The id of the resource that stands for the `kind` of thing with this name here."""
        return str(uuid5(UUID(self.patient_uuid), f"{kind}/{name}"))

    def patient(self) -> dict[str, str]:
        """The reference to the patient."""
        return {"reference": f"urn:uuid:{self.patient_uuid}"}

    def reference(self, kind: str, name: object) -> dict[str, str]:
        """The reference to what `of` names."""
        return {"reference": f"urn:uuid:{self.of(kind, name)}"}


def framed(type: str, record: Record, ids: Ids, *, status: str | None = None) -> Resource:
    """What every resource made of a record has. `status` None leaves it out, where the resource has none."""
    extensions = [extension(WRITTEN, record.effective_text)] if when(record) != record.effective_text else []
    return {
        "resourceType": type,
        "id": ids.of("record", record.id),
        **({"extension": extensions} if extensions else {}),
        **({} if status is None else {"status": status}),
        "subject": ids.patient(),
    }


def extension(url: str, text: str) -> Resource:
    """An extension that holds a text."""
    return {"url": url, "valueString": text}


def extended(resource: Resource, *more: Resource) -> Resource:
    """The resource with further extensions."""
    return {**resource, "extension": [*resource.get("extension", ()), *more]}


def when(record: Record) -> str:
    """The effective time as FHIR writes it: a time of day always has seconds and an offset."""
    if record.precision not in TIMED:
        return record.effective_text
    try:
        moment = datetime.fromisoformat(record.effective_text)
    except ValueError:
        moment = record.effective_at
    return (moment if moment.tzinfo is not None else record.effective_at).isoformat()


def instant(moment: datetime) -> str:
    """A FHIR instant."""
    return moment.astimezone(UTC).isoformat()


def local(code: str) -> Resource:
    """A concept of Nadir's own code system."""
    return {"coding": [{"system": LOCAL, "code": code}]}


def text(words: str) -> Resource:
    """A concept in words."""
    return {"text": words}


def quantity(value: Decimal, unit: str | None, analyte: str | None = None) -> Resource:
    """A quantity; the unit is called UCUM only where the catalogue knows it as such."""
    found: Resource = {"value": value}
    if unit is not None:
        found["unit"] = unit
        if analyte is not None and analyte in CATALOGUE and unit in CATALOGUE[analyte].units:
            found |= {"system": UCUM, "code": unit}
    return found


def measured(value: float | Decimal, unit: str) -> Resource:
    """A quantity in a UCUM unit that is known to be one."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return {"value": exact, "unit": unit, "system": UCUM, "code": unit}


def notes(*texts: str | None) -> list[Resource]:
    """Annotations."""
    return [{"text": words} for words in texts if words]


def given(fields: Iterable[tuple[str, Any]]) -> Resource:
    """The fields that hold something: FHIR has no empty lists, texts or nulls."""
    return {name: value for name, value in fields if value is not None and value != [] and value != ""}
