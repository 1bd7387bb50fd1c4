"""Values that a sweep makes by the thousand: dataclasses made as quickly as Python can (decision 0052)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """A dataclass of fields given by keyword and set once, equal and hashed by them.

    That nobody sets one again is the type checker's to say. A dataclass that refuses it while the program runs
    (`frozen=True`) takes three times as long to make, and a sweep makes two hundred of them a patient.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
