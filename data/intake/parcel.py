"""What a reader hands to the pipeline: one thing that was read, and what it turned out to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from data.intake.identity import PatientFacts
from data.intake.item import Item, Refused
from data.intake.source import SourceFile


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something outside the scope; `type` is what it is counted under."""

    type: str


class Unreadable(ValueError):
    """A whole file that holds nothing readable; the message says why."""


@dataclass(frozen=True, slots=True)
class PatientParcel:
    """A patient a file brings: the facts, or why they cannot be used; `references` are what others call it anyway."""

    where: str
    raw: bytes
    outcome: PatientFacts | Refused
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One resource or row: its place, its raw content, and its items, or why there are none.

    A parcel is stored or held as a whole: a panel of which one part cannot be read waits for a person.
    """

    where: str
    raw: bytes
    outcome: tuple[Item, ...] | Ignored | Refused


class Reader(Protocol):
    """What every format offers. The patients of every file are read first, then the rest of every file."""

    def patients(self, file: SourceFile) -> Iterator[PatientParcel]:
        """The patients a file brings along."""

    def rest(self, file: SourceFile) -> Iterator[Parcel]:
        """Everything else in a file. Raises Unreadable for a file that holds nothing readable."""
