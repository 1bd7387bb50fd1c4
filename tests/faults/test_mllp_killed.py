"""kill -9 the MLLP receiver at any moment: what was acknowledged is there, what was sent again is there once."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from data.audit import verify
from data.db import Database
from data.models import Hl7Message, Record
from data.patients import add_patient
from data.people import Actor
from tests.faults.receivers import Receivers
from tests.jobs.mllp_sender import Laboratory, free_port, oru, wait_for

pytestmark = pytest.mark.alone

SENDERS = 4
LONGEST_LIFE_S = 0.3


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_hundred_kills_over_a_thousand_messages_lose_nothing_and_double_nothing(
    database: Database, tmp_path: Path, audit_key: bytes, seed: int
) -> None:
    again = kill_loop(database, tmp_path, audit_key, seed, messages=1_000, kills=100)
    assert again, "no kill hit a message under way: this run proved nothing"


@pytest.mark.timeout(120)
def test_a_few_kills_of_the_receiver_lose_nothing_and_double_nothing(
    sqlite_database: Database, tmp_path: Path, audit_key: bytes, seed: int
) -> None:
    kill_loop(sqlite_database, tmp_path, audit_key, seed, messages=60, kills=4)


class Killer:
    """Starts receivers one after the other and kills each after a moment; the last one lives."""

    def __init__(self, receivers: Receivers, port: int, seed: int, kills: int) -> None:
        self._receivers = receivers
        self._port = port
        self._chance = random.Random(seed)
        self._kills = kills
        self.killed = 0

    def run(self) -> None:
        """Kill them all but the last."""
        while True:
            self._receivers.start()
            wait_for(self._port)
            if self.killed == self._kills:
                return
            time.sleep(self._chance.uniform(0, LONGEST_LIFE_S))
            self._receivers.end(signal.SIGKILL)
            self.killed += 1


def kill_loop(database: Database, folder: Path, key: bytes, seed: int, *, messages: int, kills: int) -> int:
    """Send every message until it is acknowledged while receivers are killed; how many were under way at a kill."""
    now = datetime.now(UTC)
    with database.write() as session:
        born = date(1970, 1, 1)
        add_patient(session, Actor.system("test"), mrn="M-1", name=None, birth_date=born, sex=None, teams=[], now=now)
    port, key_file = free_port(), folder / "audit.key"
    key_file.write_bytes(key)
    url = database.engine.url.render_as_string(hide_password=False)
    with Receivers(url, key_file, port, folder / "receivers.log") as receivers:
        killer = Killer(receivers, port, seed, kills)
        cut_off, acknowledged = _send_all(port, killer, messages, kills)
        receivers.end(signal.SIGTERM)
    assert killer.killed == kills
    assert Counter(acknowledged) == Counter(f"A-{n}" for n in range(messages))
    with database.read() as session:
        kept = list(session.scalars(select(Hl7Message.control_id)))
        stored = list(session.scalars(select(Record.specimen)))
        assert verify(session).ok
    assert Counter(kept) == Counter(acknowledged), "acknowledged and lost, or kept twice"
    assert Counter(stored) == Counter(f"F{n}" for n in range(messages)), "lost, or stored twice"
    return cut_off


def _send_all(port: int, killer: Killer, messages: int, kills: int) -> tuple[int, list[str]]:
    """How many messages a kill met between sending and answer, and the ids of those acknowledged."""
    with ThreadPoolExecutor(SENDERS + 1) as pool:
        killing = pool.submit(killer.run)

        def send(numbers: range) -> tuple[int, list[str]]:
            cut_off, acknowledged = 0, []
            laboratory: Laboratory | None = None
            for number in numbers:
                while killer.killed < min(kills, number * kills // messages):
                    _fail_with(killing)
                    time.sleep(0.005)
                answer = None
                while answer is None:
                    _fail_with(killing)
                    try:
                        laboratory = laboratory or Laboratory(port)
                    except OSError:
                        time.sleep(0.01)
                        continue
                    answer = laboratory.say(oru(f"A-{number}", filler=f"F{number}"))
                    if answer is None:
                        cut_off += 1
                        laboratory.socket.close()
                        laboratory = None
                assert answer == ("AA", f"A-{number}")
                acknowledged.append(f"A-{number}")
            return cut_off, acknowledged

        found = list(pool.map(send, [range(first, messages, SENDERS) for first in range(SENDERS)]))
        killing.result()
    return sum(cut_off for cut_off, _ in found), [id for _, ids in found for id in ids]


def _fail_with(killing: Future[None]) -> None:
    """Raise what ended the killer, if it failed: nobody would answer any more."""
    if killing.done():
        killing.result()
