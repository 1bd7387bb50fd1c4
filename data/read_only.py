"""A site that is looked at and not written to: during maintenance, a move or a restore somebody wants to check first.

Every statement that would change anything is refused before it reaches the database, whoever made it. Still written is
what looking itself needs: sign-ins, and the audit trail, without which nobody is shown a patient.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import event

from data.db import Database, DatabaseUnavailable

STILL_WRITTEN: Final = frozenset(
    {"audit", "audit_head", "session", "known_device", "throttle", "recovery_code", "second_factor", "emergency"}
)
_CHANGE: Final = re.compile(
    r"\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|DELETE\s+FROM|UPDATE(?=\s+\S+\s+SET\b))\s+\"?(\w+)", re.I
)
_HARMLESS: Final = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "PRAGMA", "SHOW", "SET")
_TRANSACTION: Final = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT")


class ReadOnly(DatabaseUnavailable):
    """Something would have been written while this site is read-only; nothing was."""


def forbid_writes(database: Database) -> None:
    """Let `database` refuse, with ReadOnly, whatever would change more than sign-ins and the audit trail."""
    event.listen(database.engine, "before_cursor_execute", _refuse)


def _refuse(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    first = (statement.split(None, 1) or [""])[0].upper()
    if first in _TRANSACTION:
        return
    changed = set(_CHANGE.findall(statement))
    if first not in _HARMLESS or not changed <= STILL_WRITTEN:
        raise ReadOnly("Nadir is read-only (NADIR_READ_ONLY): nothing was changed")
