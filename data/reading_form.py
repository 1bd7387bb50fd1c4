"""The stored form of a day of readings: two bytes a reading, and the gaps between them deflated.

    number of readings (4 bytes) | words (2 bytes each: tenths of the unit in 13 bits, mark in 2) | gaps, deflated

A sensor reports at a steady pace, so the gaps deflate to next to nothing; odd seconds cost room and lose nothing.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LARGEST_TENTHS = 2**13 - 1
_VALUE_BITS = 13
_COUNT, _WORD, _GAP = np.dtype("<u4"), np.dtype("<u2"), np.dtype("<u4")
# The least effort already finds the repetition; more takes time and saves nothing.
_LEVEL = 1


def words(tenths: NDArray[np.int64], marks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Value and mark of each reading as one number."""
    return tenths | marks << _VALUE_BITS


def parts(word: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tenths and marks of words."""
    return word & LARGEST_TENTHS, word >> _VALUE_BITS


def pack_words(seconds: NDArray[np.int64], word: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[bytes]:
    """Days end to end, each with its own length: rising seconds of the day, and the word of each reading."""
    ends = np.cumsum(lengths)
    gaps = np.diff(seconds, prepend=0)
    gaps[(ends - lengths)[lengths > 0]] = seconds[(ends - lengths)[lengths > 0]]
    all_gaps, all_words = gaps.astype(_GAP).tobytes(), word.astype(_WORD).tobytes()
    # Days of one pace have the same gaps.
    deflated: dict[bytes, bytes] = {}
    packed = []
    for length, end in zip(lengths.tolist(), ends.tolist(), strict=True):
        paced = all_gaps[(end - length) * _GAP.itemsize : end * _GAP.itemsize]
        if paced not in deflated:
            deflated[paced] = zlib.compress(paced, _LEVEL)
        head = length.to_bytes(_COUNT.itemsize, "little")
        packed.append(head + all_words[(end - length) * _WORD.itemsize : end * _WORD.itemsize] + deflated[paced])
    return packed


def unpack_words(packed: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Seconds and words, exactly as they were packed."""
    start = _COUNT.itemsize
    end = start + _WORD.itemsize * int.from_bytes(packed[:start], "little")
    word = np.frombuffer(packed[start:end], dtype=_WORD).astype(np.int64)
    return _seconds(packed[end:]), word


@lru_cache(maxsize=64)
def _seconds(deflated: bytes) -> NDArray[np.int64]:
    """The seconds of a day from its gaps, not to be written to: days of one pace share them."""
    gaps = np.frombuffer(zlib.decompress(deflated), dtype=_GAP)
    seconds = np.cumsum(gaps, dtype=np.int64)
    seconds.flags.writeable = False
    return seconds
