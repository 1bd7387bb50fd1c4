"""Codes of an authenticator open something once and within their time; recovery codes stand in; guesses are slowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyotp
import pytest
from sqlalchemy import func, select, text

from data.db import Database
from data.models import Audit, Person, RecoveryCode
from data.own_account import OwnAccountError, drop_own_factor
from data.passwords import WeakPassword
from data.people import Actor, add_person, invite, person_actor, redeem, reset
from data.second_factor import (
    SecondFactorError,
    begin_second_factor,
    confirm_second_factor,
    has_second_factor,
    recovery_codes_left,
    take_code,
)
from data.sessions import Limits, Origin, SignedIn, SignInRefused, find_sign_in, sign_in, sign_in_with_code
from data.step_up import ProofMissing, ProofRefused, prove, proved_at
from data.throttle import TooManyTries

ROOT = Actor.system("test")
LIMITS = Limits(idle=timedelta(hours=1), absolute=timedelta(hours=12))
HERE = Origin("192.0.2.7", "request-1")
EMAIL, PASSWORD = "ada@clinic.example", "blue kettle, quiet harbour"
STEP = timedelta(seconds=30)


@dataclass
class Ada:
    """A person with an authenticator, and the recovery codes it came with. `now` is when it was set up."""

    database: Database
    totp: pyotp.TOTP
    recovery: list[str]
    now: datetime

    def sign_in(self, code: str, at: datetime) -> SignedIn | None:
        """Sign in with the password and this code; None where the code was refused."""
        half = sign_in(self.database, EMAIL, PASSWORD, origin=HERE, now=at)
        assert find(self.database, half, at) is None
        try:
            whole = sign_in_with_code(self.database, half, code, origin=HERE, now=at)
        except SignInRefused:
            return None
        assert whole != half
        assert find(self.database, half, at) is None
        return find(self.database, whole, at)


def find(database: Database, cookie: str, now: datetime) -> SignedIn | None:
    with database.read() as session:
        return find_sign_in(session, cookie, limits=LIMITS, origin=HERE, now=now)


@pytest.fixture
def ada(database: Database, now: datetime) -> Ada:
    with database.write() as session:
        redeem(session, add_person(session, ROOT, email=EMAIL, role="nurse", teams=[], now=now), PASSWORD, now)
        person = session.scalars(select(Person)).one()
        totp = pyotp.TOTP(begin_second_factor(session, person, now).secret)
        codes = confirm_second_factor(session, person_actor(session, person), person, totp.at(now), now)
    return Ada(database, totp, codes, now)


def test_the_password_alone_opens_nothing_and_the_code_gives_a_new_sign_in(ada: Ada) -> None:
    later = ada.now + STEP
    assert ada.sign_in("000000", later) is None
    signed_in = ada.sign_in(ada.totp.at(later), later)
    assert signed_in is not None
    assert signed_in.actor.name == EMAIL


def test_a_code_holds_one_step_either_way_and_no_further(ada: Ada) -> None:
    outcomes = {}
    for shift in (-2, -1, 0, 1, 2):
        moment = ada.now + timedelta(hours=3 + shift)
        outcomes[shift] = ada.sign_in(ada.totp.at(moment + shift * STEP), moment) is not None
    print(f"B12 window: {outcomes}")
    assert outcomes == {-2: False, -1: True, 0: True, 1: True, 2: False}


def test_a_code_opens_once_also_for_two_at_the_same_moment(ada: Ada) -> None:
    assert ada.sign_in(ada.totp.at(ada.now), ada.now) is None, "the code that confirmed is used up"
    later = ada.now + timedelta(minutes=5)
    code = ada.totp.at(later)
    halves = [sign_in(ada.database, EMAIL, PASSWORD, origin=HERE, now=later) for _ in range(4)]

    def finish(half: str) -> bool:
        try:
            return bool(sign_in_with_code(ada.database, half, code, origin=HERE, now=later))
        except SignInRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(finish, halves)) == 1
    assert ada.sign_in(code, later) is None


def test_a_thousand_guesses_reach_the_code_five_times_and_a_right_password_buys_no_more(ada: Ada) -> None:
    later, refused, waits = ada.now + STEP, 0, 0
    half = sign_in(ada.database, EMAIL, PASSWORD, origin=HERE, now=later)
    for number in range(1000):
        if number % 250 == 249:
            half = sign_in(ada.database, EMAIL, PASSWORD, origin=HERE, now=later)
        try:
            sign_in_with_code(ada.database, half, f"{number:06d}", origin=HERE, now=later)
        except SignInRefused:
            refused += 1
        except TooManyTries:
            waits += 1
    with ada.database.read() as session:
        reached = session.scalar(select(func.count()).where(Audit.action == "signin.code"))
    print(f"B12 guesses: {refused} reached the code, {waits} waited")
    assert reached == refused == 5
    with pytest.raises(TooManyTries):
        sign_in_with_code(ada.database, half, ada.totp.at(later), origin=HERE, now=later)
    assert ada.sign_in(ada.totp.at(later + timedelta(minutes=2)), later + timedelta(minutes=2)) is not None


def test_a_recovery_code_stands_in_once_however_it_is_typed(ada: Ada) -> None:
    later = ada.now + STEP
    assert ada.sign_in(ada.recovery[0].upper().replace("-", " "), later) is not None
    assert ada.sign_in(ada.recovery[0], later) is None
    with ada.database.read() as session:
        assert recovery_codes_left(session, 1) == 9
        assert not set(ada.recovery) & set(session.scalars(select(RecoveryCode.code_hash)))


def test_the_secret_stands_nowhere_in_the_database(ada: Ada) -> None:
    with ada.database.read() as session:
        (sealed,) = session.execute(text("SELECT sealed FROM second_factor")).one()
    assert ada.totp.secret not in sealed


def test_a_password_given_long_ago_takes_no_code(ada: Ada) -> None:
    half = sign_in(ada.database, EMAIL, PASSWORD, origin=HERE, now=ada.now)
    late = ada.now + timedelta(minutes=11)
    with pytest.raises(SignInRefused, match="too long ago"):
        sign_in_with_code(ada.database, half, ada.totp.at(late), origin=HERE, now=late)


def test_a_code_signs_like_the_password_and_only_once(ada: Ada) -> None:
    later = ada.now + STEP
    signed_in = ada.sign_in(ada.totp.at(later), later)
    assert signed_in is not None
    soon = later + STEP
    with pytest.raises(ProofRefused):
        prove(ada.database, signed_in, ada.totp.at(later), origin=HERE, now=soon)
    prove(ada.database, signed_in, ada.totp.at(soon), origin=HERE, now=soon)
    with ada.database.read() as session:
        assert proved_at(session, signed_in, soon) == soon


def test_guesses_at_the_sign_in_page_keep_nobody_from_signing(ada: Ada) -> None:
    later = ada.now + STEP
    signed_in = ada.sign_in(ada.totp.at(later), later)
    assert signed_in is not None
    for number in range(12):
        with pytest.raises((SignInRefused, TooManyTries)):
            sign_in(ada.database, EMAIL, "guess", origin=Origin(f"203.0.113.{number}", "r"), now=later)
    prove(ada.database, signed_in, PASSWORD, origin=HERE, now=later)


def test_with_a_second_factor_eight_characters_do_until_it_is_taken_away(ada: Ada) -> None:
    short = "Qv7 tmx9"
    with ada.database.write() as session:
        redeem(session, invite(session, ROOT, EMAIL, now=ada.now), short, ada.now)
    half = sign_in(ada.database, EMAIL, short, origin=HERE, now=ada.now)
    later = ada.now + STEP
    signed_in = find(
        ada.database, sign_in_with_code(ada.database, half, ada.totp.at(later), origin=HERE, now=later), later
    )
    assert signed_in is not None
    with ada.database.write() as session, pytest.raises(ProofMissing):
        drop_own_factor(session, signed_in, short, later)
    moment = later + timedelta(seconds=1)
    prove(ada.database, signed_in, short, origin=HERE, now=moment)
    with ada.database.write() as session, pytest.raises(OwnAccountError, match="15 characters"):
        drop_own_factor(session, signed_in, short, moment)
    with ada.database.write() as session:
        token = reset(session, ROOT, EMAIL, now=moment)
        assert not has_second_factor(session, 1)
        with pytest.raises(WeakPassword, match="at least 15"):
            redeem(session, token, short, moment)
        redeem(session, token, PASSWORD, moment)
    assert find(ada.database, sign_in(ada.database, EMAIL, PASSWORD, origin=HERE, now=moment), moment) is not None


def test_what_was_begun_is_confirmed_soon_or_begun_again(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        redeem(session, add_person(session, ROOT, email=EMAIL, role="nurse", teams=[], now=now), PASSWORD, now)
        person = session.scalars(select(Person)).one()
        totp = pyotp.TOTP(begin_second_factor(session, person, now).secret)
        assert not has_second_factor(session, person.id)
        assert not take_code(session, person.id, totp.at(now), now)
        late = now + timedelta(minutes=16)
        for code, moment, why in [("000000", now, "not right"), (totp.at(late), late, "begin again")]:
            with pytest.raises(SecondFactorError, match=why):
                confirm_second_factor(session, ROOT, person, code, moment)


def test_another_server_key_says_so_instead_of_refusing_the_code(ada: Ada) -> None:
    restored = replace(ada.database, audit_key=b"another key, as after a careless restore")
    with restored.write() as session, pytest.raises(SecondFactorError, match="key of this server was replaced"):
        take_code(session, 1, "123456", ada.now)


def test_an_authenticator_outlasts_a_rotated_key_and_is_sealed_with_the_new_one(ada: Ada) -> None:
    new, old = b"the key after a rotation", ada.database.audit_key
    rotated = replace(ada.database, audit_key=new, previous_audit_keys=(old,))
    later = ada.now + STEP
    with rotated.write() as session:
        assert take_code(session, 1, ada.totp.at(later), later)
    last = later + STEP
    with replace(ada.database, audit_key=new).write() as session:
        assert take_code(session, 1, ada.totp.at(last), last), "the former key is needed no more"
