"""Flags as people read and act on them: contract JSON, scope, versions, and what data and people may each do."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from data.audit import verify
from data.db import Database
from data.errors import BadInput
from data.flag_hands import ReasonMissing
from data.flag_moves import NotAllowed, StaleVersion
from data.flags import acknowledge, list_flags, show_flag, snooze
from data.models import Audit, Flag, Outbox
from data.people import Actor, Forbidden, NotFound
from tests.data.findings import finding, judge_as
from tests.data.signing import decided
from tests.data.ward import Ward

SYSTEM = Actor.system("test")
CONTRACT_KEYS = [
    *("id", "patient", "rule", "rule_version", "axis", "severity", "status", "episode", "opened_at", "as_of"),
    *("first_evidence_at", "title", "question", "why", "evidence", "compared_with", "thresholds"),
    *("suppressed", "contains", "history"),
]


class Clinic:
    """A ward with one patient, one oncologist, and their flag."""

    def __init__(self, database: Database, now: datetime, **about: object) -> None:
        self.database = database
        self.now = now
        with database.write() as session:
            ward = Ward.open(session)
            self.oncologist = ward.person("onc@nadir.example")
            self.nurse = ward.person("nurse@nadir.example", "nurse")
            self.patient_id = ward.patient("M1")
            self.stranger = Ward.open(session, "Other").person("far@nadir.example")
        self.judge([finding(**about)])  # type: ignore[arg-type]
        self.flag_id = self.flags()[0]["id"]

    def judge(self, findings: list, after: timedelta = timedelta(0)) -> None:  # type: ignore[type-arg]
        with self.database.write() as session:
            judge_as(session, self.patient_id, findings, now=self.now + after)

    def flags(self, **about: str) -> list[dict]:  # type: ignore[type-arg]
        with self.database.read() as session:
            return list_flags(session, SYSTEM, **about)  # type: ignore[arg-type]

    def shown(self) -> dict:  # type: ignore[type-arg]
        with self.database.read() as session:
            return show_flag(session, SYSTEM, self.flag_id)

    def mails(self) -> list[tuple[str, str, int]]:
        with self.database.read() as session:
            rows = session.execute(select(Outbox.kind, Outbox.state, Outbox.step).order_by(Outbox.step, Outbox.id))
            return [tuple(row) for row in rows]

    def acknowledge(self, actor: Actor | None = None, version: int = 1, why: str = "on it") -> str:
        with self.database.write() as session:
            return acknowledge(session, actor or self.oncologist, self.flag_id, why=why, version=version, now=self.now)


def test_a_flag_is_listed_with_exactly_the_keys_of_the_contract(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now, contains=("R02",))
    (flag,) = clinic.flags(mrn="M1", status="open")
    assert list(flag) == CONTRACT_KEYS
    assert flag["patient"] == "M1" and flag["severity"] == "high" and flag["episode"] == 1
    assert flag["opened_at"] == flag["as_of"] == "2026-03-02T09:00:00Z"
    assert flag["evidence"] == [
        {
            "record": "1",
            "kind": "lab",
            "analyte": "glucagon",
            "value": 230.0,
            "comparator": None,
            "unit": "pg/mL",
            "effective": "2026-02-01",
            "ref_high": 150.0,
        }
    ]
    assert flag["compared_with"] == {
        "kind": "nadir",
        "value": 60.0,
        "unit": "pg/mL",
        "effective": "2026-02-01T00:00:00Z",
    }
    assert flag["thresholds"] == [{"name": "rcv_up", "value": 0.642, "source": "reference 4.1", "signed_off": False}]
    assert flag["contains"] == ["R02"] and flag["suppressed"] == []
    assert [(h["from"], h["to"], h["who"]) for h in flag["history"]] == [(None, "open", "sweep")]


def test_the_page_of_a_flag_gets_its_version_and_the_whole_evidence(sqlite_database: Database, now: datetime) -> None:
    shown = Clinic(sqlite_database, now).shown()
    assert shown["version"] == 1 and shown["owner"] is None and shown["finding"]["thresholds"][0]["unit"] == "1"
    assert set(CONTRACT_KEYS) < set(shown)


def test_an_acknowledged_flag_has_an_owner_a_reason_and_no_mail_left_to_send(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    assert clinic.mails() == [("immediate", "pending", 0)]
    assert clinic.acknowledge(why="  calling her today ") == "acknowledged"
    shown = clinic.shown()
    assert (shown["status"], shown["owner"], shown["version"]) == ("acknowledged", "onc", 2)
    last = shown["history"][-1]
    assert (last["from"], last["to"], last["why"]) == ("open", "acknowledged", "calling her today")
    assert last["who"] == "onc@nadir.example"
    assert clinic.mails() == [("immediate", "cancelled", 0)]
    with database.read() as session:
        audited = session.execute(select(Audit.action, Audit.object).order_by(Audit.seq.desc()).limit(1)).one()
        assert tuple(audited) == ("flag.acknowledge", clinic.flag_id) and verify(session).ok


def test_only_a_clinician_of_the_team_with_a_reason_may_acknowledge(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    with pytest.raises(NotFound):
        clinic.acknowledge(clinic.stranger)
    for role in ("admin", "auditor", "service", "system"):
        with pytest.raises(Forbidden):
            clinic.acknowledge(Actor("x", role))
    for empty in ("", "  ", "ok "):
        with pytest.raises(ReasonMissing):
            clinic.acknowledge(why=empty)
    assert clinic.shown()["status"] == "open" and clinic.mails() == [("immediate", "pending", 0)]
    assert clinic.acknowledge(clinic.nurse) == "acknowledged"


def test_who_may_not_see_a_patient_sees_no_flag_of_it(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    with database.read() as session:
        assert list_flags(session, clinic.stranger) == []
        assert len(list_flags(session, clinic.nurse)) == 1
        with pytest.raises(NotFound):
            list_flags(session, clinic.stranger, mrn="M1")
        with pytest.raises(NotFound):
            show_flag(session, clinic.stranger, clinic.flag_id)
        with pytest.raises(Forbidden):
            list_flags(session, Actor("boss", "admin"))
        with pytest.raises(BadInput, match="acknowledged"):
            list_flags(session, SYSTEM, status="done")


def test_the_second_of_two_who_read_the_same_version_is_told_who_came_first(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    clinic.acknowledge()
    with pytest.raises(StaleVersion) as raised:
        clinic.acknowledge(clinic.nurse)
    assert (raised.value.given, raised.value.current) == (1, 2)
    assert raised.value.status == "acknowledged" and raised.value.who == "onc@nadir.example"
    with pytest.raises(NotAllowed):
        clinic.acknowledge(clinic.nurse, version=2)
    assert len(clinic.shown()["history"]) == 2


def test_a_review_ends_in_a_decision_and_a_closed_flag_moves_no_more(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    clinic.acknowledge()
    with database.write() as session:
        with pytest.raises(Forbidden):
            decided(session, clinic.nurse, clinic.flag_id, version=2, now=now)
        assert decided(session, clinic.oncologist, clinic.flag_id, version=2, now=now).status == "resolved"
    with database.write() as session, pytest.raises(NotAllowed):
        acknowledge(session, clinic.oncologist, clinic.flag_id, version=4, why="once more", now=now)
    for kind, reason in (("no-change", None), ("investigate", None), ("not-applicable", "known")):
        with database.write() as session, pytest.raises(NotAllowed):
            decided(session, clinic.oncologist, clinic.flag_id, kind, reason=reason, version=4, now=now)


def test_a_finding_that_goes_on_unchanged_does_not_undo_a_decision(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    clinic.acknowledge()
    with database.write() as session:
        decided(session, clinic.oncologist, clinic.flag_id, "not-applicable", reason="wrong-value", version=2, now=now)
    clinic.judge([finding()], after=timedelta(days=1))
    assert [f["status"] for f in clinic.flags()] == ["overridden"]
    clinic.judge([finding(records=("1", "2"))], after=timedelta(days=2))
    assert [(f["status"], f["episode"]) for f in clinic.flags()] == [("open", 2), ("overridden", 1)]


def test_a_decision_answers_a_finding_only_until_the_data_have_shown_it_gone(
    sqlite_database: Database, now: datetime
) -> None:
    clinic = Clinic(sqlite_database, now)
    clinic.acknowledge()
    with sqlite_database.write() as session:
        decided(session, clinic.oncologist, clinic.flag_id, version=2, why="repeat in May", now=now)
    clinic.judge([], after=timedelta(days=1))
    assert [f["status"] for f in clinic.flags()] == ["resolved"]
    clinic.judge([finding()], after=timedelta(days=2))
    assert [(f["status"], f["episode"]) for f in clinic.flags()] == [("open", 2), ("resolved", 1)]


def test_a_finding_that_comes_back_after_it_was_gone_is_a_new_episode(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    clinic.acknowledge()
    clinic.judge([], after=timedelta(days=1))
    assert [(f["status"], f["episode"]) for f in clinic.flags()] == [("resolved", 1)]
    clinic.judge([finding()], after=timedelta(days=2))
    assert [(f["status"], f["episode"]) for f in clinic.flags()] == [("open", 2), ("resolved", 1)]
    assert [state for _, state, _ in clinic.mails()].count("pending") == 1


@pytest.mark.parametrize("severity", ["urgent", "high", "medium"])
def test_data_never_close_a_flag_nobody_has_seen(sqlite_database: Database, now: datetime, severity: str) -> None:
    clinic = Clinic(sqlite_database, now, severity=severity)
    clinic.judge([], after=timedelta(days=1))
    shown = clinic.shown()
    assert shown["status"] == "open" and shown["cleared_at"] == "2026-03-03T09:00:00Z"
    assert shown["history"][-1]["why"] == "cleared by data, not seen"
    clinic.judge([], after=timedelta(days=2))
    assert clinic.shown()["version"] == 2
    assert clinic.acknowledge(version=2) == "resolved"
    assert [h["to"] for h in clinic.shown()["history"]] == ["open", "open", "acknowledged", "resolved"]


def test_an_unseen_flag_the_data_had_cleared_stands_again_when_they_change_back(
    sqlite_database: Database, now: datetime
) -> None:
    clinic = Clinic(sqlite_database, now)
    clinic.judge([], after=timedelta(days=1))
    clinic.judge([finding()], after=timedelta(days=2))
    shown = clinic.shown()
    assert (shown["status"], shown["cleared_at"], shown["episode"]) == ("open", None, 1)
    assert len(clinic.mails()) == 1


@pytest.mark.parametrize("severity", ["low", "info"])
def test_data_close_a_low_flag_by_themselves(sqlite_database: Database, now: datetime, severity: str) -> None:
    clinic = Clinic(sqlite_database, now, severity=severity)
    clinic.judge([])
    assert clinic.shown()["status"] == "resolved" and clinic.mails() == []


def test_worse_evidence_reopens_an_acknowledged_flag_and_tells_people_again(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    clinic.acknowledge()
    clinic.judge([finding(records=("1", "2"))], after=timedelta(days=7))
    shown = clinic.shown()
    assert shown["status"] == "open" and [e["record"] for e in shown["evidence"]] == ["1", "2"]
    assert clinic.mails() == [("immediate", "cancelled", 0), ("immediate", "pending", 1)]


def test_a_flag_under_review_is_reopened_only_by_a_higher_severity(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    clinic.acknowledge()
    with database.write() as session:
        decided(session, clinic.oncologist, clinic.flag_id, "investigate", version=2, now=now)
    clinic.judge([finding(records=("1", "2"))])
    assert clinic.shown()["status"] == "in-review"
    clinic.judge([finding(severity="urgent", records=("1", "2"))])
    assert (clinic.shown()["status"], clinic.shown()["severity"]) == ("open", "urgent")


def test_an_open_flag_that_grows_worse_is_told_at_once_instead_of_in_the_digest(
    database: Database, now: datetime
) -> None:
    clinic = Clinic(database, now, severity="medium")
    assert clinic.mails() == [("digest", "pending", 0)]
    clinic.judge([finding(severity="high")])
    assert clinic.mails() == [("digest", "cancelled", 0), ("immediate", "pending", 1)]


def test_more_evidence_of_the_same_weight_is_no_second_mail(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now)
    for count in range(2, 6):
        clinic.judge([finding(records=[str(n) for n in range(count)])])
    assert clinic.mails() == [("immediate", "pending", 0)] and clinic.shown()["version"] == 5


def test_a_stronger_finding_takes_the_flag_it_contains_in(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now, rule="R02", severity="medium")
    clinic.judge([finding(rule="R09", subject="both", contains=("R02", "R06"))])
    contained = clinic.shown()
    assert contained["status"] == "resolved" and contained["history"][-1]["why"] == "contained in R09"
    assert sorted((kind, state) for kind, state, _ in clinic.mails()) == [
        ("digest", "cancelled"),
        ("immediate", "pending"),
    ]


def test_a_snooze_is_bounded_by_the_severity_and_ends_by_itself(database: Database, now: datetime) -> None:
    clinic = Clinic(database, now, severity="urgent")
    about = {"why": "in theatre", "version": 1, "now": now}
    for wrong in (now, now - timedelta(hours=1), now + timedelta(hours=4, seconds=1)):
        with database.write() as session, pytest.raises(NotAllowed):
            snooze(session, clinic.oncologist, clinic.flag_id, until=wrong, **about)
    until = now + timedelta(hours=4)
    with database.write() as session:
        assert snooze(session, clinic.oncologist, clinic.flag_id, until=until, **about) == "snoozed"
    urgent = finding(severity="urgent")
    clinic.judge([urgent], after=timedelta(hours=3))
    assert clinic.shown()["status"] == "snoozed"
    clinic.judge([urgent], after=timedelta(hours=4))
    shown = clinic.shown()
    assert (shown["status"], shown["snoozed_until"]) == ("open", None)
    assert clinic.mails() == [("immediate", "cancelled", 0), ("immediate", "pending", 1)]


def test_worse_evidence_ends_a_snooze(sqlite_database: Database, now: datetime) -> None:
    clinic = Clinic(sqlite_database, now)
    with sqlite_database.write() as session:
        snooze(
            session,
            clinic.oncologist,
            clinic.flag_id,
            why="waiting for PET",
            until=now + timedelta(days=2),
            version=1,
            now=now,
        )
    clinic.judge([finding(records=("1", "2"))], after=timedelta(hours=1))
    assert clinic.shown()["status"] == "open"


def test_a_flag_that_nobody_would_hear_of_says_so_in_its_history(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1")
        assert judge_as(session, id, [finding()], now=now).outbox_rows == 0
        (flag,) = list_flags(session, SYSTEM)
        assert "nobody was told" in flag["history"][-1]["why"]
        assert session.scalars(select(Flag.version)).all() == [1]
