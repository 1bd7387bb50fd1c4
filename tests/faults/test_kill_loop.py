"""kill -9 at any moment: every flag exactly once, every mail at least once, copies under one Message-ID."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from data.audit import verify
from data.db import Database
from data.models import Flag, Outbox, Patient
from tests.faults.conftest import Cohort, Site, wait_until

CHUNK = 10
DRAIN_S = 150
"""The longest way out for a mail whose sender was killed: a lease of 60 s, twice, and some."""


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_twenty_kills_of_each_process_lose_nothing_and_double_nothing(site: Site, seed: int) -> None:
    kill_loop(site, seed, patients=200, kills=20)


@pytest.mark.timeout(300)
def test_a_few_kills_lose_nothing_and_double_nothing(
    site_of: Callable[[Database], Site], sqlite_database: Database, seed: int
) -> None:
    kill_loop(site_of(sqlite_database), seed, patients=40, kills=4)


def kill_loop(site: Site, seed: int, *, patients: int, kills: int) -> None:
    """Let results come in while scheduler and sender are killed `kills` times each, then check what came of it.

    Everybody is to be judged in every sweep and the mail server is slow, so that many kills hit work half done.
    """
    site.mail_server.slow_s = 0.1
    chance = random.Random(seed)
    cohort = Cohort(site.database, patients, datetime.now(UTC))
    arrivals = [cohort.patient_ids[i : i + CHUNK] for i in range(0, patients, CHUNK)]
    pause = threading.Event()
    weights = itertools.count(60)
    with ThreadPoolExecutor(2) as pool:
        killers = [
            pool.submit(keep_killing, site, name, random.Random(seed + n), kills, pause)
            for n, name in enumerate(("scheduler", "sender"), start=1)
        ]
        while not all(killer.done() for killer in killers):
            if arrivals and chance.random() < CHUNK / patients * 4:
                cohort.rise(arrivals.pop())
            cohort.weigh(next(weights))
            pause.wait(chance.uniform(0.1, 0.9))
        for killer in killers:
            killer.result()
    for chunk in arrivals:
        cohort.rise(chunk)
    site.start("scheduler")
    site.start("sender")
    drained = wait_until(lambda: all_told(site.database, patients), DRAIN_S)
    assert drained, (site.log("scheduler")[-3000:], site.log("sender")[-3000:])
    check(site, cohort, kills)


def keep_killing(site: Site, name: str, chance: random.Random, kills: int, pause: threading.Event) -> None:
    """Start the process and kill it at a random moment, again and again; the start itself takes a second or two."""
    for _ in range(kills):
        process = site.start(name)
        pause.wait(chance.uniform(0.5, 6.0))
        assert process.poll() is None, site.log(name)[-3000:]
        process.kill()
        process.wait()


def all_told(database: Database, patients: int) -> bool:
    """Whether every patient has the flag and no mail that should leave at once waits."""
    with database.read() as session:
        flags = session.scalar(select(func.count()).where(Flag.rule == "R03"))
        waiting = session.scalar(
            select(func.count()).where(Outbox.kind != "digest", Outbox.state.in_(("pending", "sending", "retry")))
        )
    return flags == patients and waiting == 0


def check(site: Site, cohort: Cohort, kills: int) -> None:
    with site.database.read() as session:
        flagged = Counter(
            session.scalars(select(Patient.mrn).join(Flag, Flag.patient_id == Patient.id).where(Flag.rule == "R03"))
        )
        flags = session.scalars(select(Flag)).all()
        mails = session.scalars(select(Outbox).where(Outbox.kind == "immediate")).all()
        audit = verify(session)
    assert flagged == {mrn: 1 for mrn in cohort.mrns()}
    assert len({flag.dedup_key for flag in flags}) == len(flags)
    told = Counter((mail.flag_id, mail.recipient_id) for mail in mails)
    assert set(told.values()) == {1}
    assert {mail.flag_id for mail in mails} == {flag.id for flag in flags if flag.severity in ("urgent", "high")}
    assert {mail.state for mail in mails} == {"sent"}
    copies = site.mail_server.copies()
    assert {mail.message_id for mail in mails} <= set(copies)
    assert max(copies.values()) <= 3
    assert sum(copies.values()) - len(copies) <= kills, "more copies than kills"
    links = {
        mail.id: mail.text.split("/flag/")[1].split()[0] for mail in site.mail_server.delivered if "/flag/" in mail.text
    }
    assert len(set(links.values())) == len(links), "two Message-IDs tell of one flag"
    assert audit.ok, audit.why
    broken_off = sum(run.outcome != "done" for run in site.runs())
    print(f"{kills} kills each: {broken_off} runs broken off, {sum(copies.values()) - len(copies)} copies too many")
