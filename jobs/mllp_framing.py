"""MLLP blocks out of a stream of bytes, wherever it is cut: 0x0b, the message, 0x1c 0x0d.

Between blocks line ends are let pass; anything else there, a second start within a block, an end that is no end and a
message beyond the limit mean that sender and receiver no longer agree where messages begin: the connection is over.
"""

from __future__ import annotations

from collections.abc import Iterator

START, END = b"\x0b", b"\x1c\r"
_BETWEEN = b"\r\n"


class LostTrack(ValueError):
    """The stream cannot be read on. `begun` is the message under way, as far as it came; empty outside a block."""

    def __init__(self, why: str, begun: bytes = b"") -> None:
        super().__init__(why)
        self.begun = begun


class Framing:
    """One direction of one connection. Feed it what arrives; it holds at most one message of `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._message = bytearray()
        self._inside = False
        self._ending = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that `data` completes, in order. Raises LostTrack; what was yielded before stands."""
        at = 0
        while at < len(data):
            if self._ending:
                yield self._end(data[at])
                at += 1
            elif self._inside:
                at = self._take(data, at)
            else:
                self._begin(data[at])
                at += 1

    def _begin(self, byte: int) -> None:
        if byte == START[0]:
            self._message.clear()
            self._inside = True
        elif byte not in _BETWEEN:
            raise LostTrack("there are bytes outside a block")

    def _take(self, data: bytes, at: int) -> int:
        """Take what belongs to the message, to the place behind its end sign or to the end of `data`."""
        end = data.find(END[0], at)
        part = data[at:end] if end >= 0 else data[at:]
        self._message += part
        if START in part:
            raise LostTrack("a block begins within a block", bytes(self._message))
        if len(self._message) > self._largest:
            raise LostTrack(f"the message is larger than {self._largest} bytes", bytes(self._message))
        self._ending = end >= 0
        return end + 1 if self._ending else len(data)

    def _end(self, byte: int) -> bytes:
        if byte != END[1]:
            raise LostTrack("0x1c without 0x0d behind it", bytes(self._message))
        self._inside = self._ending = False
        return bytes(self._message)


def framed(message: bytes) -> bytes:
    """`message` as a block."""
    return START + message + END
