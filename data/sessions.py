"""Signing in and staying signed in.

A sign-in is a row; the browser holds 256 random bits and the row only their SHA-256, so that neither a copy of the
database nor a cookie kept after sign-out opens anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.db import Database
from data.emergency import anything_open, opened_by
from data.known_devices import device_hash, is_known_device, remember_device
from data.models import Person, PersonTeam
from data.models import Session as SignIn
from data.passwords import hash_password, needs_rehash, verify_password
from data.people import EMAIL, EMAIL_MAX, Actor
from data.preferences import preferred
from data.second_factor import factor_in_force, has_second_factor, take_code
from data.throttle import (
    PER_ACCOUNT,
    PER_CODE,
    PER_DEVICE,
    PER_SOURCE,
    Allowance,
    TooManyTries,
    account_bucket,
    clear,
    code_bucket,
    device_bucket,
    forgive,
    reserve,
    source_bucket,
)
from data.turned_away import note_turned_away

NO_SIGN_IN = frozenset({"service"})
CODE_WITHIN = timedelta(minutes=10)
OVERLAP = timedelta(seconds=10)


class SignInRefused(PermissionError):
    """The e-mail address and password do not open an account; which of the two was wrong is not said."""


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
    has_factor: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: its network address and its number."""

    source: str
    request_id: str


def sign_in(
    database: Database,
    email: str,
    password: str,
    *,
    origin: Origin,
    now: datetime,
    previous: str | None = None,
    device: str | None = None,
) -> str:
    """Check the password and start a sign-in; returns the new cookie value. `previous`, a cookie held before, is ended.

    With a second factor the sign-in opens nothing until `sign_in_with_code`. Tries from a `device` the person is known
    in are counted apart from those of strangers. Raises SignInRefused or TooManyTries. An account that does not exist
    costs the same work and gives the same answer.
    """
    try:
        with database.write() as session:
            person = able_to_sign_in(session, email)
            who = _who(person, origin)
            known = device if person is not None and is_known_device(session, device, person.id, now) else None
            busy = reserve(session, _buckets(email, known, origin), now)
            if busy is not None:
                raise busy
            stored = person.password_hash if person else None
    except TooManyTries as turned_away:
        note_turned_away(database, who, turned_away, now)
        raise
    # Outside any transaction: a verification takes a tenth of a second, and SQLite has one write lock.
    matches = verify_password(stored, password)
    rehashed = hash_password(password) if matches and stored and needs_rehash(stored) else None
    cookie, detail = None, None
    with database.write() as session:
        person = able_to_sign_in(session, email)
        if person is not None and matches and person.password_hash == stored:
            for bucket in _buckets(email, known, origin):
                (forgive if bucket == source_bucket(origin.source) else clear)(session, bucket)
            person.password_hash = rehashed or stored
            awaits_code = has_second_factor(session, person.id)
            cookie = start(session, person, now, previous=previous, awaits_code=awaits_code)
            detail = {"awaits": "code"} if awaits_code else None
        write_audit(
            session, _who(person, origin), "signin", now=now, outcome="ok" if cookie else "denied", detail=detail
        )
    if cookie is None:
        raise SignInRefused("The e-mail address and password do not match an account.")
    return cookie


def awaiting_code(session: Session, cookie: str | None, now: datetime) -> Person | None:
    """The person whose password was right and whose second factor is still to come; None for any other cookie."""
    if cookie is None:
        return None
    return session.scalar(
        select(Person)
        .join(SignIn, SignIn.person_id == Person.id)
        .where(SignIn.id_hash == _hash(cookie), SignIn.awaits_code.is_(True), SignIn.ended_at.is_(None))
        .where(SignIn.created_at > now - CODE_WITHIN, Person.disabled_at.is_(None))
    )


def sign_in_with_code(database: Database, cookie: str, code: str, *, origin: Origin, now: datetime) -> str:
    """Check the code of the authenticator, or a recovery code, after the password; returns the new cookie value.

    Raises SignInRefused, or TooManyTries: a right password buys no new tries at the code.
    """
    try:
        with database.write() as session:
            person = awaiting_code(session, cookie, now)
            if person is None:
                raise SignInRefused(say("Sign in again: the password was given too long ago."))
            who = _who(person, origin)
            bucket, source = code_bucket(person.id), source_bucket(origin.source)
            busy = reserve(session, {bucket: PER_CODE, source: PER_SOURCE}, now)
            if busy is not None:
                raise busy
            taken = take_code(session, person.id, code, now)
            if taken:
                clear(session, bucket)
                forgive(session, source)
                cookie = start(session, person, now, previous=cookie)
            write_audit(session, who, "signin.code", now=now, outcome="ok" if taken else "denied")
    except TooManyTries as turned_away:
        note_turned_away(database, who, turned_away, now)
        raise
    if not taken:
        raise SignInRefused(say("That code is not right, or was used before."))
    return cookie


