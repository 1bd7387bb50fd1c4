"""Whether a DICOM file is whole: pydicom takes one that was cut off for a shorter one, and nobody would miss the rest.

Only lengths are followed. What lies within an element of stated length is there when the element is.
"""

from __future__ import annotations

import struct

from data.intake.limited import FileRefused

UNDEFINED = 0xFFFFFFFF
DEEPEST = 64
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_CUT = "was cut off"


def refuse_cut_off(content: bytes, start: int, *, explicit: bool, little: bool) -> None:
    """Raise FileRefused unless the elements from `start` on end where `content` does."""
    _Walk(content, explicit=explicit, order="<" if little else ">").elements(start, 0)


class _Walk:
    def __init__(self, content: bytes, *, explicit: bool, order: str) -> None:
        self._content = content
        self._explicit = explicit
        self._order = order

    def elements(self, position: int, depth: int) -> int:
        """Follow elements to the end of the file, or of the item of undefined length they stand in."""
        if depth > DEEPEST:
            raise FileRefused(f"nests its content more than {DEEPEST} deep")
        while position < len(self._content):
            if not depth and not self._content[position : position + 8].strip(b"\0"):
                position += 8
                continue
            tag, length, position = self._head(position)
            if depth and tag == _ITEM_END:
                return position
            position = self._items(position, depth) if length == UNDEFINED else self._over(position, length)
        if depth:
            raise FileRefused(_CUT)
        return position

    def _items(self, position: int, depth: int) -> int:
        while True:
            group, element, length = self._unpack("HHL", position)
            position += 8
            if (group, element) == _SEQUENCE_END:
                return position
            if (group, element) != _ITEM:
                raise FileRefused("is damaged: a sequence holds something else than items")
            position = self.elements(position, depth + 1) if length == UNDEFINED else self._over(position, length)

    def _head(self, position: int) -> tuple[tuple[int, int], int, int]:
        group, element, length = self._unpack("HHL", position)
        kind = self._content[position + 4 : position + 6]
        if not self._explicit or group == _ITEM[0]:
            return (group, element), length, position + 8
        if kind in _LONG:
            return (group, element), self._unpack("L", position + 8)[0], position + 12
        return (group, element), self._unpack("H", position + 6)[0], position + 8

    def _over(self, position: int, length: int) -> int:
        if position + length > len(self._content):
            raise FileRefused(_CUT)
        return position + length

    def _unpack(self, form: str, position: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(f"{self._order}{form}", self._content, position)
        except struct.error as error:
            raise FileRefused(_CUT) from error
