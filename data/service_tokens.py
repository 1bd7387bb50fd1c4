"""Tokens of programs: what an account of the role service shows instead of signing in.

256 random bits after a prefix that secret scanners find; only their SHA-256 is stored. A token opens what the role
service may call, which no page and no callback is.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.models import Person, ServiceToken
from data.people import SYSTEM_ROLE, AccountError, Actor, Forbidden, NotFound, person_actor
from data.sessions import Origin, SignedIn

PREFIX: Final = "nadir_"
LABEL_MAX: Final = 80


def make_token(session: Session, actor: Actor, email: str, label: str, *, now: datetime) -> str:
    """A new token of a service account; it is shown this once. Raises NotFound, or AccountError for any other role."""
    _require_administrator(actor)
    person = _service(session, email)
    label = label.strip()
    if not 0 < len(label) <= LABEL_MAX:
        raise AccountError(f"a token needs a label of 1 to {LABEL_MAX} characters that says what uses it")
    token = PREFIX + secrets.token_urlsafe(32)
    made = ServiceToken(token_hash=_hash(token), person_id=person.id, label=label, created_at=now)
    session.add(made)
    session.flush()
    write_audit(session, actor, "token.make", now=now, object=person.email, detail={"id": made.id, "label": label})
    return token


def revoke_token(session: Session, actor: Actor, token_id: int, *, now: datetime) -> None:
    """Let a token open nothing from now on. Raises NotFound for one that is not in force."""
    _require_administrator(actor)
    found = select(ServiceToken).where(ServiceToken.id == token_id, ServiceToken.revoked_at.is_(None))
    token = session.scalar(found.with_for_update())
    if token is None:
        raise NotFound(f"no token {token_id} in force")
    token.revoked_at = now
    write_audit(session, actor, "token.revoke", now=now, detail={"id": token_id, "label": token.label})


def list_tokens(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Every token: `id, email, label, created_at, revoked_at`."""
    _require_administrator(actor)
    rows = session.execute(
        select(ServiceToken, Person.email)
        .join(Person, Person.id == ServiceToken.person_id)
        .order_by(Person.email, ServiceToken.id)
    )
    return [
        {
            "id": token.id,
            "email": email,
            "label": token.label,
            "created_at": msgspec.to_builtins(token.created_at),
            "revoked_at": msgspec.to_builtins(token.revoked_at),
        }
        for token, email in rows
    ]


def find_token(session: Session, token: str, *, origin: Origin, now: datetime) -> SignedIn | None:
    """The account behind a token, as a sign-in; None when it is unknown or revoked, or its account closed."""
    row = session.execute(
        select(ServiceToken, Person)
        .join(Person, Person.id == ServiceToken.person_id)
        .where(ServiceToken.token_hash == _hash(token), ServiceToken.revoked_at.is_(None))
        .where(Person.disabled_at.is_(None), Person.role == "service")
    ).one_or_none()
    if row is None:
        return None
    found, person = row
    actor = person_actor(session, person, request_id=origin.request_id, source=origin.source)
    return SignedIn(actor, person.name, found.token_hash, now, {})


def _service(session: Session, email: str) -> Person:
    person = session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if person is None:
        raise NotFound(f"no account {email!r}")
    if person.role != "service":
        raise AccountError(f"{person.email} is {person.role}; tokens are for accounts of the role service")
    return person


def _require_administrator(actor: Actor) -> None:
    if actor.role not in ("admin", SYSTEM_ROLE):
        raise Forbidden("tokens are kept by an admin")


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
