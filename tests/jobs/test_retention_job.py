"""The nightly run that lets go of what is past its time: when it is due, once a night, and under the leader alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from data.audit import verify
from data.db import Database
from data.job_runs import Runner
from data.models import Audit, EntryDraft, Hl7Message, JobRun, Patient
from data.settings import Settings
from jobs.leader import LeaderLost
from jobs.runs import Counts, Lead, run_owed
from jobs.schedule import Job, schedule
from jobs.work import work_of
from tests.data.test_retention import clinic

__all__ = ["clinic"]

# 04:00 of the site, Europe/Berlin in summer.
DUE = datetime(2040, 6, 1, 2, 0, tzinfo=UTC)
BEFORE = DUE - timedelta(seconds=1)


class Night:
    """A scheduler's asking for the job at a moment. `left`: how many transactions it still leads for."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings.model_copy(update={"retention_years": 10})
        self.job = next(job for job in schedule(self.settings) if job.name == "retention")
        self.now, self.left = BEFORE, 1_000

    def ask(self, job: Job | None = None) -> Counts | None:
        """The counts of the run that is owed; None where none is."""
        job = job or self.job
        lead = Lead(Runner("host:1:a", 1), self._fence, lambda: self.now)
        work = work_of(job, self.database, self.settings, bundled_protocol(), moment=lead.clock, clock=lead.clock)
        return run_owed(self.database, job, work, lead)

    def _fence(self, session: Session) -> None:
        assert session.in_transaction()
        self.left -= 1
        if self.left < 0:
            raise LeaderLost("epoch 1 is over")

    def left_over(self) -> tuple[list[str], int, int]:
        """The patients, the drafts and the messages with content that are still there."""
        with self.database.read() as session:
            mrns = list(session.scalars(select(Patient.mrn).order_by(Patient.mrn)))
            drafts = list(session.scalars(select(EntryDraft.patient_id)))
            full = list(session.scalars(select(Hl7Message.id).where(Hl7Message.content != b"")))
        return mrns, len(drafts), len(full)


@pytest.fixture
def night(clinic: Database, settings: Settings) -> Night:
    """The night in which OLD is past its time; the system runs since an hour."""
    made = Night(clinic, settings)
    made.now = BEFORE - timedelta(hours=1)
    made.ask(next(job for job in schedule(made.settings) if job.name == "anchor"))
    made.now = BEFORE
    return made


def test_it_runs_once_a_night_at_its_hour_of_the_site_and_says_what_it_did(night: Night) -> None:
    assert night.ask() is None
    night.now = DUE
    done = night.ask()
    assert done is not None
    assert {name: count for name, count in done.items() if count} == {
        **{"patient": 1, "hl7_message": 1, "quarantine": 1},
        "entry_draft": 1,
    }
    assert night.left_over() == (["YOUNG"], 0, 0)
    assert night.ask() is None
    night.now = DUE + timedelta(days=1)
    assert not any((night.ask() or {"none": 1}).values())
    with night.database.read() as session:
        rows = session.execute(select(JobRun.outcome, JobRun.counts).where(JobRun.job == "retention")).all()
        assert [row.outcome for row in rows] == ["done", "done"]
        assert rows[0].counts == done
        actors = set(
            session.scalars(select(Audit.actor).where(Audit.action.in_(["retention.apply", "patient.delete"])))
        )
        assert actors == {"retention"}
        assert verify(session).ok


@pytest.mark.parametrize(
    ("leads_for", "left_over"),
    [(0, (["OLD", "YOUNG"], 1, 1)), (1, (["OLD", "YOUNG"], 1, 1)), (2, (["OLD", "YOUNG"], 0, 0))],
    ids=["before it began", "in the first transaction", "in that of a patient"],
)
def test_a_leader_that_has_lost_lets_nothing_go(
    night: Night, leads_for: int, left_over: tuple[list[str], int, int]
) -> None:
    night.now, night.left = DUE, leads_for
    with pytest.raises(LeaderLost):
        night.ask()
    assert night.left_over() == left_over
    night.now, night.left = DUE + timedelta(days=1), 1_000
    night.ask()
    assert night.left_over() == (["YOUNG"], 0, 0)
