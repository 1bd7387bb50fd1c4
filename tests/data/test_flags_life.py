"""Whatever people and data do to a flag, in whatever order, the promises of its life hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise, product
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from clinical.finding import SEVERITIES, Finding
from data.db import Database
from data.flag_moves import (
    CLOSED,
    LONGEST_SNOOZE,
    MOVES,
    STANDING,
    STATUSES,
    Mover,
    NotAllowed,
    StaleVersion,
    next_status,
)
from data.flags import acknowledge, snooze
from data.models import Flag, FlagHistory, Outbox
from data.people import Actor
from data.reopening import reopen_reviews
from tests.data.findings import finding, judge_as
from tests.data.signing import decided
from tests.data.ward import POLICY, Ward

DECISIONS = {"investigate": None, "no-change": None, "not-applicable": "known"}
"""Each kind of decision by where it leads, with its reason."""


def test_every_move_ends_in_a_status_and_only_a_corrected_value_moves_a_closed_flag() -> None:
    for status, action in product(STATUSES, MOVES):
        if status in MOVES[action].sources:
            assert next_status(status, action, "acknowledged") in STATUSES
        else:
            with pytest.raises(NotAllowed):
                next_status(status, action, "acknowledged")
    assert [action for action, move in MOVES.items() if CLOSED & move.sources] == ["reconsider"]


def test_every_standing_status_can_be_reached_and_left() -> None:
    reached = {next_status(s, a, "open") for a, move in MOVES.items() for s in move.sources}
    assert reached == set(STATUSES)
    assert all(any(s in move.sources for move in MOVES.values()) for s in STANDING)


def test_a_snoozed_flag_wakes_only_to_where_it_can_have_been() -> None:
    for before in STATUSES:
        if before in MOVES["snooze"].sources:
            assert next_status("snoozed", "wake", before) == before
        else:
            with pytest.raises(NotAllowed):
                next_status("snoozed", "wake", before)


class FlagLife(RuleBasedStateMachine):
    """One patient, two subjects of one rule, people who act and data that come and go."""

    def __init__(self, database: Database, start: datetime) -> None:
        super().__init__()
        self.database = database
        self.now = start
        self.findings: tuple[Finding, ...] = ()

    @initialize()
    def admit(self) -> None:
        with self.database.write() as session:
            ward = Ward.open(session, f"team {uuid4()}")
            self.oncologist: Actor = ward.person(f"onc{ward.team.id}@nadir.example")
            self.patient_id = ward.patient(f"M{ward.team.id}")

    @rule(hours=st.sampled_from((1, 4, 80, 800)))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(
        severity=st.sampled_from(SEVERITIES),
        records=st.sets(st.sampled_from("abc"), min_size=1),
        subjects=st.sets(st.sampled_from(["L1", "L2"])),
        contained=st.booleans(),
    )
    def data_change(self, severity: str, records: set[str], subjects: set[str], contained: bool) -> None:
        found = [finding("R02", severity, sorted(records), subject) for subject in sorted(subjects)]  # type: ignore[arg-type]
        if contained:
            found = [finding("R09", severity, sorted(records), "both", contains=("R02",))]  # type: ignore[arg-type]
        self.findings = tuple(found)
        self.judge()

    @rule()
    def judge(self) -> None:
        with self.database.write() as session:
            judge_as(session, self.patient_id, self.findings, now=self.now)
        before = self.rows()
        with self.database.write() as session:
            again = judge_as(session, self.patient_id, self.findings, now=self.now)
        assert (again.opened, again.updated, again.resolved, again.outbox_rows) == (0, 0, 0, 0)
        assert self.rows() == before

    @rule(record=st.sampled_from("abc"))
    def value_corrected(self, record: str) -> None:
        with self.database.write() as session:
            mover = Mover(self.oncologist.name, self.now, "typed wrong", self.oncologist.person_id)
            reopened = reopen_reviews(session, [self.patient_id], record, mover, POLICY, since=self.now)
        with self.database.read() as session:
            for trace in reopened:
                flag = session.get_one(Flag, trace.flag_id)
                assert (flag.status, flag.reopened_at) == ("open", self.now)
        self.judge()
        with self.database.read() as session:
            for trace in reopened:
                assert session.get_one(Flag, trace.flag_id).status == "open", "a person looks before the data close it"

    @rule(index=st.integers(0, 9), behind=st.integers(0, 1))
    def person_acknowledges(self, index: int, behind: int) -> None:
        flag = self.pick(index)
        if flag is None:
            return
        with self.database.write() as session:
            try:
                acknowledge(
                    session, self.oncologist, flag.id, why="because", version=flag.version - behind, now=self.now
                )
            except StaleVersion:
                assert behind
                return
            except NotAllowed:
                assert flag.status not in MOVES["acknowledge"].sources
                return
        assert not behind and flag.status in MOVES["acknowledge"].sources

    @rule(kind=st.sampled_from(sorted(DECISIONS)), index=st.integers(0, 9), behind=st.integers(0, 1))
    def person_decides(self, kind: str, index: int, behind: int) -> None:
        flag = self.pick(index)
        if flag is None:
            return
        reason, version = DECISIONS[kind], flag.version - behind
        with self.database.write() as session:
            try:
                decided(session, self.oncologist, flag.id, kind, reason=reason, version=version, now=self.now)
            except StaleVersion:
                assert behind
                return
            except NotAllowed:
                assert flag.status in CLOSED
                return
        assert not behind and flag.status in STANDING

    @rule(index=st.integers(0, 9), hours=st.sampled_from((-1, 0, 1, 4, 5, 72, 73, 720, 721, 4320, 4321)))
    def person_snoozes(self, index: int, hours: int) -> None:
        flag = self.pick(index)
        if flag is None:
            return
        until = self.now + timedelta(hours=hours)
        allowed = flag.status in MOVES["snooze"].sources and timedelta(0) < until - self.now
        allowed = allowed and until - self.now <= LONGEST_SNOOZE[flag.severity]
        with self.database.write() as session:
            try:
                snooze(session, self.oncologist, flag.id, why="later", until=until, version=flag.version, now=self.now)
            except NotAllowed:
                assert not allowed
                return
        assert allowed

    def rows(self) -> list[Flag]:
        with self.database.read() as session:
            flags = session.scalars(select(Flag).where(Flag.patient_id == self.patient_id).order_by(Flag.id)).all()
            return [tuple(getattr(f, c.key) for c in Flag.__table__.columns) for f in flags]  # type: ignore[misc]

    def pick(self, index: int) -> Flag | None:
        with self.database.read() as session:
            flags = session.scalars(
                select(Flag).where(Flag.patient_id == self.patient_id).order_by(Flag.opened_at, Flag.id)
            ).all()
            session.expunge_all()
        return flags[index % len(flags)] if flags else None

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "patient_id"):
            return
        with self.database.read() as session:
            flags = session.scalars(select(Flag).where(Flag.patient_id == self.patient_id)).all()
            for key in {flag.dedup_key for flag in flags}:
                same = [flag for flag in flags if flag.dedup_key == key]
                assert sum(flag.status in STANDING for flag in same) <= 1
                assert sorted(flag.episode for flag in same) == list(range(1, len(same) + 1))
            for flag in flags:
                steps = session.scalars(
                    select(FlagHistory).where(FlagHistory.flag_id == flag.id).order_by(FlagHistory.id)
                ).all()
                self.history_is_whole(flag, list(steps))
                if flag.status == "open" and flag.severity in ("urgent", "high"):
                    states = session.scalars(select(Outbox.state).where(Outbox.flag_id == flag.id)).all()
                    assert "pending" in states, "somebody is to be told of every open urgent or high flag"
                if flag.status == "snoozed":
                    assert flag.snoozed_until is not None
                else:
                    assert flag.snoozed_until is None

    def history_is_whole(self, flag: Flag, steps: list[FlagHistory]) -> None:
        assert steps[0].from_status is None and steps[-1].to_status == flag.status
        assert all(a.to_status == b.from_status for a, b in pairwise(steps))
        assert flag.version == len(steps)
        for step in steps:
            assert step.why
            if step.to_status in CLOSED and step.from_status not in CLOSED and step.person_id is None:
                attended = step.from_status in ("acknowledged", "in-review", "snoozed")
                assert attended or flag.severity in ("low", "info") or step.why.startswith("contained in")


@pytest.mark.parametrize("kind", ["sqlite_database", "postgresql_database"])
def test_the_life_of_a_flag_keeps_its_promises(kind: str, request: pytest.FixtureRequest, now: datetime) -> None:
    database: Database = request.getfixturevalue(kind)
    run_state_machine_as_test(
        lambda: FlagLife(database, now),
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
