"""Signing in by what an identity provider says (OpenID Connect): only who has an account here, and nobody gets one so.

The first time the address decides, and the account is bound to the provider's own name of the person; from then on
both must match, so that an address given to somebody else opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.db import Database
from data.models import Person
from data.people import Actor
from data.second_factor import has_second_factor
from data.sessions import Origin, SignInRefused, able_to_sign_in, start

SUBJECT_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the provider says of who has signed in there. `verified`: that the address is theirs was checked."""

    issuer: str
    subject: str
    email: str
    verified: bool


def sign_in_by_provider(
    database: Database, vouched: Vouched, *, origin: Origin, now: datetime, previous: str | None = None
) -> str:
    """Start a sign-in for whom the provider vouches; returns the new cookie value. `previous` is ended.

    A second factor set up here is asked for all the same. Raises SignInRefused, the same for every cause; the audit
    trail says which.
    """
    cookie = None
    with database.write() as session:
        person = able_to_sign_in(session, vouched.email)
        why = _why_not(session, vouched, person)
        if person is not None and why is None:
            person.provider_subject = _bound(vouched)
            awaits_code = has_second_factor(session, person.id)
            cookie = start(session, person, now, previous=previous, awaits_code=awaits_code)
        name, role = (person.email, person.role) if person else ("unknown", "anonymous")
        who = Actor(name, role, None, frozenset(), origin.request_id, origin.source)
        detail = {"issuer": vouched.issuer} if why is None else {"issuer": vouched.issuer, "why": why}
        outcome = "ok" if cookie else "denied"
        write_audit(session, who, "signin.provider", now=now, outcome=outcome, detail=detail)
    if cookie is None:
        raise SignInRefused("no account for whom the provider vouches")
    return cookie


def _why_not(session: Session, vouched: Vouched, person: Person | None) -> str | None:
    if not vouched.verified:
        return "address not verified"
    if not 0 < len(vouched.subject) <= SUBJECT_MAX:
        return "no subject"
    if person is None:
        return "no account"
    bound = _bound(vouched)
    if person.provider_subject not in (None, bound):
        return "bound to another subject"
    holder = session.scalar(select(Person.id).where(Person.provider_subject == bound))
    return "subject of another account" if holder not in (None, person.id) else None


def _bound(vouched: Vouched) -> str:
    return f"{vouched.issuer} {vouched.subject}"
