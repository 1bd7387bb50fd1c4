"""The protocol of a site: who signs what, a change from draft to trial to activation, and what then judges."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from clinical.protocol import Protocol, bundled_protocol, load_protocol
from data.audit import verify
from data.db import Database
from data.errors import BadInput
from data.models import Audit, Flag, Judgement, ProtocolDraft, ProtocolValue
from data.people import Actor, Forbidden
from data.protocol.drafts import TRIAL_HOLDS, NotChanged, activate, ask_trial, drop, propose, standing_draft, withdraw
from data.protocol.in_force import Standing, protocol_in_force, standing_protocol
from data.protocol.signing import NotSigned, sign_off
from data.protocol.trial_child import work
from data.protocol.trials import (
    MOST_ATTEMPTS,
    SILENT,
    Trial,
    TrialList,
    begin,
    start_trial,
    trial_list,
    write_chunk,
)
from data.settings import Settings
from data.step_up import ProofMissing
from jobs.schedule import schedule
from jobs.sweep import SweepReport, sweep
from jobs.work import work_of
from tests.data.signing import proved
from tests.data.ward import POLICY, Ward, lab, well

BASE = bundled_protocol()
FACTOR = "recurrence_factor"
SIGNED = ("recurrence_factor", "glucagon_least_rise")


class Site:
    """Two teams with a patient each whom the lower factor would flag, an oncologist of each and a nurse."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        raised = [*well(), lab("glucagon", 240.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0, fasting=True)]
        with database.write() as session:
            own, other = Ward.open(session), Ward.open(session, "Other")
            self.oncologist = own.person("onc@nadir.example")
            self.nurse = own.person("nurse@nadir.example", "nurse")
            self.far = other.person("far@nadir.example")
            self.patient = own.patient("M1", *raised)
            other.patient("M2", *raised)

    def standing(self, base: Protocol = BASE) -> Standing:
        with self.database.read() as session:
            return standing_protocol(session, base)

    def sign(self, *names: str, who: Actor | None = None, version: str | None = None) -> int:
        with self.database.write() as session:
            signed_in = proved(session, who or self.oncologist, self.now)
            read = version or self.standing().protocol.version
            return sign_off(session, signed_in, names, version=read, base=BASE, now=self.now)

    def propose(self, value: float = 1.5, name: str = FACTOR, **about: Any) -> None:
        said = {"source": "our cohort", "reason": "too late here", "base": BASE, "now": self.now} | about
        with self.database.write() as session:
            propose(session, self.oncologist, name, value=value, **said)

    def draft(self) -> ProtocolDraft:
        with self.database.read() as session:
            draft = standing_draft(session)
            assert draft is not None
            session.expunge(draft)
            return draft

    def ask(self) -> Trial:
        with self.database.write() as session:
            ask_trial(session, self.oncologist, version=self.draft().version, now=self.now)
        return Trial(self.draft().id, self.draft().attempt)

    def try_it(self, trial: Trial) -> None:
        work(self.database, BASE, trial, lambda: self.now)

    def activate(self, why: str = "agreed in the board", after: timedelta = timedelta(0)) -> Protocol:
        now = self.now + after
        with self.database.write() as session:
            signed_in = proved(session, self.oncologist, now)
            return activate(session, signed_in, version=self.draft().version, why=why, base=BASE, now=now)

    def listed(self, actor: Actor) -> TrialList:
        with self.database.read() as session:
            return trial_list(session, actor, self.draft().id)

    def sweep(self) -> SweepReport:
        with self.database.read() as session:
            protocol = protocol_in_force(session, BASE)
        return sweep(self.database, protocol=protocol, mail=POLICY, as_of=self.now, now=self.now)


@pytest.fixture
def site(database: Database, now: datetime) -> Site:
    return Site(database, now)


def test_a_signature_holds_by_name_for_the_value_in_force_and_is_never_changed(site: Site) -> None:
    assert len(site.standing().protocol.unsigned()) == len(BASE.thresholds)
    assert site.sign(*SIGNED) == 2
    assert site.sign(*SIGNED, who=site.far) == 0
    standing = site.standing()
    assert (
        set(standing.signatures) == set(SIGNED) == {n for n, t in standing.protocol.thresholds.items() if t.signed_off}
    )
    assert (standing.signatures[FACTOR].who, standing.signatures[FACTOR].at) == ("onc@nadir.example", site.now)
    assert standing.protocol.version == BASE.version
    for change in ("UPDATE protocol_signature SET value = 9", "DELETE FROM protocol_signature"):
        with pytest.raises(DatabaseError, match="append-only"), site.database.write() as session:
            session.execute(text(change))
    with site.database.read() as session:
        assert session.scalars(select(Audit.action).where(Audit.action == "protocol.sign")).all() == ["protocol.sign"]
        assert verify(session).ok


