"""Patients reviewed as a whole: by name, bounded by what stands, ended by what is worse, due again on its day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from data.cohort import cohort
from data.db import Database
from data.flags import snooze
from data.models import Audit, Flag
from data.people import Actor, Forbidden, NotFound
from data.reviews import NotReviewed, Review, due_reviews, last_review, latest_day, review_patient
from data.worklist import WorklistView, worklist
from tests.data.findings import finding, judge_as
from tests.data.signing import proved
from tests.data.ward import Ward

UTC_ = ZoneInfo("UTC")
TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)


class Clinic:
    """One patient, the oncologist and the nurse of the team, a stranger."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        with database.write() as session:
            ward = Ward.open(session)
            self.oncologist = ward.person("onc@nadir.example")
            self.nurse = ward.person("nurse@nadir.example", "nurse")
            self.patient_id = ward.patient("M1")
            self.stranger = Ward.open(session, "Other").person("far@nadir.example")

    def judge(self, *findings: Any, after: timedelta = timedelta(0)) -> None:
        with self.database.write() as session:
            judge_as(session, self.patient_id, findings, now=self.now + after)

    def review(self, days: int = 30, *, who: Actor | None = None, why: str = "stable", key: str = "") -> Review:
        with self.database.write() as session:
            signed_in = proved(session, who or self.oncologist, self.now)
            until, key = TODAY + days * DAY, key or uuid4().hex
            return review_patient(session, signed_in, "M1", until=until, why=why, key=key, now=self.now, zone=UTC_)

    def last(self) -> Review | None:
        with self.database.read() as session:
            return last_review(session, [self.patient_id])

    def due(self, after: int) -> list[str]:
        with self.database.read() as session:
            return [one.mrn for one in due_reviews(session, self.nurse, today=TODAY + after * DAY, most=9)[0]]

    def overdue(self, after: int) -> list[str]:
        with self.database.read() as session:
            rows = worklist(session, self.nurse, WorklistView(overdue=True), now=self.now + after * DAY, zone=UTC_)
            assert all(row.overdue for row in rows)
            return [row.rule for row in rows]


@pytest.fixture
def clinic(database: Database, now: datetime) -> Clinic:
    return Clinic(database, now)


def test_a_review_is_kept_by_name_and_answers_for_what_stands_until_its_day(clinic: Clinic) -> None:
    clinic.judge(finding(severity="medium"))
    made = clinic.review(30)
    assert (made.who, made.until, made.holds(made.until), made.holds(made.until + DAY)) == (
        *("onc@nadir.example", TODAY + 30 * DAY),
        *(True, False),
    )
    assert (clinic.overdue(20), clinic.due(20)) == ([], [])
    with clinic.database.read() as session:
        (row,) = worklist(session, clinic.nurse, now=clinic.now, zone=UTC_)
        assert row.due == row.reviewed_until == TODAY + 30 * DAY
        detail = session.scalars(select(Audit.detail).where(Audit.action == "patient.review")).one()
        assert detail is not None and detail["until"] == "2026-04-01"
        (patient,) = cohort(session, clinic.nurse)
        assert (patient.reviewed_until, patient.review_ended) == (TODAY + 30 * DAY, None)
    assert (clinic.overdue(31), clinic.due(31)) == (["R03"], ["M1"])


def test_what_opens_or_grows_worse_ends_it_and_a_low_flag_does_not(clinic: Clinic) -> None:
    low, medium = finding("R30", "low", subject="zinc"), finding(severity="medium")
    clinic.judge(medium)
    clinic.review(30)
    clinic.judge(medium, low, after=DAY)
    assert clinic.last().ended_at is None  # type: ignore[union-attr]
    clinic.judge(finding(severity="high"), low, after=2 * DAY)
    ended = clinic.last()
    assert ended is not None and ended.ended_at == clinic.now + 2 * DAY and ended.ended_by_flag
    assert not ended.holds(TODAY + 2 * DAY) and clinic.due(2) == ["M1"]


def test_a_snooze_that_is_over_is_nothing_worse(clinic: Clinic) -> None:
    clinic.judge(finding(severity="medium"))
    clinic.review(30)
    with clinic.database.write() as session:
        flag = session.scalars(select(Flag.id)).one()
        snooze(session, clinic.nurse, flag, why="later", until=clinic.now + DAY, version=1, now=clinic.now)
    clinic.judge(finding(severity="medium"), after=2 * DAY)
    assert clinic.last().ended_at is None  # type: ignore[union-attr]


@pytest.mark.parametrize(("severity", "most"), [("high", 3), ("medium", 30), ("low", 180), (None, 180)])
def test_it_reaches_as_far_as_the_gravest_flag_may_be_put_aside(clinic: Clinic, severity: Any, most: int) -> None:
    if severity is not None:
        clinic.judge(finding(severity=severity), finding("R30", "low", subject="zinc"))
    with clinic.database.read() as session:
        assert latest_day(session, clinic.patient_id, now=clinic.now, zone=UTC_) == TODAY + most * DAY
    for days in (0, -1, most + 1):
        with pytest.raises(NotReviewed):
            clinic.review(days)
    clinic.review(most)


def test_no_review_puts_off_an_urgent_flag_and_only_oncologists_of_the_team_make_one(clinic: Clinic) -> None:
    for who, error in ((clinic.nurse, Forbidden), (clinic.stranger, NotFound)):
        with pytest.raises(error):
            clinic.review(who=who)
    with pytest.raises(NotReviewed, match="letters"):
        clinic.review(why=" ")
    clinic.judge(finding(severity="urgent"))
    with pytest.raises(NotReviewed, match="urgent"):
        clinic.review(1)


def test_the_same_review_sent_twice_is_one_and_the_newest_counts(clinic: Clinic) -> None:
    key = uuid4().hex
    assert clinic.review(10, key=key) == clinic.review(10, key=key)
    with pytest.raises(NotReviewed, match="already recorded"):
        clinic.review(11, key=key)
    clinic.review(20, why="scan in May")
    assert clinic.last().why == "scan in May" and clinic.due(15) == []  # type: ignore[union-attr]
