"""Signing: the password or a code of the authenticator once more, from whoever sits there now, before what only its
owner may do.

What that proves holds for one sign-in and a few minutes, and is kept on the row of the sign-in: nothing the
browser says can make it longer. The
password of the sign-in itself does not count.
"""

from __future__ import annotations

from dataclasses import replace
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
from data.second_factor import looks_like_code, take_code
from data.sessions import Origin, SignedIn
from data.throttle import PER_CODE, PER_PROOF, TooManyTries, clear, code_bucket, proof_bucket, reserve
from data.turned_away import note_turned_away

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
    """Check the password of the person signed in, or a code of their authenticator, and note the moment on the sign-in.

    Raises ProofRefused, or TooManyTries: tries are counted per person and apart from those of the sign-in page, so that
    whoever guesses there keeps nobody from signing. `origin` goes to the audit trail.
    """
    person_id, by_code = signed_in.actor.person_id, looks_like_code(password)
    if person_id is None:
        raise ProofRefused(say("that is not your password"))
    bucket, allowance = (code_bucket(person_id), PER_CODE) if by_code else (proof_bucket(person_id), PER_PROOF)
    who = replace(signed_in.actor, request_id=origin.request_id, source=origin.source)
    try:
        with database.write() as session:
            busy = reserve(session, {bucket: allowance}, now)
            if busy is not None:
                raise busy
            stored = session.scalar(select(Person.password_hash).where(Person.id == person_id))
            matches = take_code(session, person_id, password, now) if by_code else False
    except TooManyTries as turned_away:
        note_turned_away(database, who, turned_away, now)
        raise
    if not by_code:
        # Outside any transaction: a verification takes a tenth of a second, and SQLite has one write lock.
        matches = verify_password(stored, password)
    with database.write() as session:
        if matches:
            clear(session, bucket)
            session.execute(
                update(SignIn)
                .where(SignIn.id_hash == signed_in.id_hash, SignIn.ended_at.is_(None))
                .values(proved_at=now)
                .execution_options(synchronize_session=False)
            )
        write_audit(session, who, "signin.again", now=now, outcome="ok" if matches else "denied")
    if not matches:
        raise ProofRefused(say("that is not your password"))