def test_what_is_not_signed_with_a_password_by_an_oncologist_for_what_they_read_is_refused(site: Site) -> None:
    with pytest.raises(Forbidden):
        site.sign(FACTOR, who=site.nurse)
    for names in ((), ("no_such",)):
        with pytest.raises(NotSigned):
            site.sign(*names)
    with pytest.raises(NotSigned, match="changed since"):
        site.sign(FACTOR, version="000000000000")
    with site.database.write() as session, pytest.raises(ProofMissing):
        stale = proved(session, site.oncologist, site.now - timedelta(hours=1))
        sign_off(session, stale, [FACTOR], version=BASE.version, base=BASE, now=site.now)
    assert site.standing().signatures == {}


def test_what_a_file_of_the_site_claims_is_signed_by_nobody(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'[{FACTOR}]\nvalue = 1.8\nunit = "1"\nsource = "ours"\nsigned_off = true\n')
    base = load_protocol(file)
    site.sign(FACTOR)
    standing = site.standing(base)
    assert standing.protocol[FACTOR] == 1.8 and not standing.threshold(FACTOR).signed_off


def test_a_change_is_tried_on_everybody_then_activated_then_judges_and_is_signed_anew(site: Site) -> None:
    site.sign(*SIGNED)
    site.sweep()
    site.propose()
    with pytest.raises(NotChanged, match="has not been tried"):
        site.activate()
    site.try_it(site.ask())
    draft = site.draft()
    assert draft.state == "tried" and draft.outcome is not None
    assert (draft.outcome["patients"], draft.outcome["opens"], draft.outcome["broken"]) == (2, 2, 0)
    seen = site.listed(site.oncologist)
    assert {change.mrn for change in seen.listed} == {"M1"}
    assert (seen.own["opens"], seen.all["opens"]) == (1, 2)
    assert any(change.rule == "R03" and "240 pg/mL" in change.why for change in seen.listed)
    auditor = site.listed(Actor("a", "auditor", 99))
    assert auditor.listed == () and auditor.all["opens"] == 2

    made = site.activate()
    standing = site.standing()
    assert standing.protocol.version == made.version == draft.trial_version != BASE.version
    assert standing.protocol[FACTOR] == 1.5 and set(standing.signatures) == {"glucagon_least_rise"}
    with site.database.read() as session:
        row = session.scalars(select(ProtocolValue)).one()
        assert (row.old_value, row.value, row.who, row.why) == (2, 1.5, "onc@nadir.example", "agreed in the board")
        detail = session.scalars(select(Audit.detail).where(Audit.action == "protocol.activate")).one()
        assert detail is not None and detail["values"] == {FACTOR: {"old": 2, "new": 1.5}}
    report = site.sweep()
    assert report.counts.evaluated == 2 and site.sweep().counts.evaluated == 0
    with site.database.read() as session:
        found = session.execute(select(Flag.rule, Flag.protocol_version).where(Flag.rule == "R03")).all()
        assert found == [("R03", made.version)] * 2
        assert set(session.scalars(select(Judgement.protocol_version))) == {made.version}
    assert site.sign(FACTOR) == 1
    assert site.standing().threshold(FACTOR).signed_off


def test_going_back_to_the_first_value_is_signed_anew_too(site: Site) -> None:
    site.sign(FACTOR)
    for value in (1.5, 2.0):
        site.propose(value)
        site.try_it(site.ask())
        site.activate()
    assert site.standing().protocol.version == BASE.version
    assert not site.standing().threshold(FACTOR).signed_off


REFUSED: tuple[tuple[str, float, dict[str, str], str], ...] = (
    ("no_such", 1.0, {}, "no threshold"),
    ("recist_progression", 30.0, {}, "published definition"),
    (FACTOR, float("nan"), {}, "number above zero"),
    (FACTOR, 0.0, {}, "number above zero"),
    (FACTOR, 2.0, {}, "value in force"),
    ("confirm_earliest", 7.5, {}, "whole numbers"),
    (FACTOR, 1.5, {"source": " "}, "comes from"),
    (FACTOR, 1.5, {"reason": "x"}, "at least"),
    (FACTOR, 1.5, {"source": "x" * 2001}, "at most"),
)


