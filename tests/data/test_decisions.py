"""Decisions about flags: signed, once, by who may, on what was read - and what they lead to. Handing a flag over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from clinical.protocol import bundled_protocol
from data.assigning import NotAssigned, assign, colleagues
from data.audit import verify
from data.db import Database
from data.decisions import Decided, Decision, NotDecided, decide
from data.flag_hands import ReasonMissing
from data.flag_moves import NotAllowed, StaleVersion
from data.flags import acknowledge, list_flags, show_flag, snooze
from data.models import Audit, FlagDecision, Outbox, Team
from data.models import Session as SignIn
from data.passwords import hash_password
from data.past_flags import past_flags
from data.people import Actor, Forbidden, NotFound
from data.sessions import Origin, SignedIn, TooManyTries
from data.step_up import LIFE, ProofMissing, ProofRefused, prove, proved_at
from data.trends import trends
from tests.data.findings import finding, judge_as
from tests.data.ward import POLICY, Ward, coded, lab

SYSTEM = Actor.system("test")
PASSWORD = "blue kettle, quiet harbour"
ORIGIN = Origin("10.0.0.1", "request-1")
KEY = "0123456789abcdef-key"
UNCHANGED = Decision(kind="no-change", rationale="within what we accept for her")


class Room:
    """One patient with a flag, an oncologist and a nurse who are signed in, and a stranger of another team."""

    def __init__(self, database: Database, now: datetime, *records: dict[str, Any]) -> None:
        self.database = database
        self.now = now
        with database.write() as session:
            ward = Ward.open(session)
            self.oncologist = self.sign_in(session, ward, "onc@nadir.example", "oncologist")
            self.nurse = self.sign_in(session, ward, "nurse@nadir.example", "nurse")
            self.patient_id = ward.patient("M1", *records)
            self.stranger = self.sign_in(session, Ward.open(session, "Other"), "far@nadir.example", "oncologist")
        self.judge()
        self.flag_id = self.flags()[0]["id"]

    def sign_in(self, session: Any, ward: Ward, email: str, role: str) -> SignedIn:
        actor = ward.person(email, role)
        ward.people[email].password_hash = hash_password(PASSWORD)
        began = self.now - timedelta(hours=1)
        session.add(
            SignIn(id_hash=email, person_id=actor.person_id, created_at=began, seen_at=self.now, proved_at=began)
        )
        session.flush()
        return SignedIn(actor, email, email, self.now, {})

    def judge(self, *findings: Any, after: timedelta = timedelta(0)) -> None:
        with self.database.write() as session:
            judge_as(session, self.patient_id, findings or [finding()], now=self.now + after)

    def flags(self) -> list[dict[str, Any]]:
        with self.database.read() as session:
            return list_flags(session, SYSTEM)

    def shown(self) -> dict[str, Any]:
        with self.database.read() as session:
            return show_flag(session, SYSTEM, self.flag_id)

    def prove(self, who: SignedIn | None = None, password: str = PASSWORD, after: timedelta = timedelta(0)) -> None:
        prove(self.database, who or self.oncologist, password, origin=ORIGIN, now=self.now + after)

    def decide(
        self,
        said: Decision = UNCHANGED,
        *,
        who: SignedIn | None = None,
        key: str = KEY,
        version: int | None = None,
        after: timedelta = timedelta(0),
    ) -> Decided:
        read = self.shown()["version"] if version is None else version
        with self.database.write() as session:
            return decide(
                session, who or self.oncologist, self.flag_id, said, key=key, version=read, now=self.now + after
            )

    def past(self, days: int) -> tuple[Any, dict[str, Any]]:
        """What is shown of earlier flags on the newest one, so many days later, and that one."""
        later = self.now + timedelta(days=days)
        with self.database.read() as session:
            found = trends(session, SYSTEM, "M1", protocol=bundled_protocol(), now=later)
        return past_flags(found, found.flags[0]), found.flags[0]


def test_a_decision_is_a_signed_record_that_closes_the_flag_and_shows_in_its_history(
    database: Database, now: datetime
) -> None:
    room = Room(database, now)
    room.prove()
    made = room.decide(Decision(kind="dose-up", rationale="  escape of the skin, agreed in the board "))
    shown = room.shown()
    assert (made.status, made.again, shown["status"], shown["owner"]) == ("resolved", False, "resolved", "onc")
    steps = [(h["from"], h["to"], h["why"]) for h in shown["history"][1:]]
    assert steps == [
        ("open", "acknowledged", "taken with the decision"),
        ("acknowledged", "in-review", "taken with the decision"),
        ("in-review", "resolved", "escape of the skin, agreed in the board"),
    ]
    assert shown["details"][-1] == {"decision": made.id, "kind": "dose-up"}
    with database.read() as session:
        row = session.scalars(select(FlagDecision)).one()
        assert (row.decision, row.reason, row.flag_version, row.rule_version) == ("dose-up", None, 1, "1")
        assert row.basis == {"as_of": now.isoformat(), "why": shown["why"], "records": ["1"]}
        assert (row.at, row.proved_at, row.who) == (now, now, "onc@nadir.example")
        audited = session.execute(select(Audit.action, Audit.detail).order_by(Audit.seq.desc()).limit(1)).one()
        assert audited.action == "flag.decide" and audited.detail["decision"] == "dose-up"
        assert "escape" not in str(audited.detail) and verify(session).ok
        assert session.scalars(select(Outbox.state)).all() == ["cancelled"]
    for statement in ("UPDATE flag_decision SET rationale = 'x'", "DELETE FROM flag_decision"):
        with pytest.raises(DatabaseError, match="append-only"), database.write() as session:
            session.execute(text(statement))


def test_only_an_oncologist_of_the_team_who_typed_the_password_again_decides(database: Database, now: datetime) -> None:
    room = Room(database, now)
    room.prove(room.nurse)
    with pytest.raises(Forbidden):
        room.decide(who=room.nurse)
    room.prove(room.stranger)
    with pytest.raises(NotFound):
        room.decide(who=room.stranger)
    with pytest.raises(ProofMissing):
        room.decide()
    with pytest.raises(ProofRefused):
        room.prove(password="another kettle, quiet harbour")
    with pytest.raises(ProofMissing):
        room.decide()
    room.prove()
    with pytest.raises(ProofMissing):
        room.decide(after=LIFE + timedelta(seconds=1))
    assert room.shown()["version"] == 1
    assert room.decide(after=LIFE).status == "resolved"


def test_a_password_typed_again_counts_for_one_sign_in_and_tries_are_limited(
    sqlite_database: Database, now: datetime
) -> None:
    room = Room(sqlite_database, now)
    room.prove()
    with sqlite_database.write() as session:
        assert proved_at(session, room.oncologist, now) == now
        other = SignedIn(room.oncologist.actor, "onc", "another browser", now, {})
        assert proved_at(session, other, now) is None
        session.get_one(SignIn, "onc@nadir.example").ended_at = now
    with sqlite_database.read() as session:
        assert proved_at(session, room.oncologist, now) is None
    tries = 0
    with pytest.raises(TooManyTries):
        for _ in range(20):
            tries += 1
            with pytest.raises(ProofRefused):
                room.prove(room.nurse, password="guess")
    assert tries <= 7


def test_what_is_sent_twice_is_recorded_once_and_a_key_serves_one_content(database: Database, now: datetime) -> None:
    room = Room(database, now)
    room.prove()
    first = room.decide(version=1)
    again = room.decide(version=1)
    assert (again.id, again.again, again.status) == (first.id, True, "resolved")
    with pytest.raises(NotDecided, match="other content"):
        room.decide(Decision(kind="stop", rationale="something else"), version=1)
    with database.read() as session:
        assert len(session.scalars(select(FlagDecision)).all()) == 1
    with pytest.raises(NotAllowed):
        room.decide(key="another key of the page")


def test_who_read_an_older_version_decides_nothing_and_is_told_who_was_first(
    sqlite_database: Database, now: datetime
) -> None:
    room = Room(sqlite_database, now)
    with sqlite_database.write() as session:
        acknowledge(session, room.nurse.actor, room.flag_id, why="calling her", version=1, now=now)
    room.prove()
    with pytest.raises(StaleVersion) as raised:
        room.decide(version=1)
    assert (raised.value.current, raised.value.who) == (2, "nurse@nadir.example")
    assert room.shown()["status"] == "acknowledged"


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (Decision(kind="more", rationale="because"), NotDecided),
        (Decision(kind="stop", rationale=" x "), ReasonMissing),
        (Decision(kind="not-applicable", rationale="because"), NotDecided),
        (Decision(kind="not-applicable", rationale="because", reason="bored"), NotDecided),
        (Decision(kind="stop", rationale="because", reason="known"), NotDecided),
        (Decision(kind="stop", rationale="x" * 4001), NotDecided),
    ],
)
def test_what_is_no_whole_decision_is_refused(
    sqlite_database: Database, now: datetime, said: Decision, refusal: type[Exception]
) -> None:
    room = Room(sqlite_database, now)
    room.prove()
    with pytest.raises(refusal):
        room.decide(said)
    assert room.shown()["version"] == 1


def test_a_question_that_is_passed_on_stays_in_review_until_it_is_answered(database: Database, now: datetime) -> None:
    room = Room(database, now)
    room.prove()
    assert room.decide(Decision(kind="investigate", rationale="SSTR PET asked for")).status == "in-review"
    assert room.decide(Decision(kind="refer", rationale="surgeons"), key="second key of the page").status == "in-review"
    end = Decision(kind="not-applicable", reason="explained", rationale="renal failure explains it")
    assert room.decide(end, key="third key of the page").status == "overridden"
    room.judge(after=timedelta(days=1))
    assert [f["status"] for f in room.flags()] == ["overridden"]


def test_a_snoozed_flag_can_be_taken_and_decided(sqlite_database: Database, now: datetime) -> None:
    room = Room(sqlite_database, now)
    with sqlite_database.write() as session:
        actor, until = room.nurse.actor, now + timedelta(days=2)
        snooze(session, actor, room.flag_id, why="visit on Monday", until=until, version=1, now=now)
    room.prove()
    assert room.decide().status == "resolved"
    assert room.shown()["snoozed_until"] is None


def test_a_flag_handed_over_stands_open_until_the_other_takes_it_and_the_other_is_told(
    database: Database, now: datetime
) -> None:
    room = Room(database, now)
    with database.write() as session:
        acknowledge(session, room.oncologist.actor, room.flag_id, why="on it", version=1, now=now)
        (nurse,) = colleagues(session, room.oncologist.actor, room.flag_id)
        assert (nurse.email, nurse.role) == ("nurse@nadir.example", "nurse")
    about: dict[str, Any] = {"why": "please call her", "version": 2, "mail": POLICY, "now": now}
    with pytest.raises(NotAssigned), database.write() as session:
        stranger = room.stranger.actor.person_id
        assign(session, room.oncologist.actor, room.flag_id, to=stranger or 0, **about)
    with database.write() as session:
        assert assign(session, room.oncologist.actor, room.flag_id, to=nurse.id, **about) == "open"
    shown = room.shown()
    assert (shown["status"], shown["owner"]) == ("open", "nurse")
    assert shown["details"][-1] == {"to": "nurse@nadir.example"}
    with database.read() as session:
        mails = session.execute(select(Outbox.recipient_id, Outbox.state).order_by(Outbox.step)).all()
        assert [tuple(mail) for mail in mails][-1] == (nurse.id, "pending")
    with database.write() as session:
        acknowledge(session, room.nurse.actor, room.flag_id, why="calling", version=3, now=now)
    assert room.shown()["status"] == "acknowledged"


def test_the_next_review_shows_what_was_decided_before_and_what_followed(database: Database, now: datetime) -> None:
    room = Room(
        database,
        now,
        lab("glucagon", 230.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0, lab="A", method="RIA"),
        coded("skin", "2026-02-20", iga=3),
        coded("therapy", "2025-01-10", kind="start", drug="lanreotide", dose=90.0, unit="mg", interval_days=28),
    )
    room.prove()
    room.decide(Decision(kind="interval", rationale="escape at the end of the interval"))
    with database.write() as session:
        ward = Ward(session, session.scalars(select(Team).where(Team.name == "NET")).one())
        ward.store(
            room.patient_id,
            lab("glucagon", 120.0, "pg/mL", "2026-04-01", canonical_ref_high=150.0, lab="A", method="RIA"),
            lab("glucagon", 110.0, "pg/mL", "2026-05-01", canonical_ref_high=150.0, lab="B", method="RIA"),
            coded("skin", "2026-04-20", iga=1),
            coded("symptom", "2026-04-20", name="steatorrhoea"),
        )
    room.judge(finding(severity="urgent", records=("1", "9")), after=timedelta(days=90))
    (past,), flag = room.past(days=90)
    (decided,) = past.decisions
    sequel = decided.followed
    assert flag["status"] == "open" and past.flag["id"] == room.flag_id and decided.entered is False
    assert sequel.marker_before is not None and sequel.marker_after is not None
    assert (sequel.marker_before.result.value, sequel.marker_after.result.value) == (230.0, 110.0)
    assert (sequel.samples, sequel.other_assay, sequel.looks) == (2, True, 1)
    assert sequel.skin_before is not None and sequel.skin_after is not None
    assert (sequel.skin_before.iga, sequel.skin_after.iga) == (3, 1)
    assert sequel.symptoms == (("steatorrhoea", 1),)
