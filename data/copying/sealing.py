"""A file that only the holder of a secret can read, and in which no byte can be changed unnoticed.

The file is an age file (age-encryption.org/v1), its content compressed by gzip. Its key follows from the secret;
whoever has that key opens the file with the `age` program and nothing of Nadir.
"""

from __future__ import annotations

import gzip
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyrage

from data.copying.age_key import age_key
from data.copying.frames import Damaged

_FASTEST: Final = 1


@contextmanager
def sealed(path: Path, secret: bytes) -> Iterator[BinaryIO]:
    """Write to a new file at `path`, which is there only when the block ends well. Raises FileExistsError."""
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    recipient = pyrage.x25519.Identity.from_str(age_key(secret)).to_public()
    growing = path.with_name(f".{path.name}.{os.getpid()}")
    growing.touch(mode=0o600, exist_ok=False)
    with growing.open("wb") as file:
        try:
            with (
                _beside(lambda source: pyrage.encrypt_io(source, file, [recipient])) as out,
                gzip.GzipFile(fileobj=out, mode="wb", compresslevel=_FASTEST) as compressed,
            ):
                yield cast("BinaryIO", compressed)
            file.flush()
            os.fsync(file.fileno())
            os.link(growing, path)
        finally:
            growing.unlink()


@contextmanager
def unsealed(path: Path, secret: bytes) -> Iterator[BinaryIO]:
    """Read what was written to `path`. Raises Damaged for another secret, another kind of file or a changed byte; at
    the latest when the block ends, so that nothing read may count before."""
    key = pyrage.x25519.Identity.from_str(age_key(secret))
    with path.open("rb") as file:
        opening = _behind(lambda out: pyrage.decrypt_io(file, out, [key]))
        with _as_damage(path), opening as source, gzip.GzipFile(fileobj=source, mode="rb") as content:
            yield cast("BinaryIO", content)
            if content.read(1):
                raise Damaged("something follows the end")


@contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (Damaged, pyrage.DecryptError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(f"{path} cannot be read as a backup with this key: {error}") from error


@contextmanager
def _beside(work: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """Something to write to, which `work` reads on a thread of its own. Raises what `work` raised."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as out:
        thread = _Thread(lambda: work(source), source)
        try:
            yield out
            out.close()
        except BrokenPipeError:
            raise thread.fault() or EOFError("nobody reads any more") from None
        finally:
            with suppress(BrokenPipeError):
                out.close()
            fault = thread.fault()
    if fault is not None:
        raise fault


@contextmanager
def _behind(work: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """Something to read from, which `work` writes on a thread of its own. Raises what `work` raised."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as out:
        thread = _Thread(lambda: work(out), out)
        try:
            yield source
        finally:
            source.close()
            fault = thread.fault()
    if fault is not None:
        raise fault


class _Thread:
    """Work on a thread of its own, which closes its end of the pipe."""

    def __init__(self, work: Callable[[], None], end: BinaryIO) -> None:
        self._work = work
        self._end = end
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._end:
                self._work()
        except Exception as error:
            self._fault = error

    def fault(self) -> Exception | None:
        """What went wrong, once the work is over."""
        self._thread.join()
        return self._fault
