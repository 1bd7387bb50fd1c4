"""Who holds the numbers that patients are sent under: one question to the database for however many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy.orm import Session

from data.journeys import Question, ask, one_of

Number = tuple[str, str]
"""A numbering system and a value."""

_HOLDER: Final = "patient.id, patient.mrn, patient.mrn_system, patient.name, patient.birth_date"


class Holder(msgspec.Struct, frozen=True, gc=False):
    """A stored patient, as far as it is told from others."""

    id: int
    mrn: str
    mrn_system: str | None
    name: str | None
    birth_date: date | None


@dataclass(frozen=True, slots=True)
class Holders:
    """The patients with the MRNs and the further numbers that were asked for."""

    by_mrn: Mapping[str, Holder]
    by_number: Mapping[Number, Holder]

    def of(self, mrn: str, numbers: Iterable[Number]) -> list[Holder]:
        """Those who hold any of these, by id."""
        found = [self.by_mrn.get(mrn), *map(self.by_number.get, numbers)]
        return sorted({holder for holder in found if holder is not None}, key=lambda holder: holder.id)


def holders(session: Session, mrns: Iterable[str], numbers: Iterable[Number]) -> Holders:
    """Ask who holds these MRNs and these further numbers."""
    numbered = sorted(set(numbers))
    questions = [_by_mrn(session, sorted(set(mrns)))]
    if numbered:
        questions.append(_by_number(numbered))
    with_mrn, *others = ask(session, *questions)
    known = (_holder(row) for row in with_mrn)
    return Holders(
        {holder.mrn: holder for holder in known},
        {(system, value): _holder(row) for found in others for system, value, *row in found},
    )


def _by_mrn(session: Session, mrns: Sequence[str]) -> Question:
    among, given = one_of(session, mrns)
    return f"SELECT {_HOLDER} FROM patient WHERE mrn {among}", (given,)  # noqa: S608  # nosec B608


def _by_number(numbers: Sequence[Number]) -> Question:
    marks = ", ".join(["(%s, %s)"] * len(numbers))
    joined = "patient_identifier AS known JOIN patient ON patient.id = known.patient_id"
    return (
        f"SELECT known.system, known.value, {_HOLDER} FROM {joined}"  # noqa: S608  # nosec B608
        f" WHERE (known.system, known.value) IN (VALUES {marks})",
        tuple(part for number in numbers for part in number),
    )


def _holder(row: Sequence[Any]) -> Holder:
    id, mrn, system, name, born = row
    return Holder(id, mrn, system, name, date.fromisoformat(born) if isinstance(born, str) else born)
