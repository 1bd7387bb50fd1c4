"""What people do with their own account: the password, the second factor, and where they are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.db import Database
from data.errors import BadInput
from data.known_devices import count_devices, forget_devices
from data.models import Person
from data.models import Session as SignIn
from data.passwords import MIN_LENGTH, check_password, hash_password
from data.people import end_sessions, least_length
from data.second_factor import (
    Enrolment,
    begin_second_factor,
    drop_second_factor,
    has_second_factor,
    looks_like_code,
    recovery_codes_left,
    renew_recovery_codes,
)
from data.sessions import Limits, Origin, SignedIn, start
from data.step_up import LIFE, ProofMissing, ProofRefused, prove, require_proof


class OwnAccountError(BadInput):
    """Something of the own account that cannot be changed as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class OpenSignIn:
    """A sign-in that holds: since when, when it was last used, and whether it is the one that asks."""

    since: datetime
    seen: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What the page of the own account shows. `least` is how many characters a new password needs."""

    has_password: bool
    has_factor: bool
    recovery_codes: int
    least: int
    devices: int
    sign_ins: tuple[OpenSignIn, ...]


def own_account(session: Session, signed_in: SignedIn, *, limits: Limits, now: datetime) -> OwnAccount:
    """The account of who is signed in."""
    person = own_person(session, signed_in)
    alive = (
        select(SignIn)
        .where(SignIn.person_id == person.id, SignIn.ended_at.is_(None), SignIn.awaits_code.is_(False))
        .where(SignIn.seen_at >= now - limits.idle, SignIn.created_at >= now - limits.absolute)
        .order_by(SignIn.created_at.desc())
    )
    return OwnAccount(
        has_password=person.password_hash is not None,
        has_factor=has_second_factor(session, person.id),
        recovery_codes=recovery_codes_left(session, person.id),
        least=least_length(session, person),
        devices=count_devices(session, person.id, now),
        sign_ins=tuple(
            OpenSignIn(row.created_at, row.seen_at, row.id_hash == signed_in.id_hash) for row in session.scalars(alive)
        ),
    )


def change_password(
    database: Database, signed_in: SignedIn, current: str, new: str, *, origin: Origin, now: datetime
) -> str:
    """Take a new password in place of `current`; every sign-in ends, and the cookie of a new one is returned.

    A code does not stand in for the password here. Raises ProofRefused, TooManyTries, or WeakPassword.
    """
    if looks_like_code(current):
        raise ProofRefused(say("that is not your password"))
    prove(database, signed_in, current, origin=origin, now=now)
    with database.read() as session:
        person = own_person(session, signed_in)
        check_password(new, email=person.email, name=person.name, least=least_length(session, person))
    hashed = hash_password(new)
    with database.write() as session:
        require_proof(session, signed_in, now)
        person = own_person(session, signed_in)
        person.password_hash = hashed
        end_sessions(session, person.id, now)
        forget_devices(session, person.id)
        write_audit(session, signed_in.actor, "person.password", now=now, object=person.email)
        return start(session, person, now)


def begin_own_factor(session: Session, signed_in: SignedIn, now: datetime) -> Enrolment:
    """Begin to set up the own authenticator. Raises SecondFactorError, or ProofMissing.

    Who has no password, because a provider vouches for them, needs a sign-in of the last minutes instead.
    """
    person = own_person(session, signed_in)
    began = session.scalar(select(SignIn.created_at).where(SignIn.id_hash == signed_in.id_hash))
    fresh = began is not None and now - began <= LIFE
    if person.password_hash is None and not fresh:
        raise ProofMissing(say("sign out and in again first: this is done within five minutes of signing in"))
    if person.password_hash is not None:
        require_proof(session, signed_in, now)
    return begin_second_factor(session, person, now)


def drop_own_factor(session: Session, signed_in: SignedIn, password: str, now: datetime) -> None:
    """Take the own authenticator away. `password` is the one just proved: alone it must be long enough.

    Raises OwnAccountError for one that is not, or ProofMissing.
    """
    require_proof(session, signed_in, now)
    person = own_person(session, signed_in)
    if person.password_hash is not None and len(password) < MIN_LENGTH:
        raise OwnAccountError(
            say("choose a password of {least} characters first: alone, yours is too short", least=str(MIN_LENGTH))
        )
    drop_second_factor(session, signed_in.actor, person, now)


def renew_own_recovery_codes(session: Session, signed_in: SignedIn, now: datetime) -> list[str]:
    """New recovery codes in place of the old ones. Raises OwnAccountError without an authenticator, or ProofMissing."""
    require_proof(session, signed_in, now)
    person = own_person(session, signed_in)
    if not has_second_factor(session, person.id):
        raise OwnAccountError(say("set up an authenticator first"))
    return renew_recovery_codes(session, signed_in.actor, person, now)


def end_elsewhere(session: Session, signed_in: SignedIn, now: datetime) -> None:
    """End every sign-in of the person but this one, and know none of their browsers any more."""
    person = own_person(session, signed_in)
    session.execute(
        update(SignIn)
        .where(SignIn.person_id == person.id, SignIn.id_hash != signed_in.id_hash)
        .where(or_(SignIn.ended_at.is_(None), SignIn.ended_at > now))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    forget_devices(session, person.id)
    write_audit(session, signed_in.actor, "signin.end-elsewhere", now=now, object=person.email)


def own_person(session: Session, signed_in: SignedIn) -> Person:
    """The row of who is signed in."""
    return session.scalars(select(Person).where(Person.id == signed_in.actor.person_id)).one()
