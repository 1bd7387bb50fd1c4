"""Signing: the password a second time, from whoever sits there now, before what only its owner may do.

What a password proves holds for one sign-in and a few minutes, and is kept on the row of the sign-in: nothing the
browser says can make it longer. The password of the sign-in itself does not count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.db import Database
from data.errors import BadInput
from data.models import Person
from data.models import Session as SignIn
from data.passwords import verify_password
from data.sessions import Origin, SignedIn, TooManyTries
from data.throttle import PER_ACCOUNT, PER_SOURCE, account_bucket, clear, forgive, reserve, source_bucket

LIFE: Final = timedelta(minutes=5)


class ProofMissing(BadInput):
    """A password is asked for again before this is done."""


class ProofRefused(BadInput):
    """The password is not that of the person signed in."""


def proved_at(session: Session, signed_in: SignedIn, now: datetime) -> datetime | None:
    """When the person of this sign-in last typed the password again; None where that is longer ago than `LIFE`."""
    row = session.scalar(select(SignIn).where(SignIn.id_hash == signed_in.id_hash, SignIn.ended_at.is_(None)))
    if row is None or row.proved_at <= row.created_at or now - row.proved_at > LIFE:
        return None
    return row.proved_at


def require_proof(session: Session, signed_in: SignedIn, now: datetime) -> datetime:
    """As `proved_at`. Raises ProofMissing where it gives None."""
    proved = proved_at(session, signed_in, now)
    if proved is None:
        raise ProofMissing(say("type your password once more: what is decided is signed with it"))
    return proved


def prove(database: Database, signed_in: SignedIn, password: str, *, origin: Origin, now: datetime) -> None:
    """Check the password of the person signed in and note the moment on the sign-in.

    Raises ProofRefused, or TooManyTries: tries count against the same limits as those of the sign-in page.
    """
    account, source = account_bucket(signed_in.actor.name), source_bucket(origin.source)
    with database.write() as session:
        wait = reserve(session, {account: PER_ACCOUNT, source: PER_SOURCE}, now)
        if wait is not None:
            raise TooManyTries(wait)
        stored = session.scalar(select(Person.password_hash).where(Person.id == signed_in.actor.person_id))
    # Outside any transaction: a verification takes a tenth of a second, and SQLite has one write lock.
    matches = verify_password(stored, password)
    with database.write() as session:
        if matches:
            clear(session, account)
            forgive(session, source)
            session.execute(
                update(SignIn)
                .where(SignIn.id_hash == signed_in.id_hash, SignIn.ended_at.is_(None))
                .values(proved_at=now)
                .execution_options(synchronize_session=False)
            )
        write_audit(session, signed_in.actor, "signin.again", now=now, outcome="ok" if matches else "denied")
    if not matches:
        raise ProofRefused(say("that is not your password"))
