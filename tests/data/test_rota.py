"""The rota: who is on call on a day, who stands in, who comes next, and that nobody is left out by a hole in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.db import Database
from data.mail_choices import NotChosen, choices_of, choose, switch_off, switch_on
from data.models import Audit, Person
from data.people import Actor, Forbidden, NotFound
from data.rota import NoWeek, monday_of, read_roster, week_name, week_named
from data.rota_changes import NotOnRota, list_rota, remove_stand_in, set_lead, set_stand_in, set_weeks
from data.telling import chosen_for
from tests.data.ward import POLICY, Concern, Ward, told_of

SYSTEM = Actor.system("test")
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)


class Rota:
    """A team of three oncologists and a patient."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session, self.now = session, now
        self.ward = Ward.open(session)
        self.actors = {name: self.ward.person(f"{name}@n.example") for name in ("ada", "bob", "cat")}
        self.patient = self.ward.patient("M1")
        self.team = self.ward.team.id

    def id(self, name: str) -> int:
        found = self.actors[name].person_id
        assert found is not None
        return found

    def week(self, name: str | None, first: date = MONDAY, weeks: int = 1, actor: Actor = SYSTEM) -> None:
        person = None if name is None else self.id(name)
        set_weeks(self.session, actor, self.team, first, weeks=weeks, person_id=person, now=self.now)

    def away(self, name: str, first: date, last: date, by: str, actor: Actor = SYSTEM) -> None:
        set_stand_in(
            self.session,
            actor,
            self.team,
            person_id=self.id(name),
            first_day=first,
            last_day=last,
            stand_in_id=self.id(by),
            now=self.now,
        )

    def told(self, severity: str = "urgent", at: datetime | None = None) -> list[str]:
        return [email.partition("@")[0] for email in told_of(self.session, self.patient, severity, at or self.now)]

    def wish(self, name: str, **how: str) -> None:
        wanted = {(self.team, severity): kind for severity, kind in how.items()}
        choose(self.session, self.actors[name], zone="", quiet=None, how=wanted, now=self.now)


def test_who_is_on_call_is_told_and_where_nobody_is_everybody_is(database: Database, now: datetime) -> None:
    with database.write() as session:
        rota = Rota(session, now)
        assert rota.told() == ["ada", "bob", "cat"]
        rota.week("bob")
        assert rota.told() == rota.told("high") == ["bob"]
        assert rota.told("medium") == ["ada", "bob", "cat"] and rota.told("low") == []
        assert rota.told(at=now + timedelta(days=7)) == ["ada", "bob", "cat"]
        rota.week(None)
        assert rota.told() == ["ada", "bob", "cat"]


def test_alerts_follow_to_the_stand_in_and_to_theirs_and_back(database: Database, now: datetime) -> None:
    with database.write() as session:
        rota = Rota(session, now)
        rota.week("ada", weeks=2)
        rota.away("ada", MONDAY, MONDAY + 2 * DAY, by="bob")
        rota.away("bob", MONDAY + DAY, MONDAY + DAY, by="cat")
        days = [rota.told(at=now + n * DAY) for n in range(4)]
        assert days == [["bob"], ["cat"], ["bob"], ["ada"]]
        (one,) = chosen_for(session, Concern(rota.patient, "urgent"), now=now, zone=POLICY.zone)
        assert (one.why, one.week, one.instead_of) == ("stand-in", "2026-W10", rota.id("ada"))


