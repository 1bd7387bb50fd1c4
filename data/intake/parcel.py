"""What a reader hands to the pipeline: one thing that was read, and what it turned out to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import msgspec

from data.intake.identity import PatientFacts
from data.intake.item import Item, Refused

if TYPE_CHECKING:
    from data.intake.source import SourceFile


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """Something outside the scope; `type` is what it is counted under."""

    type: str


class Notice(Ignored, frozen=True):
    """A message that changes no record but says who somebody is; `merged` is the number it says is given up."""

    facts: PatientFacts
    merged: str | None


class Known(msgspec.Struct, frozen=True, gc=False):
    """Something that came before, byte for byte, and stands."""


class Unreadable(ValueError):
    """A whole file that holds nothing readable; the message says why."""


class PatientParcel(msgspec.Struct, frozen=True, gc=False):
    """A patient a file brings: the facts, or why they cannot be used; `references` are what others call it anyway."""

    where: str
    raw: bytes
    outcome: PatientFacts | Refused
    references: tuple[str, ...]


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """One resource or row: its place, its raw content, and its items, or why there are none.

    A parcel is stored or held as a whole: a panel of which one part cannot be read waits for a person.
    """

    where: str
    raw: bytes
    outcome: tuple[Item, ...] | Known | Ignored | Refused


class Reader(Protocol):
    """What every format offers. The patients of every file are read first, then the rest of every file."""

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """The patients a file brings along."""

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Everything else in a file. Raises Unreadable for a file that holds nothing readable."""
