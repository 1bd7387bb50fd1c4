"""The transactions of one import: a real one for each step, or one for all of them that is rolled back in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy.orm import Session

from data.db import Database, open_database
from data.rehearsal import stage


@dataclass(frozen=True, slots=True)
class Transactions:
    """How an import reads and writes. `apart`: a server does the work of them, each of its own, so that one can be read
    in while another writes."""

    write: Callable[[], AbstractContextManager[Session]]
    read: Callable[[], AbstractContextManager[Session]]
    apart: bool = False


class _Rehearsed(Exception):
    """Ends the one transaction of a dry run, so that it is rolled back."""


@contextmanager
def transactions(database: Database, *, dry_run: bool, batch: str) -> Iterator[Transactions]:
    """Real transactions, or for a dry run one in which everything happens and of which nothing is kept.

    On PostgreSQL a dry run keeps nobody waiting (see `data.rehearsal`); on SQLite it is the one writer while it lasts.
    """
    if not dry_run:
        yield Transactions(database.write, database.read, apart=not database.is_sqlite)
        return
    try:
        with _apart(database) as own, own.write() as session:
            if not own.is_sqlite:
                stage(session, batch=batch)
            yield Transactions(lambda: nullcontext(session), lambda: nullcontext(session))
            raise _Rehearsed
    except _Rehearsed:
        return


@contextmanager
def _apart(database: Database) -> Iterator[Database]:
    """The database over connections that nobody has used before."""
    own = open_database(database.engine.url.render_as_string(hide_password=False), database.audit_key)
    try:
        yield own
    finally:
        own.close()
