"""Slowing down guesses: failed tries are counted per bucket in the database, so that every process shares one limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import case, delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data.models import Throttle

LONGEST_DELAY_S = 60


class TooManyTries(PermissionError):
    """No try is let through before `wait_s` seconds have passed; `buckets` are those that are closed."""

    def __init__(self, wait: timedelta, buckets: Sequence[str]) -> None:
        self.wait_s = max(1, -(-int(wait.total_seconds() * 1000) // 1000))
        self.buckets = tuple(buckets)
        super().__init__(f"too many tries; wait {self.wait_s} s")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many failures are free, how many close the bucket, and after how long without a try it forgets.

    A bucket that never forgets is closed for good: `clear` opens it.
    """

    free: int
    closes_after: int | None = None
    forgets_after: timedelta | None = None


# A source may be a whole hospital behind one address, an account is one person.
PER_ACCOUNT = Allowance(free=5, closes_after=100)
PER_SOURCE = Allowance(free=30, forgets_after=timedelta(hours=1))
# Guesses made elsewhere must not keep people from signing in where they always do.
PER_DEVICE = Allowance(free=5, closes_after=100)
# Whoever is asked for a code has the password: a right password must not buy new guesses at the code.
PER_CODE = Allowance(free=4, closes_after=100)
# The password once more, in a sign-in that holds.
PER_PROOF = Allowance(free=5, closes_after=100)


def account_bucket(email: str) -> str:
    """The bucket of an account, whether it exists or not; what was typed is not kept."""
    return "account:" + sha256(email.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


def source_bucket(source: str) -> str:
    """The bucket of a network address."""
    return "source:" + source[:80]


def device_bucket(id_hash: str, email: str) -> str:
    """The bucket of one account in a browser where its owner has signed in."""
    return "device:" + sha256(f"{id_hash} {email.strip().lower()}".encode()).hexdigest()


def code_bucket(person_id: int) -> str:
    """The bucket of the codes of a person's second factor."""
    return f"code:{person_id}"


def proof_bucket(person_id: int) -> str:
    """The bucket of a person's password where it is asked for again."""
    return f"proof:{person_id}"


def reserve(session: Session, allowances: Mapping[str, Allowance], now: datetime) -> TooManyTries | None:
    """Count one try against every bucket, before its outcome is known, so that parallel tries cannot share one.

    Returns None when the try may go ahead; otherwise what to raise, which undoes the transaction, and then nothing was
    counted. A bucket closed for good answers with the longest delay, so that it looks like any other. A success is
    taken back with `forgive` or `clear`.
    """
    rows = {bucket: _locked(session, bucket, now) for bucket in sorted(allowances)}
    waits = {bucket: _wait(rows[bucket], allowance, now) for bucket, allowance in allowances.items()}
    closed = [bucket for bucket, wait in waits.items() if wait > timedelta()]
    if closed:
        return TooManyTries(max(waits.values()), closed)
    for bucket, allowance in allowances.items():
        row = rows[bucket]
        failures = 1 if _forgotten(row, allowance, now) else row.failures + 1
        over = failures - allowance.free
        delay = 0 if over <= 0 else min(LONGEST_DELAY_S, 2 ** min(over - 1, 6))
        row.failures, row.free_at = failures, now + timedelta(seconds=delay)
    session.flush()
    return None


def forgive(session: Session, bucket: str) -> None:
    """Take one counted try back: it was a success."""
    session.execute(
        update(Throttle)
        .where(Throttle.bucket == bucket, Throttle.failures > 0)
        .values(failures=Throttle.failures - 1)
        .execution_options(synchronize_session=False)
    )


def clear(session: Session, bucket: str) -> None:
    """Forget every try of the bucket."""
    session.execute(delete(Throttle).where(Throttle.bucket == bucket).execution_options(synchronize_session=False))


def tally(session: Session, bucket: str, now: datetime, span: timedelta) -> int:
    """Count one thing more in a bucket that begins anew once `span` is over since its first; how many there are now."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    begun = insert(Throttle).values(bucket=bucket, failures=1, free_at=now + span)
    over, anew = Throttle.free_at <= now, literal(now + span, Throttle.free_at.type)
    counted = begun.on_conflict_do_update(
        index_elements=[Throttle.bucket],
        set_={
            "failures": case((over, 1), else_=Throttle.failures + 1),
            "free_at": case((over, anew), else_=Throttle.free_at),
        },
    )
    return session.execute(counted.returning(Throttle.failures)).scalar_one()


def take(session: Session, bucket: str, most: int, now: datetime, span: timedelta) -> timedelta | None:
    """As `tally`, of things of which there may be `most` within `span`: how long to wait, None for not at all.

    Raise on a wait, so that what was not done is not counted.
    """
    if tally(session, bucket, now, span) <= most:
        return None
    return session.scalars(select(Throttle.free_at).where(Throttle.bucket == bucket)).one() - now


def _locked(session: Session, bucket: str, now: datetime) -> Throttle:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    while True:
        session.execute(insert(Throttle).values(bucket=bucket, failures=0, free_at=now).on_conflict_do_nothing())
        row = session.scalar(select(Throttle).where(Throttle.bucket == bucket).with_for_update())
        if row is not None:
            return row
        # Somebody's success has cleared the bucket between the two statements.


def _wait(row: Throttle, allowance: Allowance, now: datetime) -> timedelta:
    if _forgotten(row, allowance, now):
        return timedelta()
    if allowance.closes_after is not None and row.failures >= allowance.closes_after:
        if allowance.forgets_after is not None:
            return row.free_at + allowance.forgets_after - now
        return timedelta(seconds=LONGEST_DELAY_S)
    return max(row.free_at - now, timedelta())


def _forgotten(row: Throttle, allowance: Allowance, now: datetime) -> bool:
    return allowance.forgets_after is not None and now - row.free_at >= allowance.forgets_after
