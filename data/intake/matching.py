"""Whom an import speaks of: patients looked up once for each reference, number or MRN and remembered for its time."""

from __future__ import annotations

from dataclasses import dataclass, field

from data.intake.identity import FHIR_ID, patient_by_mrn, patient_by_number, zero_padded
from data.intake.item import Held
from data.intake.transactions import Transactions
from data.patients import find_by_identifier
from data.people import Actor
from data.survivors import survivor_of


@dataclass(frozen=True, slots=True)
class Matching:
    """The stored patients one import may see, as `actor` sees them."""

    steps: Transactions
    actor: Actor
    _known: dict[tuple[str | None, str], int | None] = field(default_factory=dict)
    _padded: dict[str, bool] = field(default_factory=dict)

    def by_mrn(self, mrn: str) -> int:
        """The patient of a hospital number. Raises Held for nobody."""
        if (None, mrn) not in self._known:
            with self.steps.read() as session:
                self._known[(None, mrn)] = patient_by_mrn(session, self.actor, mrn)
        patient_id = self._known[(None, mrn)]
        if patient_id is None:
            raise Held(f"patient {mrn.strip()!r} is not known", "register the patient, or correct the number")
        return patient_id

    def zero_padded(self, mrn: str) -> bool:
        """Whether a patient is known whose number is this one behind zeros."""
        if mrn not in self._padded:
            with self.steps.read() as session:
                self._padded[mrn] = zero_padded(session, mrn)
        return self._padded[mrn]

    def by_reference(self, reference: str) -> int | None:
        """The patient a FHIR reference means since an earlier import; None for nobody."""
        key = (FHIR_ID, reference)
        if key not in self._known:
            with self.steps.read() as session:
                found = find_by_identifier(session, self.actor, FHIR_ID, reference)
                self._known[key] = None if found is None else found.id
        return self._known[key]

    def by_number(self, system: str | None, value: str) -> int | None:
        """The patient of a number in a numbering system; None for nobody."""
        if (system, value) not in self._known:
            with self.steps.read() as session:
                self._known[(system, value)] = patient_by_number(session, self.actor, system, value)
        return self._known[(system, value)]

    def one_person(self, one: int, other: int) -> bool:
        """Whether two patients are one person, the same or merged."""
        if one == other:
            return True
        with self.steps.read() as session:
            return survivor_of(session, one) == survivor_of(session, other)
