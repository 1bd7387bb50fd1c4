"""The language a person chose to read Nadir in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.models import Person
from data.people import Actor, Forbidden


def choose_language(session: Session, actor: Actor, code: str, *, now: datetime) -> None:
    """Remember `code` for the actor. Raises Forbidden for whoever is no person."""
    if actor.person_id is None:
        raise Forbidden("Only a person has a language.")
    before = session.scalar(select(Person.language).where(Person.id == actor.person_id).with_for_update())
    session.execute(update(Person).where(Person.id == actor.person_id).values(language=code))
    write_audit(session, actor, "person.language", now=now, object=actor.name, detail={"old": before, "new": code})
