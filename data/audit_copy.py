"""A copy of the audit trail outside the database, row by row as they come: for the system in which a site collects
what all of its systems log.

One JSON object a line, with every column of the row and none of the reasons, which can be erased. The file is only
added to; where its last row is not that row of the chain, one of the two was changed, and nothing is added any more.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import select

from data.db import Database
from data.errors import BadInput
from data.models import Audit

CHUNK: Final = 2_000
LONGEST_LINE: Final = 1 << 20


class CopyBroken(BadInput):
    """The file is no copy of this trail up to its last line; the message says why and what to do."""


def copy_on(database: Database, path: Path, *, most: int = 50 * CHUNK) -> int:
    """Append at most `most` rows that the file lacks and see them on the disk; how many. Raises CopyBroken, OSError."""
    copied = 0
    with _held(path) as file:
        last = _last(file, path)
        while copied < most:
            with database.read() as session:
                # The row that the file ends with comes along, so that it is compared in the same statement.
                rows = session.scalars(select(Audit).where(Audit.seq >= last[0]).order_by(Audit.seq).limit(CHUNK)).all()
            if last[0]:
                if not rows or (rows[0].seq, rows[0].mac) != last:
                    raise CopyBroken(f"{path} ends with row {last[0]}, which is not that row of this trail: {_REMEDY}")
                rows = rows[1:]
            if not rows:
                break
            _append(file, "".join(_line(row) for row in rows).encode())
            copied, last = copied + len(rows), (rows[-1].seq, rows[-1].mac)
    return copied


_REMEDY: Final = "after a restore name a new file; otherwise find out who changed which of the two"


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """The file, made where there is none, for this process alone: two schedulers may both think that they lead."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _last(file: int, path: Path) -> tuple[int, str]:
    """Number and signature of the last whole line, (0, "") for none. What a crash left of a line is cut off."""
    size = os.fstat(file).st_size
    begin = max(0, size - LONGEST_LINE)
    tail = os.pread(file, size - begin, begin)
    whole = tail.rfind(b"\n") + 1
    if whole < len(tail):
        os.ftruncate(file, begin + whole)
    if not whole:
        if begin:
            raise CopyBroken(f"{path} is no copy of an audit trail: {_REMEDY}")
        return 0, ""
    try:
        said = json.loads(tail[:whole].splitlines()[-1])
        return int(said["seq"]), str(said["mac"])
    except (ValueError, KeyError, TypeError) as error:
        raise CopyBroken(f"{path} is no copy of an audit trail: {_REMEDY}") from error


def _append(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _line(row: Audit) -> str:
    told = {column.name: getattr(row, column.name) for column in Audit.__table__.columns}
    return json.dumps(told | {"at": row.at.isoformat()}, ensure_ascii=False) + "\n"
