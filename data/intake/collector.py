"""Fewer rounds of Python's garbage collector while an import goes on.

An import makes many small objects that live until their chunk is stored and hang together in no cycle; as often as the
interpreter looks for cycles by itself, the looking takes a sixth of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two rounds; a chunk of results has about as many.
NEW_OBJECTS = 100_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the collector look after each `NEW_OBJECTS` new objects, and as before afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
