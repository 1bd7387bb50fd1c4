"""Half an hour of work with a fault each minute: nothing that was acknowledged is lost, no alert, no memory, no file.

NADIR_TEST_SOAK_S says how many seconds it lasts; 1,800 where it says nothing.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest
from sqlalchemy import text

from tests.faults.conftest import Site, wait_until
from tests.faults.working import CHUNK, Working

pytestmark = [pytest.mark.alone, pytest.mark.faults]

SOAK_S = float(os.environ.get("NADIR_TEST_SOAK_S", "1800"))
FAULT_EACH_S = 60.0
WARM_AFTER_S = 60.0
MOST_GROWTH, MOST_FILES = 1.1, 20
PEOPLE, EVERY_S, RATE = 20, 2.0, 2.0
MAIL_FAILS_S = 8.0
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass
class Seen:
    """What a process held when it was warm, and last: bytes in memory, open files."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]


class Watch:
    """Looks at the processes of a clinic; those that live past their warm-up are compared with what they were then."""

    def __init__(self, clinic: Working) -> None:
        self._clinic = clinic
        self.seen: dict[int, Seen] = {}

    def look(self) -> None:
        """Look at every process once."""
        for name in ("serve", "scheduler", "sender", "mllp"):
            for process in self._clinic.processes(name):
                try:
                    held = process.memory_info().rss, process.num_fds()
                    age = time.time() - process.create_time()
                except psutil.NoSuchProcess:
                    continue
                if age >= WARM_AFTER_S:
                    self.seen.setdefault(process.pid, Seen(name, held, held)).last = held


def kill_one(clinic: Working, name: str) -> None:
    """Kill one process of a name, as soon as there is one."""
    assert wait_until(lambda: clinic.processes(name), 30), f"no {name} is running"
    random.choice(clinic.processes(name)).kill()


def faults(clinic: Working) -> dict[str, Callable[[], None]]:
    """What may happen to the site."""

    def kill(name: str) -> Callable[[], None]:
        return lambda: kill_one(clinic, name)

    def mail_fails(mode: str) -> Callable[[], None]:
        def fail() -> None:
            clinic.site.mail_server.behave(mode)
            time.sleep(MAIL_FAILS_S)
            clinic.site.mail_server.behave("ok")

        return fail

    def cut_off() -> None:
        with clinic.site.database.write() as session:
            session.execute(text(OTHERS))

    found = {f"kill -9 {name}": kill(name) for name in ("serve", "scheduler", "sender", "mllp")}
    found |= {f"mail {mode}": mail_fails(mode) for mode in ("refused", "silent", "451 after DATA", "450")}
    return found if clinic.site.database.is_sqlite else found | {"cut off from the database": cut_off}


@pytest.mark.timeout(SOAK_S + 900)
def test_half_an_hour_with_a_fault_each_minute_loses_nothing_and_grows_nothing(site: Site, seed: int) -> None:
    chance, happened = random.Random(seed), Counter[str]()
    count = max(2, int(SOAK_S / FAULT_EACH_S))
    with Working(site, patients=CHUNK * count, people=PEOPLE, every_s=EVERY_S, rate=RATE, seed=seed) as clinic:
        watch, ends = Watch(clinic), time.monotonic() + SOAK_S
        while time.monotonic() < ends:
            clinic.rise()
            until = min(ends, time.monotonic() + FAULT_EACH_S * chance.uniform(0.8, 1.2))
            while time.monotonic() < until:
                watch.look()
                time.sleep(2)
            name, fault = chance.choice(sorted(faults(clinic).items()))
            happened[name] += 1
            fault()
        clinic.settle()
        watch.look()
        clinic.check()
    print(f"{dict(happened)}; failed tries: {clinic.failures()}")
    print(f"{len(clinic.ledger.saved)} saves and {len(clinic.ledger.acknowledged)} messages acknowledged")
    for seen in watch.seen.values():
        print(f"{seen.name}: {seen.first[0] >> 20} to {seen.last[0] >> 20} MB, {seen.first[1]} to {seen.last[1]} files")
    assert not [s for s in watch.seen.values() if s.last[0] > MOST_GROWTH * s.first[0]], "memory grows"
    assert not [s for s in watch.seen.values() if abs(s.last[1] - s.first[1]) > MOST_FILES], "open files grow"
    if site.database.is_sqlite:
        with site.database.read() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
