"""Items that came before, byte for byte: what stands already need not be read again.

A record keeps a digest of the item it alone was made of (`Record.sent_digest`): of its bytes, the patient it was
matched to and the learned mappings in force. As long as that record stands, reading the same bytes again under the same
mappings would change nothing. Whatever was superseded or retracted is read in full.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass

from data.intake.transactions import Transactions
from data.journeys import ask, one_of

Mark = tuple[str, bytes]
"""A source id and the digest of what was sent under it; an empty one is never known again."""


def nothing(_marks: Collection[Mark]) -> Set[Mark]:
    """Knows nothing, so that everything is read: for who wants to see what each item says."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class CameBefore:
    """What one import can know of earlier ones."""

    steps: Transactions

    def __call__(self, marks: Collection[Mark]) -> Set[Mark]:
        """Those of the marks whose record stands."""
        if not marks:
            return frozenset()
        with self.steps.read() as session:
            among, given = one_of(session, sorted({source_id for source_id, _ in marks}))
            standing = f"SELECT source_id, sent_digest FROM record WHERE source_id {among} AND superseded_by IS NULL"  # noqa: S608  # nosec B608
            (found,) = ask(session, (standing, (given,)))
        return {(source_id, bytes(digest)) for source_id, digest in found if digest is not None} & set(marks)
