"""A second factor: codes of an authenticator (TOTP, RFC 6238) and recovery codes that stand in for it.

A code holds for its 30 seconds and the step before and after, and opens something once. The secret is sealed in the
database with a key made from that of the audit chain, which is kept elsewhere.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyotp.utils import strings_equal
from sqlalchemy import ColumnElement, CursorResult, delete, exists, func, select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import AuditUnavailable, write_audit
from data.errors import BadInput
from data.models import Person, RecoveryCode, SecondFactor
from data.throttle import clear, code_bucket

if TYPE_CHECKING:
    from data.people import Actor

STEP_S: Final = 30
WINDOW: Final = 1
DIGITS: Final = 6
BEGUN_FOR: Final = timedelta(minutes=15)
ISSUER: Final = "Nadir"
RECOVERY_CODES: Final = 10
# Without what is taken for something else when read from paper. 24 of 31 letters are 118 bits: too many to guess from
# a plain digest (OWASP ASVS 5.0, 6.5.2).
RECOVERY_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH: Final = 24
NEVER: Final = -1


class SecondFactorError(BadInput):
    """A second factor that cannot be set up or confirmed as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is told: the secret in base 32, and the `otpauth://` address that a QR code carries."""

    secret: str
    address: str


def has_second_factor(session: Session, person_id: int) -> bool:
    """Whether a second factor of the person is in force."""
    in_force = SecondFactor.confirmed_at.is_not(None)
    return session.scalar(select(SecondFactor.person_id).where(SecondFactor.person_id == person_id, in_force)) == (
        person_id
    )


def factor_in_force(person_id: Any) -> ColumnElement[bool]:
    """As `has_second_factor`, as a where-clause on a column of people."""
    return exists().where(SecondFactor.person_id == person_id, SecondFactor.confirmed_at.is_not(None))


def recovery_codes_left(session: Session, person_id: int) -> int:
    """How many recovery codes the person has not used yet."""
    unused = RecoveryCode.used_at.is_(None)
    return session.scalar(select(func.count()).where(RecoveryCode.person_id == person_id, unused)) or 0


def begin_second_factor(session: Session, person: Person, now: datetime) -> Enrolment:
    """A fresh secret for the person's authenticator, in force once `confirm_second_factor` has seen a code of it.

    Raises SecondFactorError where one is in force already.
    """
    if has_second_factor(session, person.id):
        raise SecondFactorError(say("an authenticator is set up already; take it away first"))
    secret = pyotp.random_base32()
    session.execute(delete(SecondFactor).where(SecondFactor.person_id == person.id))
    sealed = _seal(session).encrypt(secret.encode()).decode()
    session.add(SecondFactor(person_id=person.id, sealed=sealed, begun_at=now, confirmed_at=None, last_step=NEVER))
    session.flush()
    return _enrolment(secret, person)


def begun_second_factor(session: Session, person: Person, now: datetime) -> Enrolment:
    """What was begun within the last quarter of an hour and not confirmed yet. Raises SecondFactorError."""
    row = session.get(SecondFactor, person.id)
    if row is None or row.confirmed_at is not None or now - row.begun_at > BEGUN_FOR:
        raise SecondFactorError(say("begin again: what was begun here is too old or was finished elsewhere"))
    return _enrolment(_secret(session, row), person)


def confirm_second_factor(session: Session, actor: Actor, person: Person, code: str, now: datetime) -> list[str]:
    """Put what was begun in force and give the recovery codes, which are shown this once.

    Raises SecondFactorError for a code that is not of it, and as `begun_second_factor`.
    """
    begun_second_factor(session, person, now)
    if not _take_step(session, person.id, code, now, confirmed=False):
        raise SecondFactorError(say("that code is not right; is the clock of your phone?"))
    session.execute(update(SecondFactor).where(SecondFactor.person_id == person.id).values(confirmed_at=now))
    write_audit(session, actor, "person.factor", now=now, object=person.email, detail={"second_factor": "set up"})
    return renew_recovery_codes(session, actor, person, now)


def renew_recovery_codes(session: Session, actor: Actor, person: Person, now: datetime) -> list[str]:
    """Ten new recovery codes in place of all earlier ones. Only their digests are kept."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(code_hash=_digest(code), person_id=person.id) for code in codes)
    session.flush()
    write_audit(session, actor, "person.factor", now=now, object=person.email, detail={"recovery_codes": len(codes)})
    return codes


