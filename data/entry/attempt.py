"""One attempt to correct a stored record: what is typed, what came of it, and why it cannot be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from clinical.protocol import Protocol
from data.announcing import MailPolicy
from data.errors import BadInput

GREENWICH: Final = ZoneInfo("UTC")
LENGTHS: Final = {"year": 4, "month": 7, "day": 10}


class NotCorrected(BadInput):
    """A correction that cannot be made; the message says why. Nothing was changed."""


class ChangedMeanwhile(NotCorrected):
    """Somebody else has changed the record since it was read; `stands` is the row that took its place."""

    def __init__(self, *, opened: int, stands: int) -> None:
        super().__init__("the record was changed meanwhile")
        self.opened, self.stands = opened, stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to correct a record. `key` is made when the page opens: the same attempt sent twice is made once.
    `protocol` says what is asked about, `mail` is the policy for the mails that follow."""

    key: str
    reason: str
    protocol: Protocol
    mail: MailPolicy
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A correction that is stored. `record` is the row that took the old one's place, `moved_to` the one it became
    under another patient; `patients` are to be judged; `reopened` are flags. `again`: it was stored before."""

    record: int
    moved_to: int | None
    patients: tuple[int, ...]
    reopened: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewValue:
    """What is typed in the place of a value. `when` is the date, with the time if it is known, local to `zone`; empty
    or as `taken_text` says it: it stays as it is. `confirmed` are the ids of questions that were answered with yes."""

    value: str
    unit: str
    when: str = ""
    zone: ZoneInfo = GREENWICH
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFields:
    """What is typed in the place of a coded entry: its fields by name (`data.entry.coded_fields`), and `when` as in
    `NewValue`."""

    said: Mapping[str, str]
    when: str = ""
    zone: ZoneInfo = GREENWICH


def taken_text(effective_at: datetime, precision: str, zone: ZoneInfo) -> str:
    """When a value was taken, as it is typed in `zone`: `2026`, `2026-03`, `2026-03-02`, `2026-03-02 09:30`."""
    if precision in LENGTHS:
        return effective_at.astimezone(UTC).isoformat()[: LENGTHS[precision]]
    return effective_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
