"""The transactions of one import: a real one for each step, or one for all of them that is rolled back in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy.orm import Session

from data.db import Database
from data.records import lock_ingest


@dataclass(frozen=True, slots=True)
class Transactions:
    """How an import reads and writes."""

    write: Callable[[], AbstractContextManager[Session]]
    read: Callable[[], AbstractContextManager[Session]]


class _Rehearsed(Exception):
    """Ends the one transaction of a dry run, so that it is rolled back."""


@contextmanager
def transactions(database: Database, *, dry_run: bool) -> Iterator[Transactions]:
    """Real transactions, or for a dry run one in which everything happens and of which nothing is kept."""
    if not dry_run:
        yield Transactions(database.write, database.read)
        return
    try:
        with database.write() as session:
            # Every writer takes the ingest lock before the head of the audit chain, or two would wait for each other.
            lock_ingest(session)
            yield Transactions(lambda: nullcontext(session), lambda: nullcontext(session))
            raise _Rehearsed
    except _Rehearsed:
        return
