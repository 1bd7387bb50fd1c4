"""What names a patient: numbers and name as they may stand in a text, and texts without them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

ERASED: Final = "[erased]"
# A shorter number stands in too many texts that are not about its patient.
SHORTEST_NUMBER: Final = 4
SHORTEST_PART: Final = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """The numbers of one person, in whatever numbering, the names they were kept under, and their birth dates."""

    numbers: frozenset[str]
    names: frozenset[str]
    born: frozenset[date]

    @property
    def telling(self) -> frozenset[str]:
        """Numbers long enough to stand for one person, and whole names."""
        return frozenset(self._telling()) | self.names

    def said_in(self, text: str) -> bool:
        """Whether a number or a whole name stands in a text."""
        return any(_word(word).search(text) for word in self.telling)

    def named_in(self, text: str) -> bool:
        """Whether a text is about this person for certain: by a number, or by all of a name and a birth date."""
        return any(_word(n).search(text) for n in self._telling()) or (self.called_in(text) and self._born_in(text))

    def called_in(self, text: str) -> bool:
        """Whether all parts of a name stand in a text: this person, or a namesake."""
        return any(_has_all(name, text) for name in self.names)

    def without(self, value: Any) -> Any:
        """The text, or what is nested in lists and mappings of texts, with every number and part of a name erased."""
        if isinstance(value, str):
            for pattern in self._patterns():
                value = pattern.sub(ERASED, value)
            return value
        if isinstance(value, dict):
            return {key: self.without(inner) for key, inner in value.items()}
        return [self.without(inner) for inner in value] if isinstance(value, list) else value

    def _telling(self) -> Sequence[str]:
        return sorted((n for n in self.numbers if len(n) >= SHORTEST_NUMBER), key=len, reverse=True)

    def _patterns(self) -> list[re.Pattern[str]]:
        whole = sorted({*self.numbers, *self.names}, key=len, reverse=True)
        parts = sorted({part for name in self.names for part in _parts(name)}, key=len, reverse=True)
        days = [said for day in sorted(self.born) for said in _said(day)]
        return [_word(text) for text in (*whole, *parts, *days)]

    def _born_in(self, text: str) -> bool:
        return any(_word(said).search(text) for day in self.born for said in _said(day))


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\s,^]+", name) if len(part) >= SHORTEST_PART]


def _has_all(name: str, text: str) -> bool:
    parts = _parts(name)
    return bool(parts) and all(_word(part).search(text) for part in parts)


def _said(day: date) -> tuple[str, ...]:
    return (f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", f"{day:%d.%m.%Y}", f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}")
