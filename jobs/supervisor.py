"""One parent for the processes of one machine: starts them, restarts what dies, stops them gracefully."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

LOOK_EVERY_S = 0.5
GRACE_S = 15
SLOWEST_RESTART_S = 30
STEADY_AFTER_S = 60

log = structlog.get_logger()


class Child:
    """One supervised process; each quick death doubles the wait before the next start, up to 30 s."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.command = list(command)
        self.wait_s = 1.0
        self.start()

    def start(self) -> None:
        """Start the process."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command)
        log.info("process started", process=self.name, pid=self.process.pid)

    def look(self) -> None:
        """Start the process again when it has died and its wait is over."""
        code = self.process.poll()
        if code is None:
            return
        age = time.monotonic() - self.started
        if age > STEADY_AFTER_S:
            self.wait_s = 1.0
        if age < self.wait_s:
            return
        log.warning("process ended", process=self.name, code=code, restart_after_s=self.wait_s)
        self.wait_s = min(self.wait_s * 2, SLOWEST_RESTART_S)
        self.start()

    def stop(self, deadline: float) -> None:
        """Ask the process to end, and end it at `deadline` (monotonic seconds)."""
        try:
            self.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process killed", process=self.name, pid=self.process.pid)
            self.process.kill()
            self.process.wait()


def supervise(commands: Mapping[str, Sequence[str]], *, stop: threading.Event) -> None:
    """Keep one process per command alive until `stop` is set, then end them all within 15 s."""
    children = [Child(name, command) for name, command in commands.items()]
    while not stop.wait(LOOK_EVERY_S):
        for child in children:
            child.look()
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + GRACE_S
    for child in children:
        child.stop(deadline)