def drop_second_factor(session: Session, actor: Actor, person: Person, now: datetime) -> None:
    """Take the authenticator and the recovery codes of the person away, if there are any."""
    for table in (SecondFactor, RecoveryCode):
        session.execute(delete(table).where(table.person_id == person.id))
    clear(session, code_bucket(person.id))
    write_audit(session, actor, "person.factor", now=now, object=person.email, detail={"second_factor": "taken away"})


def take_code(session: Session, person_id: int, code: str, now: datetime) -> bool:
    """Whether `code` is of the person's authenticator in force, or a recovery code left; it is used up by the asking.

    The caller counts the tries (`data.throttle.code_bucket`).
    """
    if looks_like_code(code):
        return _take_step(session, person_id, code, now, confirmed=True)
    if not has_second_factor(session, person_id):
        return False
    used = cast(
        "CursorResult[Any]",
        session.execute(
            update(RecoveryCode)
            .where(RecoveryCode.code_hash == _digest(code), RecoveryCode.person_id == person_id)
            .where(RecoveryCode.used_at.is_(None))
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        ),
    )
    return used.rowcount == 1


def looks_like_code(text: str) -> bool:
    """Whether a text is six digits, which no password is."""
    digits = "".join(text.split())
    return len(digits) == DIGITS and digits.isascii() and digits.isdigit()


def _take_step(session: Session, person_id: int, code: str, now: datetime, *, confirmed: bool) -> bool:
    # Locked, so that two requests cannot take one code.
    row = session.scalar(select(SecondFactor).where(SecondFactor.person_id == person_id).with_for_update())
    if row is None or (row.confirmed_at is not None) != confirmed:
        return False
    authenticator = pyotp.TOTP(_secret(session, row), interval=STEP_S, digits=DIGITS)
    today = int(now.timestamp()) // STEP_S
    typed = "".join(code.split())
    for step in range(today - WINDOW, today + WINDOW + 1):
        if step > row.last_step and strings_equal(typed, authenticator.generate_otp(step)):
            row.last_step = step
            # Under the key of today, so that what was sealed under a previous one does not outlast it.
            row.sealed = _seal(session).rotate(row.sealed.encode()).decode()
            session.flush()
            return True
    return False


def _secret(session: Session, row: SecondFactor) -> str:
    try:
        return _seal(session).decrypt(row.sealed.encode()).decode()
    except InvalidToken as error:
        raise SecondFactorError(
            say("the key of this server was replaced since the authenticator was set up; an admin has to reset it")
        ) from error


def _seal(session: Session) -> MultiFernet:
    key = session.info.get("audit_key")
    if not key:
        raise AuditUnavailable("this session carries no audit key; open it with data.db.Database")
    return MultiFernet([_derived(known) for known in (key, *session.info.get("previous_audit_keys", ()))])


def _derived(key: bytes) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=b"nadir second factor").derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))


def _enrolment(secret: str, person: Person) -> Enrolment:
    authenticator = pyotp.TOTP(secret, interval=STEP_S, digits=DIGITS)
    return Enrolment(secret, authenticator.provisioning_uri(name=person.email, issuer_name=ISSUER))


def _recovery_code() -> str:
    letters = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH))
    return "-".join(letters[i : i + 4] for i in range(0, RECOVERY_LENGTH, 4))


def _digest(code: str) -> str:
    letters = "".join(c for c in code.lower() if c.isalnum())
    return sha256(letters.encode("utf-8", "surrogatepass")).hexdigest()
