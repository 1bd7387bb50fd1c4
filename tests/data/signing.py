"""People who have just typed their password again, and what they decide with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from data.decisions import Decided, Decision, decide
from data.models import Session as SignIn
from data.people import Actor
from data.sessions import SignedIn


def proved(session: Session, actor: Actor, now: datetime) -> SignedIn:
    """A sign-in of the actor in which the password was typed again this moment."""
    id = uuid4().hex
    began = now - timedelta(hours=1)
    session.add(SignIn(id_hash=id, person_id=actor.person_id, created_at=began, seen_at=now, proved_at=now))
    session.flush()
    return SignedIn(actor, actor.name, id, now, {})


def decided(
    session: Session,
    actor: Actor,
    flag_id: str,
    kind: str = "no-change",
    *,
    version: int,
    now: datetime,
    why: str = "reviewed",
    reason: str | None = None,
) -> Decided:
    """What comes of a decision that the actor signs."""
    said = Decision(kind=kind, rationale=why, reason=reason)
    return decide(session, proved(session, actor, now), flag_id, said, key=str(uuid4()), version=version, now=now)
