"""Tries that a throttle turned away leave a few rows with their number, however many they are, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from data.audit import verify
from data.db import Database
from data.models import Audit, Throttle
from data.people import Actor, add_person, redeem
from data.sessions import Limits, Origin, SignedIn, SignInRefused, find_sign_in, sign_in
from data.step_up import ProofRefused, prove
from data.throttle import PER_ACCOUNT, PER_SOURCE, TooManyTries, account_bucket, reserve, source_bucket, tally
from data.turned_away import ACTION, SPAN, note_turned_away

ROOT = Actor.system("test")
ADA = "ada@clinic.example"
PASSWORD = "a long harbour bell"
HERE = Origin("192.0.2.7", "r-1")


@pytest.fixture
def ada(database: Database, now: datetime) -> Database:
    with database.write() as session:
        redeem(session, add_person(session, ROOT, email=ADA, role="nurse", teams=[], now=now), PASSWORD, now)
    return database


def _rows(database: Database) -> list[tuple[str, str, str | None, int]]:
    with database.read() as session:
        assert verify(session).ok
        rows = session.scalars(select(Audit).where(Audit.action == ACTION).order_by(Audit.seq)).all()
        assert all((row.outcome, row.source, row.request_id) == ("denied", HERE.source, "r-1") for row in rows)
        return [(row.actor, row.role, row.object, (row.detail or {})["tries"]) for row in rows]


def _count(database: Database, table: type[Audit] | type[Throttle]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _close(database: Database, bucket: str, now: datetime) -> None:
    allowance = PER_SOURCE if bucket.startswith("source:") else PER_ACCOUNT
    with database.write() as session:
        while reserve(session, {bucket: allowance}, now) is None:
            pass


def _guess(database: Database, email: str, now: datetime) -> type[Exception] | None:
    try:
        sign_in(database, email, "wrong", origin=HERE, now=now)
    except (SignInRefused, TooManyTries) as refused:
        return type(refused)
    return None


@pytest.mark.parametrize(("email", "who"), [(ADA, (ADA, "nurse")), ("nobody@x.example", ("unknown", "anonymous"))])
def test_a_hundred_guesses_at_a_closed_account_leave_three_rows(
    ada: Database, now: datetime, email: str, who: tuple[str, str]
) -> None:
    _close(ada, account_bucket(email), now)
    before = _count(ada, Audit)
    assert {_guess(ada, email, now) for _ in range(102)} == {TooManyTries}
    assert _rows(ada) == [(*who, "account", count) for count in (1, 10, 100)]
    assert _count(ada, Audit) == before + 3


def test_after_an_hour_they_are_counted_anew(ada: Database, now: datetime) -> None:
    bucket = account_bucket(ADA)
    for later in (timedelta(), SPAN - timedelta(seconds=1), SPAN):
        _close(ada, bucket, now + later)
        _guess(ada, ADA, now + later)
    assert [tries for *_, tries in _rows(ada)] == [1, 1]


def test_a_closed_source_that_tries_address_after_address_keeps_nothing_of_them(ada: Database, now: datetime) -> None:
    _close(ada, source_bucket(HERE.source), now)
    assert {_guess(ada, f"someone{n}@x.example", now) for n in range(30)} == {TooManyTries}
    assert _rows(ada) == [("unknown", "anonymous", "source", count) for count in (1, 10)]
    assert _count(ada, Throttle) == 2, "the closed bucket and its count"


def test_the_password_asked_for_again_leaves_them_too(ada: Database, now: datetime) -> None:
    signed_in = _signed_in(ada, now)
    person = signed_in.actor.person_id
    _close(ada, f"proof:{person}", now)
    _close(ada, f"code:{person}", now)
    for typed in ("wrong", "123456"):
        with pytest.raises(TooManyTries):
            prove(ada, signed_in, typed, origin=HERE, now=now)
    assert _rows(ada) == [(ADA, "nurse", kind, 1) for kind in ("proof", "code")]
    with pytest.raises(ProofRefused):
        prove(ada, signed_in, "wrong", origin=HERE, now=now + timedelta(minutes=2))


def test_tries_at_the_same_moment_are_each_counted_and_wait_for_nobody_for_ever(ada: Database, now: datetime) -> None:
    buckets = [account_bucket(ADA), source_bucket(HERE.source)]
    who = Actor(ADA, "nurse", None, frozenset(), HERE.request_id, HERE.source)

    def turn_away(number: int) -> None:
        turned = TooManyTries(timedelta(seconds=1), buckets if number % 2 else [*reversed(buckets)])
        note_turned_away(ada, who, turned, now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(turn_away, range(40)))
    assert sorted(tries for *_, tries in _rows(ada)) == [1, 1, 10, 10]
    with ada.write() as session:
        assert tally(session, f"refused:{buckets[0]}", now, SPAN) == 41


def _signed_in(database: Database, now: datetime) -> SignedIn:
    cookie = sign_in(database, ADA, PASSWORD, origin=HERE, now=now)
    limits = Limits(timedelta(hours=1), timedelta(hours=2))
    with database.read() as session:
        found = find_sign_in(session, cookie, limits=limits, origin=HERE, now=now)
    assert found is not None
    return found
