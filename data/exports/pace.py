"""How many files a person takes out of Nadir within an hour: as many as hands do, and not as many as a program does.

Files alone: reading is never refused (decision 0048).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from data.db import Database
from data.people import Actor
from data.throttle import TooManyTries, take
from data.turned_away import note_turned_away

# A tumour board takes dozens along in a morning.
AN_HOUR: Final = 200
SPAN: Final = timedelta(hours=1)


class TooManyFiles(TooManyTries):
    """No further file is handed out before `wait_s` seconds have passed."""


def count_file(database: Database, actor: Actor, now: datetime) -> None:
    """Count one file that is about to be made for the actor. Raises TooManyFiles, leaving a row of the audit trail."""
    try:
        with database.write() as session:
            wait = take(session, f"files:{actor.person_id}", AN_HOUR, now, SPAN)
            if wait is not None:
                raise TooManyFiles(wait, [f"files:{actor.person_id}"])
    except TooManyFiles as turned_away:
        note_turned_away(database, actor, turned_away, now)
        raise
