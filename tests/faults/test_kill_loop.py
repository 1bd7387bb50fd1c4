"""kill -9 at any moment: every flag exactly once, every mail at least once, copies under one Message-ID."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from data.audit import verify
from data.db import Database
from data.models import Flag, JobRun, Outbox, Patient
from data.outbox import LEASE
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = pytest.mark.alone

CHUNK = 10
DRAIN_S = 240
"""The longest way out for a mail whose sender was killed: a lease of 60 s, twice, and some."""


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_twenty_kills_of_each_process_lose_nothing_and_double_nothing(site: Site, seed: int) -> None:
    runs, mails = kill_loop(site, seed, patients=200, kills=20)
    assert runs and mails, "no kill hit work under way: this run proved nothing"


@pytest.mark.timeout(300)
def test_a_few_kills_lose_nothing_and_double_nothing(
    site_of: Callable[[Database], Site], sqlite_database: Database, seed: int
) -> None:
    kill_loop(site_of(sqlite_database), seed, patients=40, kills=4)


def kill_loop(site: Site, seed: int, *, patients: int, kills: int) -> list[int]:
    """Let results come in while scheduler and sender are killed `kills` times each, then check what came of it.

    Everybody is to be judged in every sweep and the mail server is slow, so that many kills hit work half done; gives
    how many runs and how many mails they did hit.
    """
    site.mail_server.slow_s = 0.3
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
        hits = [killer.result() for killer in killers]
    print(f"{kills} kills each; half done: {hits[0]} runs, {hits[1]} mails")
    for chunk in arrivals:
        cohort.rise(chunk)
    site.start("scheduler")
    site.start("sender")
    drained = wait_until(lambda: all_told(site.database, patients), DRAIN_S)
    assert drained, (site.log("scheduler")[-3000:], site.log("sender")[-3000:])
    check(site, cohort, kills)
    return hits


def keep_killing(site: Site, name: str, chance: random.Random, kills: int, pause: threading.Event) -> int:
    """Start the process and kill it at a random moment, again and again; how often work was left half done.

    One kill in five comes at any moment of the start, the others within two seconds of work.
    """
    hits = 0
    for _ in range(kills):
        process = site.start(name)
        if chance.random() < 0.2:
            pause.wait(chance.uniform(0.0, 3.0))
        else:
            assert wait_until(lambda started=process: site.at_work(started), 60)
            pause.wait(chance.uniform(0.0, 2.0))
        process.kill()
        process.wait()
        hits += half_done(site.database, name)
    return hits


def half_done(database: Database, name: str) -> bool:
    """Whether the newest run has no end, or the newest claim of a mail is not settled."""
    with database.read() as session:
        if name == "scheduler":
            newest = session.execute(select(JobRun.outcome).order_by(JobRun.id.desc()).limit(1)).first()
            return newest is not None and newest.outcome is None
        just_claimed = datetime.now(UTC) + LEASE - timedelta(seconds=2)
        claims = select(func.count()).where(Outbox.state == "sending", Outbox.lease_until > just_claimed)
        return session.execute(claims).scalar_one() > 0


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
    print(f"{len(copies)} mails, {sum(copies.values()) - len(copies)} copies too many")
