"""A database as a stream of bytes: a head, the rows of every table in turn, a foot with their counts and digests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, BinaryIO, Final

import msgspec
from sqlalchemy import Connection

from data.copying.rows import Digest, Rows, stored, tables
from data.errors import BadInput

FORM: Final = 1
LONGEST_FRAME: Final = 2**30
_LENGTH: Final = 4


class Damaged(BadInput):
    """A backup that is not whole, or is none; the message says what was found."""


class Head(msgspec.Struct, frozen=True, tag="head"):
    """What the stream is of: `made_at` the moment of the rows, `revision` the tables' migration."""

    form: int
    made_at: datetime
    revision: str


class Part(msgspec.Struct, frozen=True, tag="part"):
    """Rows of one table, in the order of `columns`."""

    table: str
    columns: tuple[str, ...]
    rows: list[list[Any]]


class Foot(msgspec.Struct, frozen=True, tag="foot"):
    """By table how many rows there are and their digest. Nothing follows."""

    tables: dict[str, tuple[int, str]]


Frame = Head | Part | Foot
_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODER: Final[msgspec.msgpack.Decoder[Frame]] = msgspec.msgpack.Decoder(Frame)


def write(out: BinaryIO, connection: Connection, *, made_at: datetime, revision: str) -> dict[str, tuple[int, str]]:
    """Write every table of the connection; returns what stands in the foot."""
    _put(out, Head(FORM, made_at, revision))
    totals: dict[str, tuple[int, str]] = {}
    for table in tables():
        columns, counted = tuple(str(column.name) for column in table.columns), Digest()
        for rows in stored(connection, table):
            counted.add(rows)
            _put(out, Part(str(table.name), columns, [list(row) for row in rows]))
        totals[str(table.name)] = counted.total()
    _put(out, Foot(totals))
    return totals


class Reader:
    """Reads such a stream. `head` is there at once, `foot` when every table has been taken from `parts`."""

    def __init__(self, source: BinaryIO) -> None:
        """Raises Damaged for anything that does not begin with a head of this form."""
        self._source = source
        self._foot: Foot | None = None
        head = self._next()
        if not isinstance(head, Head):
            raise Damaged("this is no backup of Nadir: it has no head")
        if head.form != FORM:
            raise Damaged(f"the backup has form {head.form}; this program reads form {FORM}")
        self.head = head

    @property
    def foot(self) -> Foot:
        """The counts and digests at the end. Raises Damaged when the stream ends without them."""
        if self._foot is None:
            raise Damaged("the backup ends in the middle")
        return self._foot

    def parts(self) -> Iterator[tuple[str, tuple[str, ...], Iterator[Rows]]]:
        """Each table that has rows: its name, its columns, its chunks. Raises Damaged."""
        for (name, columns), parts in groupby(self._parts(), key=lambda part: (part.table, part.columns)):
            yield name, columns, (part.rows for part in parts)

    def _parts(self) -> Iterator[Part]:
        while True:
            frame = self._next()
            if isinstance(frame, Part):
                yield frame
            elif isinstance(frame, Foot):
                self._foot = frame
                return
            else:
                raise Damaged("the backup has a second head")

    def _next(self) -> Frame:
        length = int.from_bytes(self._exactly(_LENGTH), "big")
        if length > LONGEST_FRAME:
            raise Damaged(f"the backup holds a frame of {length} bytes")
        try:
            return _DECODER.decode(self._exactly(length))
        except msgspec.DecodeError as error:
            raise Damaged(f"the backup cannot be read: {error}") from error

    def _exactly(self, length: int) -> bytes:
        content = self._source.read(length)
        if len(content) != length:
            raise Damaged("the backup ends in the middle")
        return content


def _put(out: BinaryIO, frame: Frame) -> None:
    content = _ENCODE(frame)
    out.write(len(content).to_bytes(_LENGTH, "big") + content)