def test_a_ring_of_stand_ins_is_nobody_and_so_everybody_is_told(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        rota.week("ada")
        rota.away("ada", MONDAY, MONDAY, by="bob")
        rota.away("bob", MONDAY, MONDAY, by="ada")
        assert rota.told() == ["ada", "bob", "cat"]
        (week,) = list_rota(session, [rota.team], MONDAY, 1)
        assert week["gaps"] == [MONDAY] and week["person"] == "ada" and len(week["stand_ins"]) == 2


def test_a_closed_account_and_an_address_that_is_off_are_a_gap(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        rota.week("ada")
        switch_off(session, rota.id("ada"), "550 no such mailbox", now=now)
        assert rota.told() == ["bob", "cat"]
        assert switch_on(session, rota.id("ada"), now=now)
        assert not switch_on(session, rota.id("ada"), now=now)
        assert rota.told() == ["ada"]
        session.execute(update(Person).where(Person.id == rota.id("ada")).values(disabled_at=now))
        assert rota.told() == ["bob", "cat"]
        (week,) = list_rota(session, [rota.team], MONDAY, 1)
        assert len(week["gaps"]) == 7


def test_next_in_turn_are_those_of_the_coming_weeks_then_the_rest(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        rota.week("cat")
        rota.week("ada", MONDAY + 7 * DAY)
        roster = read_roster(session, [rota.team], MONDAY, MONDAY + 60 * DAY)
        assert roster.order(rota.team, MONDAY) == [rota.id(name) for name in ("cat", "ada", "bob")]
        rota.away("ada", MONDAY, MONDAY, by="bob")
        roster = read_roster(session, [rota.team], MONDAY, MONDAY + 60 * DAY)
        assert roster.order(rota.team, MONDAY) == [rota.id(name) for name in ("cat", "bob", "ada")]


def test_two_teams_of_a_patient_each_have_somebody_on_call(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        other = Ward.open(session, "Other")
        far = other.person("far@n.example")
        session.execute(Ward.follow(rota.patient, other))
        rota.week("bob")
        assert rota.told() == ["bob", "far"]
        assert far.person_id is not None


def test_who_asked_is_told_as_well_and_urgent_cannot_be_switched_off(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        rota.week("bob")
        rota.wish("cat", urgent="at-once", high="digest", medium="off")
        assert rota.told() == ["bob", "cat"] and rota.told("medium") == ["ada", "bob"]
        ways = {
            c.person_id: c.way for c in chosen_for(session, Concern(rota.patient, "high"), now=now, zone=POLICY.zone)
        }
        assert ways == {rota.id("bob"): "at-once", rota.id("cat"): "digest"}
        for how in ("off", "digest", "never"):
            with pytest.raises(NotChosen):
                rota.wish("bob", urgent=how)
        for name in ("ada", "bob"):
            rota.wish(name, medium="off")
        assert rota.told("medium") == ["ada", "bob", "cat"]


def test_choices_are_ones_own_and_checked(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        ada = rota.actors["ada"]
        choose(session, ada, zone="America/New_York", quiet=("22:00", "6:30"), how={}, now=now)
        found = choices_of(session, ada)
        assert (found.zone, found.quiet) == ("America/New_York", ("22:00", "06:30"))
        assert found.how[rota.team, "urgent"] == "on-call" and found.how[rota.team, "medium"] == "digest"
        refused: list[dict[str, Any]] = [
            {"zone": "Mars/Base"},
            {"zone": "../../etc/passwd"},
            {"quiet": ("22:00", "22:00")},
            {"quiet": ("24:00", "06:00")},
            {"quiet": ("", "06:00")},
            {"how": {(rota.team + 1, "high"): "digest"}},
        ]
        for wrong in refused:
            with pytest.raises(NotChosen):
                choose(session, ada, **{"zone": "", "quiet": None, "how": {}} | wrong, now=now)
        assert choices_of(session, ada) == found
        with pytest.raises(Forbidden):
            choices_of(session, Actor("x@n.example", "auditor", 99))


def test_the_rota_is_kept_by_admins_and_the_oncologists_of_the_team(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, now)
        nurse, admin = rota.ward.person("n@n.example", "nurse"), rota.ward.person("boss@n.example", "admin")
        stranger = Ward.open(session, "Other").person("far@n.example")
        for actor in (nurse, stranger):
            with pytest.raises(Forbidden):
                rota.week("ada", actor=actor)
            with pytest.raises(Forbidden):
                rota.away("ada", MONDAY, MONDAY, by="bob", actor=actor)
            with pytest.raises(Forbidden):
                set_lead(session, actor, rota.team, rota.id("ada"), now=now)
        rota.week("ada", actor=admin)
        rota.week("bob", actor=rota.actors["cat"])
        rota.away("bob", MONDAY, MONDAY, by="ada", actor=rota.actors["bob"])
        for wrong in (nurse.person_id, admin.person_id, stranger.person_id, 999):
            with pytest.raises(NotOnRota):
                set_weeks(session, SYSTEM, rota.team, MONDAY, weeks=1, person_id=wrong, now=now)
        with pytest.raises(NotFound):
            set_weeks(session, SYSTEM, 999, MONDAY, weeks=1, person_id=rota.id("ada"), now=now)
        for weeks in (0, 54):
            with pytest.raises(NotOnRota):
                rota.week("ada", weeks=weeks)
        for first, last, by in ((MONDAY, MONDAY - DAY, "cat"), (MONDAY, MONDAY, "cat"), (MONDAY + DAY,) * 2 + ("bob",)):
            with pytest.raises(NotOnRota):
                rota.away("bob", first, last, by=by)
        (stand_in,) = list_rota(session, [rota.team], MONDAY, 1)[0]["stand_ins"]
        with pytest.raises(Forbidden):
            remove_stand_in(session, stranger, stand_in["id"], now=now)
        remove_stand_in(session, rota.actors["bob"], stand_in["id"], now=now)
        assert rota.told() == ["bob"]
        actions = session.scalars(select(Audit.action).where(Audit.action.like("rota.%")).order_by(Audit.seq)).all()
    assert actions == ["rota.set", "rota.set", "rota.stand-in", "rota.back"]


@pytest.mark.parametrize(
    ("text", "monday"),
    [
        ("2026-W10", MONDAY),
        ("2026-w53", date(2026, 12, 28)),
        ("2026-03-08", MONDAY),
        (" 2027-01-03 ", date(2026, 12, 28)),
    ],
)
def test_a_week_is_named_by_iso_or_by_a_day_in_it(text: str, monday: date) -> None:
    assert week_named(text) == monday == monday_of(monday)


@pytest.mark.parametrize("text", ["2025-W53", "2026-W0", "W10", "2026", "10.3.2026", "", "2026-W10-1"])
def test_what_names_no_week_is_refused(text: str) -> None:
    with pytest.raises(NoWeek, match="2026-W10"):
        week_named(text)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_the_name_of_a_week_names_it(day: date) -> None:
    assert week_named(week_name(day)) == monday_of(day) <= day < monday_of(day) + 7 * DAY


def test_the_week_changes_at_midnight_of_the_site(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        rota = Rota(session, datetime(2026, 3, 2, tzinfo=UTC))
        rota.week("bob")
        assert rota.told(at=datetime(2026, 3, 8, 23, 59, tzinfo=UTC)) == ["bob"]
        assert rota.told(at=datetime(2026, 3, 9, tzinfo=UTC)) == ["ada", "bob", "cat"]
