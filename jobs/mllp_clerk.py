"""The one writer of the MLLP receiver: whatever messages wait, of all connections, become one transaction.

A commit costs a flush of the disk however much is in it. While one is under way the next messages gather, so many
connections share a flush; a single one pays for its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Final

import structlog
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from data.audit import write_audit
from data.db import Database
from data.intake.hl7_feed import Desk, keep_failed, receive
from data.intake.hl7_letter import Arrived
from jobs.runs import in_one_line

log = structlog.get_logger()

MOST_MESSAGES: Final = 64
MOST_BYTES: Final = 4_000_000
QUIET: Final = timedelta(minutes=1)
_OF_THE_MESSAGE: Final = (IntegrityError, DataError)


class DatabaseAway(RuntimeError):
    """The message was not stored and must not be acknowledged: its sender has to send it again."""


@dataclass(slots=True)
class _Waiting:
    arrived: Arrived
    reply: Future[bytes | None] = field(default_factory=Future)


class Clerk:
    """Takes messages in on a thread of its own until `close`."""

    def __init__(self, database: Database, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._turned_away: dict[tuple[str, str], datetime] = {}
        self._thread = threading.Thread(target=self._work, name="mllp-clerk", daemon=True)
        self._thread.start()

    def hand_in(self, arrived: Arrived) -> Future[bytes | None]:
        """The answer to a message, once it is committed. The future raises DatabaseAway where it cannot be stored."""
        waiting = _Waiting(arrived)
        self._queue.put(waiting)
        return waiting.reply

    def turn_away(self, peer: str, why: str) -> None:
        """Put on the audit trail that a peer was not let in; once a minute for one peer and reason."""
        now = self._clock()
        self._turned_away = {key: at for key, at in self._turned_away.items() if now - at < QUIET}
        log.warning("peer turned away", peer=peer, why=why)
        if (peer, why) in self._turned_away:
            return
        self._turned_away[peer, why] = now
        try:
            with self._database.write() as session:
                write_audit(
                    session,
                    self._desk.actor,
                    "mllp.refuse",
                    now=now,
                    object=f"peer {peer}",
                    outcome="denied",
                    detail={"why": why},
                )
        except SQLAlchemyError as error:
            log.error("not audited", peer=peer, why=in_one_line(error))

    def close(self) -> None:
        """Finish what was handed in, then end."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            together, last = self._gather(first)
            self._take([one for one in together if one.reply.set_running_or_notify_cancel()])
            if last:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """`first` and what else waits, and whether nothing will follow."""
        together, size = [first], len(first.arrived.content)
        while len(together) < MOST_MESSAGES and size < MOST_BYTES and not self._queue.empty():
            one = self._queue.get()
            if one is None:
                return together, True
            together.append(one)
            size += len(one.arrived.content)
        return together, False

    def _take(self, together: Sequence[_Waiting]) -> None:
        if not together:
            return
        try:
            with self._database.write() as session:
                replies = receive(session, self._desk, [one.arrived for one in together], now=self._clock())
        except Exception as error:  # whatever it is, no message of the transaction may be acknowledged
            self._not_taken(together, error)
            return
        for one, reply in zip(together, replies, strict=True):
            one.reply.set_result(reply)

    def _not_taken(self, together: Sequence[_Waiting], error: Exception) -> None:
        if isinstance(error, SQLAlchemyError) and not isinstance(error, _OF_THE_MESSAGE):
            log.error("database away", messages=len(together), why=in_one_line(error))
            for one in together:
                one.reply.set_exception(DatabaseAway(in_one_line(error)))
        elif len(together) > 1:
            for one in together:
                self._take([one])
        else:
            self._fail(together[0], error)

    def _fail(self, one: _Waiting, error: Exception) -> None:
        log.error("message not taken in", peer=one.arrived.peer, why=type(error).__name__, exc_info=error)
        try:
            with self._database.write() as session:
                reply = keep_failed(session, self._desk, one.arrived, type(error).__name__, now=self._clock())
        except Exception as again:  # the thread must go on, and nobody may be told that it was stored
            log.error("message not kept", peer=one.arrived.peer, why=in_one_line(again))
            one.reply.set_exception(DatabaseAway(in_one_line(again)))
        else:
            one.reply.set_result(reply)
