"""Signing in and staying signed in.

A sign-in is a row; the browser holds 256 random bits and the row only their SHA-256, so that neither a copy of the
database nor a cookie kept after sign-out opens anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.db import Database
from data.models import Person
from data.models import Session as SignIn
from data.passwords import hash_password, needs_rehash, verify_password
from data.people import EMAIL, EMAIL_MAX, Actor, person_actor
from data.preferences import preferred
from data.throttle import PER_ACCOUNT, PER_SOURCE, account_bucket, clear, forgive, reserve, source_bucket

NO_SIGN_IN = frozenset({"service"})


class SignInRefused(PermissionError):
    """The e-mail address and password do not open an account; which of the two was wrong is not said."""


class TooManyTries(PermissionError):
    """No try is let through before `wait_s` seconds have passed."""

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, -(-int(wait.total_seconds() * 1000) // 1000))
        super().__init__(f"too many tries; wait {self.wait_s} s")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a sign-in lives without activity and in all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that holds at this moment."""

    actor: Actor
    person_name: str
    id_hash: str
    seen_at: datetime
    preferences: Mapping[str, str]
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: its network address and its number."""

    source: str
    request_id: str


def sign_in(
    database: Database, email: str, password: str, *, origin: Origin, now: datetime, previous: str | None = None
) -> str:
    """Check the password and start a sign-in; returns the new cookie value. `previous`, a cookie held before, is ended.

    Raises SignInRefused or TooManyTries. An account that does not exist costs the same work and gives the same answer.
    """
    account, source = account_bucket(email), source_bucket(origin.source)
    with database.write() as session:
        wait = reserve(session, {account: PER_ACCOUNT, source: PER_SOURCE}, now)
        if wait is not None:
            raise TooManyTries(wait)
        person = _able_to_sign_in(session, email)
        stored = person.password_hash if person else None
    # Outside any transaction: a verification takes a tenth of a second, and SQLite has one write lock.
    matches = verify_password(stored, password)
    rehashed = hash_password(password) if matches and stored and needs_rehash(stored) else None
    cookie = None
    with database.write() as session:
        person = _able_to_sign_in(session, email)
        if person is not None and matches and person.password_hash == stored:
            clear(session, account)
            forgive(session, source)
            person.password_hash = rehashed or stored
            if previous is not None:
                end(session, previous, now)
            cookie = _start(session, person, now)
        name = person.email if person else "unknown"
        who = Actor(name, person.role if person else "anonymous", None, frozenset(), origin.request_id, origin.source)
        write_audit(session, who, "signin", now=now, outcome="ok" if cookie else "denied")
    if cookie is None:
        raise SignInRefused("The e-mail address and password do not match an account.")
    return cookie


def find_sign_in(session: Session, cookie: str, *, limits: Limits, origin: Origin, now: datetime) -> SignedIn | None:
    """The sign-in behind a cookie, with role and teams as they are now; None when it does not hold (any more)."""
    row = session.execute(
        select(SignIn, Person)
        .join(Person, Person.id == SignIn.person_id)
        .where(SignIn.id_hash == _hash(cookie), SignIn.ended_at.is_(None), Person.disabled_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    found, person = row[0], row[1]
    if now - found.seen_at > limits.idle or now - found.created_at > limits.absolute or person.role in NO_SIGN_IN:
        return None
    actor = person_actor(session, person, request_id=origin.request_id, source=origin.source)
    return SignedIn(actor, person.name, found.id_hash, found.seen_at, preferred(person.preferences), person.language)


def touch(session: Session, signed_in: SignedIn, now: datetime) -> None:
    """Note activity: the idle time starts again. A sign-in that has ended stays ended."""
    session.execute(
        update(SignIn)
        .where(SignIn.id_hash == signed_in.id_hash, SignIn.ended_at.is_(None), SignIn.seen_at < now)
        .values(seen_at=now)
    )


def end(session: Session, cookie: str, now: datetime) -> None:
    """End the sign-in behind a cookie, if there is one."""
    session.execute(
        update(SignIn).where(SignIn.id_hash == _hash(cookie), SignIn.ended_at.is_(None)).values(ended_at=now)
    )


def _able_to_sign_in(session: Session, email: str) -> Person | None:
    if len(email) > EMAIL_MAX or not EMAIL.fullmatch(email.strip()):
        return None
    person = session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if person is None or person.disabled_at is not None or person.role in NO_SIGN_IN:
        return None
    return person


def _start(session: Session, person: Person, now: datetime) -> str:
    cookie = secrets.token_urlsafe(32)
    session.add(SignIn(id_hash=_hash(cookie), person_id=person.id, created_at=now, seen_at=now, proved_at=now))
    session.flush()
    return cookie


def _hash(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
