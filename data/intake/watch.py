"""What an import tells whoever watches it: each thing it has decided, and the account so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from data.intake.item import Item, Refused
from data.intake.tally import BatchSummary


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One thing that was decided: its place, what became of it, its items, and the patient it brought (id, number)."""

    where: str
    outcome: str | Refused
    items: tuple[Item, ...] = ()
    patient: tuple[int, str] | None = None


Watch = Callable[[Sequence[Seen], BatchSummary], None]


def unwatched(_seen: Sequence[Seen], _summary: BatchSummary) -> None:
    """Nobody watches."""