def test_a_change_that_cannot_be_made_says_why(site: Site) -> None:
    for name, value, about, why in REFUSED:
        with pytest.raises(BadInput, match=why):
            site.propose(value, name, **about)
    with site.database.read() as session:
        assert standing_draft(session) is None


def test_a_trial_counts_only_for_what_was_tried_and_for_some_days(site: Site) -> None:
    site.propose()
    site.try_it(site.ask())
    with pytest.raises(NotChanged, match="older than"):
        site.activate(after=TRIAL_HOLDS + timedelta(seconds=1))
    site.propose(40.0, "glucagon_least_rise")
    assert site.listed(site.oncologist).all["opens"] == 0
    with pytest.raises(NotChanged, match="not been tried"):
        site.activate()
    with site.database.write() as session:
        drop(session, site.oncologist, "glucagon_least_rise", version=site.draft().version, now=site.now)
    assert sorted(site.draft().changes) == [FACTOR]
    with site.database.write() as session, pytest.raises(NotChanged, match="meanwhile"):
        withdraw(session, site.oncologist, version=1, why="no longer", now=site.now)
    with site.database.write() as session:
        drop(session, site.oncologist, FACTOR, version=site.draft().version, now=site.now)
        assert standing_draft(session) is None
    site.propose(1.7)
    assert sorted(site.draft().changes) == [FACTOR]


def test_a_draft_under_which_somebody_cannot_be_judged_is_not_activated(site: Site) -> None:
    site.propose()
    site.try_it(site.ask())
    with site.database.write() as session:
        outcome = {**site.draft().outcome, "broken": 1}  # type: ignore[dict-item]
        session.execute(update(ProtocolDraft).values(outcome=outcome))
    with pytest.raises(NotChanged, match="could not be judged"):
        site.activate()


def test_the_words_of_a_process_that_was_passed_over_do_not_count(site: Site) -> None:
    site.propose()
    first = site.ask()
    site.propose(1.6)
    site.try_it(first)
    assert site.draft().state == "open"
    second = site.ask()
    assert second.attempt > first.attempt
    site.try_it(second)
    assert site.draft().state == "tried"


@pytest.mark.alone
def test_a_trial_runs_in_a_process_of_its_own_and_begins_anew_where_one_falls_silent(site: Site) -> None:
    site.propose()
    silent, settings = site.ask(), Settings(_env_file=None)
    with site.database.write() as session:
        assert begin(session, silent, patients=2, now=site.now)
    assert not start_trial(site.database, settings, now=site.now)
    assert start_trial(site.database, settings, now=site.now + SILENT + timedelta(seconds=1))
    with site.database.write() as session:
        assert not write_chunk(session, silent, [], done=1, now=site.now)
    end = time.monotonic() + 40
    while site.draft().state != "tried" and time.monotonic() < end:
        time.sleep(0.1)
    assert (site.draft().attempt, site.draft().outcome["opens"]) == (silent.attempt + 1, 2)  # type: ignore[index]


def test_a_trial_that_processes_die_of_is_broken_and_says_so(site: Site) -> None:
    site.propose()
    trial = site.ask()
    with site.database.write() as session:
        begin(session, trial, patients=2, now=site.now)
        session.execute(update(ProtocolDraft).values(attempt=trial.attempt + MOST_ATTEMPTS - 1))
    assert not start_trial(site.database, Settings(_env_file=None), now=site.now + SILENT * 2)
    assert site.draft().state == "broken" and "ended 3 times" in str(site.draft().why)


def test_a_process_that_runs_takes_up_what_was_activated(site: Site) -> None:
    settings = Settings(_env_file=None)
    job = next(job for job in schedule(settings) if job.name == "sweep")
    running = work_of(job, site.database, settings, BASE, moment=lambda: site.now, clock=lambda: site.now)
    running(lambda _session: None)
    site.propose()
    site.try_it(site.ask())
    made = site.activate()
    counts = running(lambda _session: None)
    assert (counts["evaluated"], counts["opened"]) == (2, 2)
    with site.database.read() as session:
        assert set(session.scalars(select(Judgement.protocol_version))) == {made.version}
