"""Accounts, teams, and what each person may see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from data.announcing import reached_admins
from data.db import Database
from data.models import Patient, PatientTeam, Person
from data.passwords import WeakPassword, check_password
from data.people import (
    AccountError,
    Actor,
    Forbidden,
    NotFound,
    add_person,
    add_team,
    disable,
    invite,
    invited,
    list_people,
    list_teams,
    person_actor,
    redeem,
    set_role,
    set_teams,
    visible,
)
from tests.data.ward import told_of

ROOT = Actor.system("test")
PASSWORD = "blue kettle, quiet harbour"


@pytest.fixture
def clinic(database: Database, now: datetime) -> Database:
    """Two teams with one patient each, one patient of both and one of none; five people."""
    with database.write() as session:
        north, south = (add_team(session, ROOT, name, now=now).id for name in ("North", "South"))
        for number, teams in enumerate([(north,), (south,), (north, south), ()], start=1):
            session.add(Patient(id=number, uuid=f"u{number}", mrn=f"M{number}", created_at=now))
            session.flush()
            session.add_all(PatientTeam(patient_id=number, team_id=team) for team in teams)
        for email, role, members in [
            ("onc.north@clinic.example", "oncologist", ["North"]),
            ("onc.both@clinic.example", "oncologist", ["North", "South"]),
            ("nurse.south@clinic.example", "nurse", ["South"]),
            ("admin@clinic.example", "admin", ["North"]),
            ("auditor@clinic.example", "auditor", ["North"]),
        ]:
            add_person(session, ROOT, email=email, role=role, teams=members, now=now)
    return database


def _seen_by(database: Database, email: str) -> list[str]:
    with database.read() as session:
        person = session.scalars(select(Person).where(Person.email == email)).one()
        actor = person_actor(session, person)
        return list(session.scalars(select(Patient.mrn).where(visible(actor)).order_by(Patient.mrn)))


@pytest.mark.parametrize(
    ("email", "mrns"),
    [
        ("onc.north@clinic.example", ["M1", "M3"]),
        ("onc.both@clinic.example", ["M1", "M2", "M3"]),
        ("nurse.south@clinic.example", ["M2", "M3"]),
        ("admin@clinic.example", []),
        ("auditor@clinic.example", []),
    ],
)
def test_clinicians_see_the_patients_of_their_teams_and_nobody_else_sees_any(
    clinic: Database, email: str, mrns: list[str]
) -> None:
    assert _seen_by(clinic, email) == mrns


def test_the_system_sees_every_patient_and_a_clinician_without_team_none(clinic: Database) -> None:
    with clinic.read() as session:
        assert len(session.scalars(select(Patient.id).where(visible(ROOT))).all()) == 4
        assert session.scalars(select(Patient.id).where(visible(Actor("x", "oncologist")))).all() == []


def test_taking_a_team_away_takes_its_patients_away(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        set_teams(session, ROOT, "onc.both@clinic.example", ["South"], now=now)
    assert _seen_by(clinic, "onc.both@clinic.example") == ["M2", "M3"]


def test_flags_are_told_to_enabled_oncologists_of_the_patients_teams(clinic: Database, now: datetime) -> None:
    with clinic.read() as session:
        told = {n: told_of(session, n, "urgent", now) for n in (1, 2, 3, 4)}
        assert told_of(session, 1, "low", now) == told_of(session, 1, "info", now) == []
    assert told == {
        1: ["onc.both@clinic.example", "onc.north@clinic.example"],
        2: ["onc.both@clinic.example"],
        3: ["onc.both@clinic.example", "onc.north@clinic.example"],
        4: [],
    }
    with clinic.write() as session:
        disable(session, ROOT, "onc.both@clinic.example", now=now)
        assert told_of(session, 3, "high", now) == ["onc.north@clinic.example"]


def test_lists_show_accounts_with_teams_and_teams_by_name(clinic: Database) -> None:
    with clinic.read() as session:
        assert [t.name for t in list_teams(session)] == ["North", "South"]
        people = {p["email"]: p for p in list_people(session, ROOT)}
        assert people["onc.both@clinic.example"]["teams"] == ["North", "South"]
        assert not people["onc.both@clinic.example"]["has_password"]
        assert [session.get_one(Person, id).email for id in reached_admins(session)] == ["admin@clinic.example"]


def test_a_link_works_once_for_three_days(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        token = invite(session, ROOT, "admin@clinic.example", now=now)
        assert invited(session, token, now).email == "admin@clinic.example"
    for late in (now + timedelta(days=3), now + timedelta(days=300)):
        with clinic.write() as session, pytest.raises(AccountError, match="too old"):
            redeem(session, token, PASSWORD, late)
    with clinic.write() as session:
        redeem(session, token, PASSWORD, now)
    with clinic.write() as session, pytest.raises(AccountError, match="has been used"):
        redeem(session, token, PASSWORD, now)


def test_a_newer_link_stops_the_older_one(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        older = invite(session, ROOT, "admin@clinic.example", now=now)
        invite(session, ROOT, "admin@clinic.example", now=now)
        with pytest.raises(AccountError):
            redeem(session, older, PASSWORD, now)


@pytest.mark.parametrize(
    ("email", "role", "teams", "error"),
    [
        ("no address", "nurse", [], AccountError),
        ("a@b.example\nBcc: c@d.example", "nurse", [], AccountError),
        ("a@b.example, c@d.example", "nurse", [], AccountError),
        ("x" * 300 + "@b.example", "nurse", [], AccountError),
        ("admin@clinic.example", "nurse", [], AccountError),
        ("new@clinic.example", "king", [], AccountError),
        ("new@clinic.example", "nurse", ["West"], NotFound),
    ],
)
def test_an_unusable_account_is_refused_and_nothing_is_written(
    clinic: Database, now: datetime, email: str, role: str, teams: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error), clinic.write() as session:
        add_person(session, ROOT, email=email, role=role, teams=teams, now=now)
    with clinic.read() as session:
        assert len(list_people(session, ROOT)) == 5


def test_a_clinician_keeps_no_accounts(clinic: Database, now: datetime) -> None:
    nurse = Actor("nurse.south@clinic.example", "nurse")
    with clinic.write() as session:
        for attempt in (
            lambda: add_team(session, nurse, "Mine", now=now),
            lambda: set_role(session, nurse, "nurse.south@clinic.example", "admin", now=now),
            lambda: invite(session, nurse, "admin@clinic.example", now=now),
            lambda: disable(session, nurse, "admin@clinic.example", now=now),
        ):
            with pytest.raises(Forbidden):
                attempt()


def test_the_last_admin_stays(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        for attempt in (
            lambda: disable(session, ROOT, "admin@clinic.example", now=now),
            lambda: set_role(session, ROOT, "admin@clinic.example", "nurse", now=now),
        ):
            with pytest.raises(AccountError, match="last admin"):
                attempt()


def test_two_admins_cannot_take_each_other_away_at_the_same_moment(database: Database, now: datetime) -> None:
    pair = ("one@clinic.example", "two@clinic.example")
    with database.write() as session:
        for email in pair:
            add_person(session, ROOT, email=email, role="admin", teams=[], now=now)
    both = Barrier(2)

    def demote(email: str) -> bool:
        both.wait()
        try:
            with database.write() as session:
                set_role(session, ROOT, email, "nurse", now=now)
        except AccountError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            assert sorted(pool.map(demote, pair)) == [False, True]
            with database.write() as session:
                assert len(reached_admins(session)) == 1
                for email in pair:
                    set_role(session, ROOT, email, "admin", now=now)


def test_the_most_common_passwords_are_refused_also_beside_a_second_factor() -> None:
    common = FREQUENCY_LISTS["passwords"][:3000]
    refused = {8: 0, 15: 0}
    for least in refused:
        for password in common:
            for written in (password, password.upper()):
                with pytest.raises(WeakPassword):
                    check_password(written, email="ada.lovelace@clinic.example", name="Ada Lovelace", least=least)
            refused[least] += 1
    print(f"B9: refused of the {len(common)} most common, by least length: {refused}")
    assert refused == {8: 3000, 15: 3000}


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "ada.lovelace@clinic.example",
        "ada.lovelace2026",
        "Glucagonoma2026!",
        "passwordpassword",
        "Password123456789",
        "1234567890123456",
        "abcdefghijklmnopqrs",
        "qwertyuiopasdfghjkl",
        "x" * 1025,
    ],
)
def test_short_obvious_and_endless_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, email="ada.lovelace@clinic.example", name="Ada Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        "fifteen chars ok",
        "blue kettle, quiet harbour",
        "🐎🔋📎🧷 correct 🐎🔋📎🧷 horse",
        "Wq4-" * 3 + "zP9!",
        "t3 q9 " * 20 + "x",
        ("grüne Reiher 🐎 am Kanal " * 9)[:64],
        ("grüne Reiher 🐎 am Kanal " * 9)[:128],
    ],
)
def test_long_passwords_are_taken_whatever_their_characters(password: str) -> None:
    check_password(password, email="ada.lovelace@clinic.example", name="Ada Lovelace")
