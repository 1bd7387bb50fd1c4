"""Lists of patients: who was handed which names and values is written down before the answer goes out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from dashboard.request import current_actor, current_database, current_settings, request_now
from data.access import not_noted, note_listed


def note_list(mrns: Iterable[str], place: str) -> None:
    """Write one audit row that names the listed patients, but for those whom a row of this list already names.

    Scrolling, sorting and coming back ask anew; within the time a sign-in may idle a patient is named once.
    """
    numbers, now = list(mrns), request_now()
    if not numbers:
        return
    since = now - timedelta(seconds=current_settings().idle_s)
    with current_database().read() as session:
        unnamed = not_noted(session, current_actor(), numbers, place, since=since)
    if unnamed:
        with current_database().write() as session:
            note_listed(session, current_actor(), unnamed, place, now=now)
