"""Who leads: one scheduler of several, by a lock that dies with its process and a lease row that decides.

The lock makes a take-over after `kill -9` immediate. A stopped process keeps its lock, so a lapsed lease may be taken
without it; the stopped one wakes under an old epoch, and `Term.fence` makes each of its transactions roll back.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from data.db import Database
from data.leases import LEASE_ONLY, Lease, holds_lease, read_lease, renew_lease, take_lease
from data.locks import ProcessLock, process_lock

log = structlog.get_logger()

NAME = "scheduler"


class LeaderLost(RuntimeError):
    """Another process leads now; what was under way must not be committed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a lease lasts, how often its holder renews it; how often others look for it, and it for a lost lock."""

    lease: timedelta = timedelta(seconds=30)
    renew: timedelta = timedelta(seconds=10)
    look: timedelta = timedelta(seconds=1)


class Candidate:
    """A process that would lead. `stand` once in a while; it leads as long as the `Term` it gets is not lost."""

    def __init__(self, database: Database, pace: Pace) -> None:
        self._database = database
        self._pace = pace
        self._lock = process_lock(database, NAME)
        self._name = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def stand(self) -> Term | None:
        """A term when this process now leads, else None. Raises SQLAlchemyError when the database is away."""
        locked = self._lock.acquire()
        try:
            epoch = self._take(locked)
        except BaseException:
            self._lock.release()
            raise
        if epoch is None:
            self._lock.release()  # whoever leads by lease alone takes it at its next renewal
            return None
        log.info("leading", holder=self._name, epoch=epoch, lock=locked)
        return Term(self._database, self._pace, self._lock, name=self._name, epoch=epoch, locked=locked)

    def _take(self, locked: bool) -> int | None:
        with self._database.write() as session:
            lease = read_lease(session, NAME, lasting=self._pace.lease)
            if not _free(lease, locked):
                return None
            holder = self._name if locked else self._name + LEASE_ONLY
            return take_lease(session, NAME, after=lease, holder=holder, lasting=self._pace.lease)


def _free(lease: Lease | None, locked: bool) -> bool:
    if lease is None or not lease.live:
        return True
    return locked and lease.by_lock  # its holder had the lock we hold now: it is gone


class Term:
    """One process leads under one epoch. A thread renews the lease until `resign`; `lost` is set when it is gone."""

    def __init__(
        self, database: Database, pace: Pace, lock: ProcessLock, *, name: str, epoch: int, locked: bool
    ) -> None:
        self.epoch = epoch
        self.holder = name
        self.lost = threading.Event()
        self._database = database
        self._pace = pace
        self._lock = lock
        self._locked = locked
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._keeper.start()

    def fence(self, session: Session) -> None:
        """Bind the transaction of `session` to this term: call it last. Raises LeaderLost when another leads."""
        if not holds_lease(session, NAME, epoch=self.epoch):
            self.lost.set()
            raise LeaderLost(f"epoch {self.epoch} is over: another scheduler leads")

    def resign(self) -> None:
        """Stop leading: the lease lapses now and the lock is free, so that a standby need not wait."""
        self._over.set()
        self._keeper.join()
        try:
            self._renew(timedelta(0))
        except SQLAlchemyError as error:
            log.warning("lease not given back", why=str(error).splitlines()[0])
        self._lock.release()
        log.info("no longer leading", holder=self.holder, epoch=self.epoch)

    def _keep(self) -> None:
        while not self._over.wait((self._pace.renew if self._locked else self._pace.look).total_seconds()):
            try:
                held = self._renew(self._pace.lease)
            except SQLAlchemyError as error:
                log.warning("lease not renewed", why=str(error).splitlines()[0])
                continue
            if not held:
                self.lost.set()
                return

    def _renew(self, lasting: timedelta) -> bool:
        self._locked = self._lock.acquire()
        holder = self.holder if self._locked else self.holder + LEASE_ONLY
        with self._database.write() as session:
            return renew_lease(session, NAME, epoch=self.epoch, holder=holder, lasting=lasting)
