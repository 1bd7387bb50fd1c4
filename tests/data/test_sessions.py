"""Sign-ins start with a password, live in the database, and end when they should; guesses are slowed down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from data.audit import verify
from data.db import Database
from data.known_devices import is_known_device, remember_device
from data.models import Audit, Throttle
from data.models import Session as SignIn
from data.people import Actor, add_person, add_team, disable, invite, redeem, set_role
from data.sessions import (
    Limits,
    Origin,
    SignedIn,
    SignInRefused,
    TooManyTries,
    end,
    find_sign_in,
    note_device,
    sign_in,
    touch,
)
from data.throttle import PER_ACCOUNT, account_bucket, clear, reserve

ROOT = Actor.system("test")
LIMITS = Limits(idle=timedelta(minutes=15), absolute=timedelta(hours=12))
HERE = Origin("192.0.2.7", "request-1")
EMAIL, PASSWORD = "ada@clinic.example", "blue kettle, quiet harbour"


@pytest.fixture
def ada(database: Database, now: datetime) -> Database:
    with database.write() as session:
        add_team(session, ROOT, "North", now=now)
        token = add_person(session, ROOT, email=EMAIL, role="oncologist", teams=["North"], now=now)
        add_person(session, ROOT, email="root@clinic.example", role="admin", teams=[], now=now)
        redeem(session, token, PASSWORD, now)
    return database


def _find(database: Database, cookie: str, now: datetime) -> SignedIn | None:
    with database.read() as session:
        return find_sign_in(session, cookie, limits=LIMITS, origin=HERE, now=now)


def test_the_right_password_starts_a_sign_in_with_role_and_teams(ada: Database, now: datetime) -> None:
    cookie = sign_in(ada, " Ada@Clinic.example", PASSWORD, origin=HERE, now=now)
    found = _find(ada, cookie, now)
    assert found is not None
    assert (found.actor.name, found.actor.role, len(found.actor.team_ids)) == (EMAIL, "oncologist", 1)
    assert (found.actor.request_id, found.actor.source) == ("request-1", "192.0.2.7")


def test_only_a_digest_of_the_cookie_is_stored(ada: Database, now: datetime) -> None:
    cookie = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)
    with ada.read() as session:
        stored = session.scalars(select(SignIn.id_hash)).one()
    assert cookie != stored
    assert _find(ada, stored, now) is None
    assert len(cookie) >= 43


@pytest.mark.parametrize("email", [EMAIL, "nobody@clinic.example", "root@clinic.example", "\x00", "x" * 5000, ""])
@pytest.mark.parametrize("password", ["wrong", "", "\ud800", "x" * 5000])
def test_anything_else_is_refused_in_the_same_words(ada: Database, now: datetime, email: str, password: str) -> None:
    with pytest.raises(SignInRefused, match=r"^The e-mail address and password do not match an account\.$"):
        sign_in(ada, email, password, origin=HERE, now=now)


@pytest.mark.parametrize("length", [64, 128])
def test_the_last_character_of_a_long_password_counts(ada: Database, now: datetime, length: int) -> None:
    long = ("correct horse 🐎 battery " * 9)[: length - 1] + "A"
    with ada.write() as session:
        redeem(session, invite(session, ROOT, EMAIL, now=now), long, now)
    with pytest.raises(SignInRefused):
        sign_in(ada, EMAIL, long[:-1] + "B", origin=HERE, now=now)
    assert sign_in(ada, EMAIL, long, origin=HERE, now=now)


def test_an_idle_sign_in_ends_and_activity_keeps_it(ada: Database, now: datetime) -> None:
    cookie = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)
    later = now + timedelta(minutes=14)
    found = _find(ada, cookie, later)
    assert found is not None
    with ada.write() as session:
        touch(session, found, later)
    assert _find(ada, cookie, later + timedelta(minutes=14)) is not None
    assert _find(ada, cookie, later + timedelta(minutes=16)) is None


def test_no_activity_outlives_the_absolute_limit(ada: Database, now: datetime) -> None:
    cookie = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)
    moment = now
    for _ in range(80):
        moment += timedelta(minutes=12)
        found = _find(ada, cookie, moment)
        if found is None:
            break
        with ada.write() as session:
            touch(session, found, moment)
    assert timedelta(hours=12) < moment - now <= timedelta(hours=12, minutes=12)


@pytest.mark.parametrize("reason", ["signed out", "disabled", "password", "role"])
def test_a_copied_cookie_dies_with_its_sign_in(ada: Database, now: datetime, reason: str) -> None:
    cookie = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)
    with ada.write() as session:
        if reason == "signed out":
            end(session, cookie, now)
        elif reason == "disabled":
            disable(session, ROOT, EMAIL, now=now)
        elif reason == "password":
            redeem(session, invite(session, ROOT, EMAIL, now=now), "another long harbour bell", now)
        else:
            set_role(session, ROOT, EMAIL, "nurse", now=now)
    assert _find(ada, cookie, now) is None


def test_signing_in_again_ends_the_earlier_sign_in(ada: Database, now: datetime) -> None:
    first = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)
    second = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now, previous=first)
    assert second != first
    assert _find(ada, first, now) is None
    assert _find(ada, second, now) is not None


def test_a_disabled_account_cannot_sign_in(ada: Database, now: datetime) -> None:
    with ada.write() as session:
        disable(session, ROOT, EMAIL, now=now)
    with pytest.raises(SignInRefused):
        sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)


def test_a_minute_of_parallel_guesses_reaches_the_password_at_most_twenty_times(ada: Database, now: datetime) -> None:
    def guess(number: int) -> bool:
        try:
            sign_in(ada, EMAIL, f"guess {number}", origin=Origin(f"198.51.100.{number % 200}", "r"), now=moment)
        except TooManyTries:
            return False
        except SignInRefused:
            return True
        return True

    verified = 0
    with ThreadPoolExecutor(4) as pool:
        for second in range(0, 60, 5):
            moment = now + timedelta(seconds=second)
            verified += sum(pool.map(guess, range(second, second + 10)))
    assert 5 <= verified <= 20
    with ada.read() as session:
        denied = session.scalar(
            select(func.count()).select_from(Audit).where(Audit.action == "signin", Audit.outcome == "denied")
        )
        assert denied == verified
        assert verify(session).ok
    assert sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=moment + timedelta(seconds=60))


def test_a_success_forgets_the_failures_before_it(ada: Database, now: datetime) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(SignInRefused):
                sign_in(ada, EMAIL, "wrong", origin=HERE, now=now)
        sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)


def test_an_unknown_account_is_slowed_down_like_a_known_one(ada: Database, now: datetime) -> None:
    tries = {}
    for email in (EMAIL, "nobody@clinic.example"):
        outcomes = []
        for number in range(8):
            with pytest.raises((SignInRefused, TooManyTries)) as refused:
                sign_in(ada, email, "wrong", origin=Origin(f"203.0.113.{number}", "r"), now=now)
            outcomes.append(refused.type)
        tries[email] = outcomes
    assert tries[EMAIL] == tries["nobody@clinic.example"]
    assert TooManyTries in tries[EMAIL]


def test_one_source_guessing_many_accounts_is_slowed_down(ada: Database, now: datetime) -> None:
    for number in range(31):
        with pytest.raises(SignInRefused):
            sign_in(ada, f"user{number}@clinic.example", "wrong", origin=HERE, now=now)
    with pytest.raises(TooManyTries):
        sign_in(ada, "user99@clinic.example", "wrong", origin=HERE, now=now)
    elsewhere = Origin("198.51.100.1", "r")
    assert sign_in(ada, EMAIL, PASSWORD, origin=elsewhere, now=now)


def test_the_figure_of_a_known_device_is_its_own(ada: Database, now: datetime) -> None:
    cookie = sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now)
    with ada.write() as session:
        device = note_device(session, cookie, None, now)
    assert device is not None

    def tries(count: int, held: str | None) -> list[type[Exception] | None]:
        outcomes: list[type[Exception] | None] = []
        for _ in range(count):
            try:
                sign_in(ada, EMAIL, "wrong", origin=HERE, now=now, device=held)
            except (SignInRefused, TooManyTries) as refused:
                outcomes.append(type(refused))
        return outcomes

    strangers, invented = tries(9, None), tries(2, "a cookie somebody made up")
    assert strangers.count(SignInRefused) == 6
    assert invented == [TooManyTries] * 2
    assert sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now, device=device)
    assert tries(9, device).count(SignInRefused) == 6
    with pytest.raises(TooManyTries):
        sign_in(ada, EMAIL, PASSWORD, origin=HERE, now=now, device=device)
    later = now + timedelta(days=181)
    with ada.read() as session:
        assert not is_known_device(session, device, 1, later)


def test_a_device_is_known_to_each_who_signed_in_there_and_to_nobody_else(ada: Database, now: datetime) -> None:
    with ada.write() as session:
        first = remember_device(session, "planted by a stranger", 1, now)
        assert first != "planted by a stranger"
        assert not is_known_device(session, first, 2, now)
        assert remember_device(session, first, 2, now) == first
        assert is_known_device(session, first, 1, now)
        assert is_known_device(session, first, 2, now)
        redeem(session, invite(session, ROOT, EMAIL, now=now), "another long harbour bell", now)
        assert not is_known_device(session, first, 1, now)
        assert is_known_device(session, first, 2, now)


def test_a_hundred_failures_in_a_row_close_the_account_until_an_admin_invites_again(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.write() as session:
        token = add_person(session, ROOT, email=EMAIL, role="nurse", teams=[], now=now)
        redeem(session, token, PASSWORD, now)
        moment = now
        for _ in range(100):
            moment += timedelta(seconds=61)
            assert reserve(session, {account_bucket(EMAIL): PER_ACCOUNT}, moment) is None
    moment += timedelta(days=30)
    with pytest.raises(TooManyTries):
        sign_in(sqlite_database, EMAIL, PASSWORD, origin=HERE, now=moment)
    with sqlite_database.write() as session:
        redeem(session, invite(session, ROOT, EMAIL, now=moment), PASSWORD, moment)
    assert sign_in(sqlite_database, EMAIL, PASSWORD, origin=HERE, now=moment)


def test_a_bucket_that_is_cleared_in_the_midst_of_a_try_is_begun_anew(
    postgresql_database: Database, now: datetime
) -> None:
    bucket, cleared = account_bucket(EMAIL), []
    with postgresql_database.write() as session:
        reserve(session, {bucket: PER_ACCOUNT}, now)

    def clear_it(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "FOR UPDATE" in statement and "throttle" in statement and not cleared:
            cleared.append(statement)
            with postgresql_database.write() as other:
                clear(other, bucket)

    event.listen(postgresql_database.engine, "before_cursor_execute", clear_it)
    with postgresql_database.write() as session:
        assert reserve(session, {bucket: PER_ACCOUNT}, now) is None
        assert session.scalars(select(Throttle.failures)).all() == [1]
    assert cleared
