"""Reading on while what was read is stored: what PostgreSQL does takes an import longer than what Python does for it.

One chunk is under way at a time and they are stored in the order in which they were read, each in the transaction it
would have been stored in anyway. Whoever reads must not count on the chunk before being stored yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_turn(chunks: Iterable[T], store: Callable[[T], None]) -> None:
    """Store each chunk before the next is read."""
    for chunk in chunks:
        store(chunk)


def read_ahead(chunks: Iterable[T], store: Callable[[T], None]) -> None:
    """Store each chunk on a thread while the next is read.

    What `store` raises ends it before another chunk is stored. What reading raises comes out when the chunk before it
    is stored.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="intake-store") as thread:
        under_way: Future[None] | None = None
        for chunk in chunks:
            if under_way is not None:
                under_way.result()
            under_way = thread.submit(store, chunk)
        if under_way is not None:
            under_way.result()
