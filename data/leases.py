"""The lease row that says who leads: taken by raising its epoch, renewed, and checked inside the leader's transactions.

Times come from the database's own clock, so hosts whose clocks disagree still agree on when a lease has lapsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data.models.base import from_ms
from data.models.job import Leader

LEASE_ONLY = " (by lapsed lease)"


@dataclass(frozen=True, slots=True)
class Lease:
    """The row as read. `live` says whether it still binds others; `by_lock` whether its holder had the lock as well."""

    epoch: int
    holder: str
    until: datetime
    live: bool

    @property
    def by_lock(self) -> bool:
        """Whether the holder led by lock and lease; one that took over a lapsed lease may not hold the lock yet."""
        return not self.holder.endswith(LEASE_ONLY)


def database_now(session: Session) -> datetime:
    """The moment by the clock of the database, aware UTC."""
    if session.get_bind().dialect.name == "sqlite":
        return from_ms(session.execute(text("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)")).scalar_one())
    return cast(datetime, session.execute(select(func.clock_timestamp())).scalar_one())


def read_lease(session: Session, name: str, *, lasting: timedelta) -> Lease | None:
    """The lease `name`, None where nobody ever held it.

    A lease that ends later than `lasting` from now was written before the clock was set back; it does not bind.
    """
    row = session.execute(
        select(Leader.epoch, Leader.holder, Leader.lease_until).where(Leader.name == name)
    ).one_or_none()
    if row is None:
        return None
    now = database_now(session)
    return Lease(row.epoch, row.holder, row.lease_until, live=now < row.lease_until <= now + lasting)


def take_lease(session: Session, name: str, *, after: Lease | None, holder: str, lasting: timedelta) -> int | None:
    """The new epoch when this session took the lease that read as `after`; None when another was faster."""
    until = database_now(session) + lasting
    if after is None:
        try:
            with session.begin_nested():
                session.execute(insert(Leader).values(name=name, epoch=1, holder=holder, lease_until=until))
        except IntegrityError:
            return None
        return 1
    taken = _changed(
        session,
        update(Leader)
        .where(Leader.name == name, Leader.epoch == after.epoch)
        .values(epoch=after.epoch + 1, holder=holder, lease_until=until),
    )
    return after.epoch + 1 if taken else None


def renew_lease(session: Session, name: str, *, epoch: int, holder: str, lasting: timedelta) -> bool:
    """Make the lease last `lasting` from now; False when the epoch is no longer the one given."""
    until = database_now(session) + lasting
    return _changed(
        session,
        update(Leader).where(Leader.name == name, Leader.epoch == epoch).values(holder=holder, lease_until=until),
    )


def holds_lease(session: Session, name: str, *, epoch: int) -> bool:
    """Whether the epoch is still the one given. The row stays share-locked, so it cannot change before this commits."""
    found = session.execute(
        select(Leader.epoch).where(Leader.name == name, Leader.epoch == epoch).with_for_update(read=True)
    )
    return found.one_or_none() is not None


def _changed(session: Session, statement: Any) -> bool:
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount == 1
