"""One scheduler leads: the lock makes take-over quick, the lease decides, the fence undoes what the loser writes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from data.db import Database
from data.leases import database_now, read_lease
from data.models import Gap, Leader
from jobs.leader import NAME, Candidate, LeaderLost, Pace, Term

BRISK = Pace(lease=timedelta(seconds=1), renew=timedelta(milliseconds=100), look=timedelta(milliseconds=20))
UNRENEWED = Pace(lease=timedelta(seconds=1), renew=timedelta(hours=1), look=timedelta(milliseconds=20))


def test_one_of_two_leads_and_the_other_stands_by(database: Database) -> None:
    first, second = Candidate(database, BRISK), Candidate(database, BRISK)
    term = first.stand()
    assert term is not None
    assert [second.stand() for _ in range(5)] == [None] * 5
    term.resign()


def test_when_many_stand_at_once_exactly_one_leads(database: Database) -> None:
    start = threading.Barrier(6)
    terms: list[Term] = []

    def stand() -> None:
        candidate = Candidate(database, BRISK)
        start.wait()
        term = candidate.stand()
        if term is not None:
            terms.append(term)

    threads = [threading.Thread(target=stand) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(terms) == 1
    terms[0].resign()


def test_a_standby_leads_at_once_after_the_leader_resigned(database: Database) -> None:
    term = Candidate(database, BRISK).stand()
    assert term is not None
    term.resign()
    after = Candidate(database, BRISK).stand()
    assert after is not None
    assert after.epoch == term.epoch + 1
    after.resign()


def test_a_renewed_lease_outlives_its_first_length(database: Database) -> None:
    term = Candidate(database, BRISK).stand()
    assert term is not None
    standby = Candidate(database, BRISK)
    assert not threading.Event().wait(1.5)
    assert standby.stand() is None
    assert not term.lost.is_set()
    term.resign()


def test_a_lapsed_lease_is_taken_although_its_holder_keeps_the_lock(database: Database) -> None:
    stopped = Candidate(database, UNRENEWED).stand()
    assert stopped is not None
    standby = Candidate(database, BRISK)
    assert standby.stand() is None
    _lapse(database)
    term = standby.stand()
    assert term is not None
    assert term.epoch == stopped.epoch + 1
    with database.write() as session:
        term.fence(session)
    term.resign()
    stopped.resign()


def test_a_leader_that_lost_its_lease_writes_nothing(database: Database) -> None:
    woken = Candidate(database, UNRENEWED).stand()
    assert woken is not None
    _lapse(database)
    term = Candidate(database, BRISK).stand()
    assert term is not None
    with pytest.raises(LeaderLost), database.write() as session:
        now = database_now(session)
        session.add(Gap(from_at=now, to_at=now, reason="written under an old epoch"))
        session.flush()
        woken.fence(session)
    with database.read() as session:
        assert session.scalars(select(Gap)).all() == []
    assert woken.lost.is_set()
    woken.resign()
    term.resign()


def test_the_renewal_itself_notices_that_another_leads(database: Database) -> None:
    term = Candidate(database, BRISK).stand()
    assert term is not None
    with database.write() as session:
        session.execute(update(Leader).values(epoch=Leader.epoch + 1, holder="another"))
    assert term.lost.wait(5)
    term.resign()


def test_one_that_leads_by_lease_alone_is_not_pushed_out_by_the_freed_lock(database: Database) -> None:
    stopped = Candidate(database, UNRENEWED).stand()
    assert stopped is not None
    _lapse(database)
    term = Candidate(database, UNRENEWED).stand()
    assert term is not None
    stopped.resign()
    third = Candidate(database, BRISK)
    assert third.stand() is None
    with database.write() as session:
        term.fence(session)
    term.resign()


def test_it_takes_the_freed_lock_at_its_next_renewal(database: Database) -> None:
    stopped = Candidate(database, UNRENEWED).stand()
    assert stopped is not None
    _lapse(database)
    term = Candidate(database, BRISK).stand()
    assert term is not None
    assert not _by_lock(database)
    stopped.resign()
    waited = threading.Event()
    for _ in range(50):
        if _by_lock(database):
            break
        waited.wait(0.1)
    assert _by_lock(database)
    term.resign()


def test_a_lease_from_before_the_clock_was_set_back_does_not_bind(database: Database) -> None:
    stopped = Candidate(database, UNRENEWED).stand()
    assert stopped is not None
    with database.write() as session:
        session.execute(update(Leader).values(lease_until=database_now(session) + timedelta(hours=2)))
    term = Candidate(database, BRISK).stand()
    assert term is not None
    term.resign()
    stopped.resign()


def _lapse(database: Database) -> None:
    with database.write() as session:
        session.execute(update(Leader).values(lease_until=database_now(session) - timedelta(milliseconds=1)))


def _by_lock(database: Database) -> bool:
    with database.read() as session:
        lease = read_lease(session, NAME, lasting=BRISK.lease)
    return lease is not None and lease.by_lock
