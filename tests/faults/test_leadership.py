"""Two schedulers: one leads. Killed, the other leads at once; stopped, after the lease; woken, it writes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from data.db import Database
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = pytest.mark.alone

LEASE_S = 30


def leading_pid(site: Site) -> int | None:
    """The process id in the lease row."""
    leader = site.leader()
    return None if leader is None else int(leader[1].split(":")[1])


def two_schedulers(site: Site) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    """Two schedulers, the leading one first, once it has swept and has the lock (both may have tried it at once)."""
    both = [site.start("scheduler"), site.start("scheduler")]
    assert wait_until(lambda: any(run.outcome == "done" for run in site.runs()), 60), site.log("scheduler")
    assert wait_until(lambda: "lapsed" not in site.leader()[1], 5), site.leader()
    leading = leading_pid(site)
    first, second = sorted(both, key=lambda process: process.pid != leading)
    assert first.pid == leading
    return first, second


@pytest.mark.timeout(120)
def test_one_of_two_leads_and_the_standby_takes_over_from_a_killed_leader(site: Site) -> None:
    Cohort(site.database, 3, datetime.now(UTC))
    first, second = two_schedulers(site)
    assert {run.epoch for run in site.runs()} == {1}
    first.kill()
    first.wait()
    killed_at = time.monotonic()
    assert wait_until(lambda: leading_pid(site) == second.pid, LEASE_S), site.log("scheduler")
    assert time.monotonic() - killed_at < LEASE_S / 3, "the lock was free, there was no lease to wait for"
    assert wait_until(lambda: any(run.epoch == 2 and run.outcome == "done" for run in site.runs()), 10)


@pytest.mark.timeout(120)
def test_a_scheduler_told_to_stop_hands_over_and_leaves_no_run_unfinished(
    site_of: Callable[[Database], Site], sqlite_database: Database
) -> None:
    site = site_of(sqlite_database)
    Cohort(site.database, 3, datetime.now(UTC))
    first, second = two_schedulers(site)
    first.terminate()
    assert first.wait(timeout=15) == 0, site.log("scheduler")
    assert wait_until(lambda: leading_pid(site) == second.pid, 5)
    second.terminate()
    assert second.wait(timeout=15) == 0
    assert None not in {run.outcome for run in site.runs()}


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_stopped_leader_is_replaced_and_writes_nothing_when_it_wakes(site: Site) -> None:
    Cohort(site.database, 3, datetime.now(UTC))
    first, second = two_schedulers(site)
    stop_outside_a_transaction(site, first)
    assert wait_until(lambda: leading_pid(site) == second.pid, 2 * LEASE_S + 15), site.log("scheduler")
    assert wait_until(lambda: any(run.epoch == 2 and run.outcome == "done" for run in site.runs()), 10)
    before = {run.id for run in site.runs() if run.epoch == 1}
    os.kill(first.pid, signal.SIGCONT)
    assert not wait_until(lambda: leading_pid(site) != second.pid, 15)
    of_the_woken = [run for run in site.runs() if run.epoch == 1]
    assert {run.id for run in of_the_woken} == before
    assert wait_until(lambda: "no longer leading" in site.log("scheduler"), 15)
    assert first.poll() is None, "it stands by"


def stop_outside_a_transaction(site: Site, process: subprocess.Popen[bytes]) -> None:
    """SIGSTOP at a moment at which others can still write: SQLite knows no way to take a stopped writer's lock away."""
    for _ in range(20):
        os.kill(process.pid, signal.SIGSTOP)
        try:
            with site.database.write():
                return
        except Exception:
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.3)
    raise AssertionError("it was always in the middle of a transaction")
