"""The account of one import: everything read is stored, unchanged, superseded, ignored or quarantined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from data.intake.item import Refused

PRECEDENCE = ("refused", "superseded", "stored", "unchanged")


@dataclass(slots=True, kw_only=True)
class BatchSummary:
    """What became of everything one import read."""

    batch: str
    format: str
    files: int
    stored: int = 0
    unchanged: int = 0
    superseded: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    quarantined: list[Refused] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many resources and rows were read."""
        return self.stored + self.unchanged + self.superseded + self.ignored.total() + len(self.quarantined)

    def count(self, outcome: str) -> None:
        """Count one item that was `stored`, `unchanged` or `superseded`."""
        setattr(self, outcome, getattr(self, outcome) + 1)

    def as_json(self) -> dict[str, Any]:
        """The batch summary of the contract."""
        return {
            "batch": self.batch,
            "format": self.format,
            "files": self.files,
            "read": self.read,
            "stored": self.stored,
            "unchanged": self.unchanged,
            "superseded": self.superseded,
            "ignored": self.ignored.total(),
            "ignored_types": dict(sorted(self.ignored.items())),
            "quarantined": [{"where": refused.where, "why": refused.why} for refused in self.quarantined],
        }
