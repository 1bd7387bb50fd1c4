"""Receivers of MLLP messages in processes of their own, forked from one that has the program loaded.

    python -m tests.faults.receivers URL KEY_FILE PORT

A line on its input starts a receiver and is answered by its process id. A kill so costs a moment, not the start of an
interpreter, and a thousand messages can meet a hundred of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn, Self

from commands.logs import log_to_stderr
from data.db import open_database
from data.settings import Settings
from jobs.mllp import run

GONE_S = 20.0


class Receivers:
    """Starts receivers of one database and port, one at a time."""

    def __init__(self, url: str, key: Path, port: int, log: Path) -> None:
        with log.open("wb") as errors:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.receivers", url, str(key), str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._living: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._parent.pid, signal.SIGKILL)
        self._parent.communicate()

    def start(self) -> None:
        """A new receiver."""
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.write(b"\n")
        self._parent.stdin.flush()
        self._living = int(self._parent.stdout.readline())

    def end(self, how: signal.Signals) -> None:
        """End it with a signal, and wait until it is gone."""
        assert self._living is not None
        pid, self._living = self._living, None
        until = time.monotonic() + GONE_S
        try:
            os.kill(pid, how)
            while time.monotonic() < until:
                os.kill(pid, 0)
                time.sleep(0.002)
        except ProcessLookupError:
            return
        raise AssertionError(f"receiver {pid} does not end")


def _receive(url: str, key: bytes, port: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings(_env_file=None, site_timezone="Europe/Berlin")
    run(open_database(url, key), settings, host="127.0.0.1", port=port, stop=stop)
    os._exit(0)


def main() -> None:
    """Fork a receiver for every line of the input."""
    log_to_stderr()
    url, key, port = sys.argv[1], Path(sys.argv[2]).read_bytes(), int(sys.argv[3])
    # Whoever ends is gone at once and leaves no zombie.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            _receive(url, key, port)
        print(child, flush=True)


if __name__ == "__main__":
    main()
