"""The reminder on every page that patients of other teams are open to the reader in an emergency."""

from __future__ import annotations

from datetime import datetime

from flask import g
from sqlalchemy.orm import Session

from dashboard.language import counted
from dashboard.parts.times import moment_text
from dashboard.request import current_database, current_settings, request_now
from data.emergency import open_until
from data.sessions import SignedIn


def emergency_words(session: Session, signed_in: SignedIn, now: datetime) -> str | None:
    """How many patients are open, until when, and that each look is written down; None where no access runs."""
    opened, person_id = len(signed_in.actor.opened), signed_in.actor.person_id
    until = open_until(session, person_id, now) if opened and person_id is not None else None
    if until is None:
        return None
    return counted(
        "A patient of another team is open to you until {until}. Everything you look at is written down.",
        "{n} patients of other teams are open to you, the last until {until}. Everything you look at is written down.",
        opened,
        until=moment_text(until, current_settings().zone),
    )


def emergency_line() -> str | None:
    """As `emergency_words`, for the pages that are made of templates."""
    signed_in: SignedIn | None = g.get("signed_in")
    if signed_in is None or not signed_in.actor.opened:
        return None
    with current_database().read() as session:
        return emergency_words(session, signed_in, request_now())
