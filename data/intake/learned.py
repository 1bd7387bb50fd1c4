"""How laboratories write units and codes: the approved mappings, as the readers of every format use them.

A mapping counts for the laboratory it was learned from and for nobody else, and only for what Nadir does not know: a
unit or code that it knows means what it says. What was read so says by which mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from clinical.units import UnitError, to_canonical
from data.journeys import Question, ask


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a laboratory means by what it writes, and how a record says that it was read so."""

    written: str
    meant: str
    mapping: int

    @property
    def note(self) -> str:
        """The remark for the detail of the record."""
        return f"{self.written!r} read as {self.meant!r} by mapping {self.mapping}"


@dataclass(frozen=True, slots=True)
class Hand:
    """How one laboratory writes."""

    _meanings: Mapping[tuple[str, str], Meaning] = field(default_factory=dict)

    def code(self, *written: str | None) -> Meaning | None:
        """The catalogue code meant by the first of `written` that has been learned."""
        found = (self._meanings.get(("code", one.strip())) for one in written if one)
        return next((meaning for meaning in found if meaning is not None), None)

    def unit(self, analyte: str, written: str | None) -> Meaning | None:
        """The unit meant by `written`, None where that is a unit of the analyte already."""
        if written is None or not self._meanings or accepted(analyte, written):
            return None
        return self._meanings.get(("unit", written.strip()))


NO_HAND = Hand()


@dataclass(frozen=True, slots=True)
class Learned:
    """The mappings in force, by laboratory, kind and what is written."""

    _meanings: Mapping[tuple[str, str, str], Meaning] = field(default_factory=dict)

    @property
    def fingerprint(self) -> bytes:
        """The same for the same mappings."""
        return b" ".join(b"%d" % mapping for mapping in sorted(meaning.mapping for meaning in self._meanings.values()))

    def of(self, laboratory: str | None) -> Hand:
        """The mappings of one laboratory; none where it is not named."""
        if laboratory is None or not self._meanings:
            return NO_HAND
        own = named(laboratory)
        return Hand({(kind, written): m for (lab, kind, written), m in self._meanings.items() if lab == own})


NOTHING = Learned()
IN_FORCE: Question = (
    "SELECT id, laboratory, kind, written, meaning FROM learned_mapping"
    " WHERE approved_at IS NOT NULL AND retired_at IS NULL",
    (),
)
"""Asks for the mappings that two people stand for and nobody has retired."""


def in_force(session: Session) -> Learned:
    """The mappings that two people stand for and nobody has retired."""
    (found,) = ask(session, IN_FORCE)
    return learned(found)


def learned(found: Iterable[Sequence[Any]]) -> Learned:
    """The same, of the answer to IN_FORCE."""
    return Learned({(lab, kind, written): Meaning(written, meant, id) for id, lab, kind, written, meant in found})


def named(laboratory: str) -> str:
    """A laboratory's name as mappings keep it: spaces and capitals do not make it another one."""
    return " ".join(laboratory.split()).casefold()


def accepted(analyte: str, unit: str) -> bool:
    """Whether the analyte is taken in this unit without any mapping."""
    try:
        to_canonical(analyte, Decimal(1), unit)
    except UnitError:
        return False
    return True
