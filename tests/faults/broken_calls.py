"""Errors of the disk put into running processes: the n-th call of a kind fails in each thread, by strace.

Needs the Debian package strace and the right to trace; without either the test fails and says so.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ATTACHED_S = 20
FLUSHES, WRITES = "fsync,fdatasync", "pwrite64,pwritev"
FAULTS = ((FLUSHES, "EIO"), (WRITES, "ENOSPC"))


@dataclass
class Injected:
    """How many calls were failed; known when the block has ended."""

    calls: int = 0


@contextmanager
def failing(pids: Iterable[int], calls: str, error: str, *, when: int, log: Path) -> Iterator[Injected]:
    """Within the block the call number `when` of every thread of the processes fails with `error`."""
    strace, injected, traced = shutil.which("strace"), Injected(), list(pids)
    assert strace is not None, "strace is missing: apt-get install strace"
    inject = ("-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}")
    which = [part for pid in traced for part in ("-p", str(pid))]
    process = subprocess.Popen([strace, "-f", "-qq", "-o", str(log), *inject, *which], stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + ATTACHED_S
        while not all(_is_traced(task) for pid in traced for task in Path(f"/proc/{pid}/task").iterdir()):
            assert process.poll() is None and process.stderr is not None, "strace ended: is tracing permitted here?"
            assert time.monotonic() < until, "strace does not attach: is tracing permitted here?"
            time.sleep(0.02)
        yield injected
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=ATTACHED_S)
    injected.calls = log.read_text(encoding="utf-8", errors="replace").count("(INJECTED)")


def _is_traced(task: Path) -> bool:
    try:
        return "TracerPid:\t0\n" not in (task / "status").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return True