def note_device(session: Session, cookie: str, device: str | None, now: datetime) -> str | None:
    """Note that the person of this sign-in uses this browser; returns the device cookie it is to keep.

    None while the sign-in waits for its second factor, or does not hold.
    """
    person_id = session.scalar(
        select(SignIn.person_id).where(
            SignIn.id_hash == _hash(cookie), SignIn.ended_at.is_(None), SignIn.awaits_code.is_(False)
        )
    )
    return None if person_id is None else remember_device(session, device, person_id, now)


def find_sign_in(session: Session, cookie: str, *, limits: Limits, origin: Origin, now: datetime) -> SignedIn | None:
    """The sign-in behind a cookie, with role and teams as they are now; None when it does not hold (any more)."""
    rows = session.execute(
        select(SignIn, Person, PersonTeam.team_id, anything_open(Person.id, now), factor_in_force(Person.id))
        .join(Person, Person.id == SignIn.person_id)
        .outerjoin(PersonTeam, PersonTeam.person_id == Person.id)
        .where(SignIn.id_hash == _hash(cookie), _answered(now), Person.disabled_at.is_(None))
        .where(SignIn.awaits_code.is_(False))
    ).all()
    if not rows:
        return None
    found, person, _, emergency, has_factor = rows[0]
    if now - found.seen_at > limits.idle or now - found.created_at > limits.absolute or person.role in NO_SIGN_IN:
        return None
    team_ids = frozenset(team_id for _, _, team_id, _, _ in rows if team_id is not None)
    opened = opened_by(session, person.id, now) if emergency else frozenset()
    actor = Actor(person.email, person.role, person.id, team_ids, origin.request_id, origin.source, opened=opened)
    chosen = preferred(person.preferences)
    return SignedIn(actor, person.name, found.id_hash, found.seen_at, chosen, person.language, has_factor)


def touch(session: Session, signed_in: SignedIn, now: datetime) -> None:
    """Note activity: the idle time starts again. A sign-in that has ended stays ended."""
    session.execute(
        update(SignIn)
        .where(SignIn.id_hash == signed_in.id_hash, SignIn.ended_at.is_(None), SignIn.seen_at < now)
        .values(seen_at=now)
    )


def end(session: Session, cookie: str, now: datetime) -> None:
    """End the sign-in behind a cookie, if there is one, under whatever id it goes just now."""
    found = session.execute(
        select(SignIn.person_id, SignIn.created_at).where(SignIn.id_hash == _hash(cookie), _answered(now))
    ).one_or_none()
    if found is not None:
        session.execute(
            update(SignIn)
            .where(SignIn.person_id == found.person_id, SignIn.created_at == found.created_at, _answered(now))
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )


def renew(session: Session, signed_in: SignedIn, now: datetime) -> tuple[str, SignedIn] | None:
    """The same sign-in under a new id: its cookie and itself; None when it has ended.

    What the page asked before it had the new cookie is answered for `OVERLAP` more; the old id signs nothing any more.
    """
    old = session.scalar(
        select(SignIn).where(SignIn.id_hash == signed_in.id_hash, SignIn.ended_at.is_(None)).with_for_update()
    )
    if old is None:
        return None
    cookie = secrets.token_urlsafe(32)
    kept = {"person_id": old.person_id, "created_at": old.created_at, "proved_at": old.proved_at}
    session.add(SignIn(id_hash=_hash(cookie), seen_at=now, **kept))
    old.ended_at = now + OVERLAP
    session.flush()
    return cookie, replace(signed_in, id_hash=_hash(cookie), seen_at=now)


def able_to_sign_in(session: Session, email: str) -> Person | None:
    """The enabled person of this address whose role signs in; None for anything else."""
    if len(email) > EMAIL_MAX or not EMAIL.fullmatch(email.strip()):
        return None
    person = session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if person is None or person.disabled_at is not None or person.role in NO_SIGN_IN:
        return None
    return person


def start(
    session: Session, person: Person, now: datetime, *, previous: str | None = None, awaits_code: bool = False
) -> str:
    """Start a sign-in and end the one behind `previous`; returns the new cookie value."""
    if previous is not None:
        end(session, previous, now)
    cookie = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            id_hash=_hash(cookie),
            person_id=person.id,
            created_at=now,
            seen_at=now,
            proved_at=now,
            awaits_code=awaits_code,
        )
    )
    session.flush()
    return cookie


def _answered(now: datetime) -> ColumnElement[bool]:
    return or_(SignIn.ended_at.is_(None), SignIn.ended_at > now)


def _buckets(email: str, known: str | None, origin: Origin) -> dict[str, Allowance]:
    if known is not None:
        return {device_bucket(device_hash(known), email): PER_DEVICE}
    return {account_bucket(email): PER_ACCOUNT, source_bucket(origin.source): PER_SOURCE}


def _who(person: Person | None, origin: Origin) -> Actor:
    # Of an address that has no account nothing is kept: passwords are typed into the wrong field.
    name, role = (person.email, person.role) if person else ("unknown", "anonymous")
    return Actor(name, role, None, frozenset(), origin.request_id, origin.source)


def _hash(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
