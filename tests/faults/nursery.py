"""Real processes that start at once: forked off a server that has loaded the program, so that a hundred can be killed.

A child runs the same function as the command of its name. Its clock may run fast, which divides leases, waits and
expiries as a tester does who has no hours.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PRELOADED = ["tests.faults.nursery", "jobs.scheduler", "jobs.sender", "commands.frame", "commands.logs", "data.migrate"]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(PRELOADED)


def start(role: str, environment: dict[str, str], log: Path, *, faster: int = 1) -> BaseProcess:
    """A new process: `scheduler`, `unlocked` (a scheduler without lock, lease and fence) or `sender`."""
    process = CONTEXT.Process(target=_run, args=(role, environment, str(log), faster), daemon=True)
    process.start()
    return process


def _run(role: str, environment: dict[str, str], log: str, faster: int) -> None:
    os.environ.update(environment)
    with Path(log).open("a", encoding="utf-8", buffering=1) as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    from commands.frame import protocol_of, settled
    from commands.logs import log_to_stderr

    log_to_stderr()
    settings, database = settled()
    stop = threading.Event()
    if role == "sender":
        from jobs import sender

        sender.run(database, settings, stop=stop, clock=fast_clock(faster))
        return
    from jobs import scheduler

    if role == "unlocked":
        _disarm()
    scheduler.run(database, settings, protocol_of(settings), stop=stop)


def fast_clock(faster: int, since: datetime | None = None) -> Callable[[], datetime]:
    """A clock that agrees with the wall's at the start of its UTC hour and runs so many times as fast.

    Every process of one test thus reads the same time, whenever it was started.
    """
    if faster == 1:
        return lambda: datetime.now(UTC)
    begun = since or datetime.fromisoformat(os.environ["TEST_BEGUN"])

    def read() -> datetime:
        now = datetime.now(UTC)
        return now + (now - begun) * (faster - 1)

    return read


def _disarm() -> None:
    """Take lock, lease and fence away: what is left is that a run, a flag and a mail can each exist once."""
    import jobs.leader as leader
    from data.leases import Lease

    class Open:
        def acquire(self) -> bool:
            return True

        def release(self) -> None:
            """Nothing is held."""

    def take(_session: Any, _name: str, *, after: Lease | None, **_rest: Any) -> int:
        return 1 if after is None else after.epoch

    leader.process_lock = lambda *_: Open()
    leader._free = lambda *_: True
    leader.take_lease = take
    leader.renew_lease = lambda *_, **__: True
    leader.Term.fence = lambda *_: None
