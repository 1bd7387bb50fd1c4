"""The audit trail as CSV for a spreadsheet, written a chunk at a time: a trail of years is never held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from data.audit_search import Asked, lines_upward, note_taken
from data.db import Database
from data.exports.sheet_cells import lines as written
from data.people import Actor

HEADS = (
    *("row", "at", "actor", "role", "action", "patient", "about_a_patient", "object", "outcome", "source"),
    *("request", "detail", "reason"),
)


def audit_sheet(database: Database, actor: Actor, asked: Asked, *, zone: ZoneInfo, now: datetime) -> Iterator[str]:
    """The rows of the search, oldest first, as parts of one CSV; the audit row of the export is written at once.

    Raises as `data.audit_search.search_audit`, before anything is handed out.
    """
    with database.write() as session:
        upto = note_taken(session, actor, asked, now=now)
    return _parts(database, actor, asked, zone, upto)


def _parts(database: Database, actor: Actor, asked: Asked, zone: ZoneInfo, upto: int) -> Iterator[str]:
    yield written([HEADS])
    above = 0
    while True:
        with database.read() as session:
            lines = lines_upward(session, actor, asked, zone=zone, above=above, upto=upto)
        if not lines:
            return
        yield written(
            [
                *(line.seq, line.at, line.actor, line.role, line.action, line.patient, line.about, line.object),
                *(line.outcome, line.source, line.request_id),
                None if line.detail is None else msgspec.json.encode(line.detail).decode(),
                line.reason,
            ]
            for line in lines
        )
        above = lines[-1].seq
