"""Tries that a throttle turned away, on the audit trail: the first, tenth, hundredth ... within an hour, each with its
number.

A row for each of them would let whoever guesses fill the trail and hold its head against everybody's work; none would
hide that somebody guesses on (decision 0047).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from data.audit import write_audit
from data.db import Database
from data.people import Actor
from data.throttle import TooManyTries, tally

ACTION: Final = "throttle.refuse"
SPAN: Final = timedelta(hours=1)


def note_turned_away(database: Database, actor: Actor, turned_away: TooManyTries, now: datetime) -> None:
    """Count the try by each bucket that was closed to it, after its own transaction was undone.

    The row says which kind of bucket (`account`, `source`, `device`, `code`, `proof`, `emergency`) and the number of
    the try; nothing of what was typed.
    """
    with database.write() as session:
        # All counted in one order before the head of the trail is locked: two of these cannot wait for each other.
        tries = {bucket: tally(session, f"refused:{bucket}", now, SPAN) for bucket in sorted(turned_away.buckets)}
        for bucket, count in tries.items():
            if str(count).rstrip("0") == "1":
                kind = bucket.partition(":")[0]
                write_audit(session, actor, ACTION, now=now, object=kind, outcome="denied", detail={"tries": count})
