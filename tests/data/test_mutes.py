"""Muted rules: flags open all the same, urgent ones are told, and what was withheld is told when the mute is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from clinical.rules.registry import registered
from data.db import Database
from data.flag_hands import ReasonMissing
from data.flags import acknowledge, list_flags
from data.freshness import unannounced_flags
from data.models import Audit, Flag, FlagWithheld, Outbox, PatientTeam
from data.mutes import LONGEST, NotMuted, end_mute, list_mutes, mute, tell_withheld
from data.people import Actor, Forbidden, NotFound
from data.withheld import mute_end
from tests.data.findings import finding, judge_as
from tests.data.ward import POLICY, Ward

DAY = timedelta(days=1)


class Clinic:
    """A patient of one team with two oncologists and a nurse, and a second team."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        with database.write() as session:
            ward, other = Ward.open(session), Ward.open(session, "Other")
            self.oncologist = ward.person("onc@nadir.example")
            self.nurse = ward.person("nurse@nadir.example", "nurse")
            self.far = other.person("far@nadir.example")
            self.team, self.other = ward.team.id, other.team.id
            self.patient_id = ward.patient("M1")

    def mute(self, rule: str = "R03", until: timedelta = 30 * DAY, **about: Any) -> int:
        actor, team = about.get("actor", self.oncologist), about.get("team", self.team)
        with self.database.write() as session:
            why = about.get("why", "known assay trouble")
            return mute(session, actor, team, rule, until=self.now + until, why=why, now=self.now)

    def judge(self, *findings: Any, after: timedelta = timedelta(0)) -> None:
        with self.database.write() as session:
            judge_as(session, self.patient_id, findings, now=self.now + after)

    def told(self) -> list[str]:
        with self.database.read() as session:
            return list(session.scalars(select(Outbox.kind).where(Outbox.state == "pending").order_by(Outbox.step)))

    def release(self, after: timedelta) -> int:
        with self.database.write() as session:
            return tell_withheld(session, POLICY, now=self.now + after)


@pytest.fixture
def clinic(database: Database, now: datetime) -> Clinic:
    return Clinic(database, now)


def test_a_muted_rule_opens_its_flags_says_so_and_is_told_when_the_mute_is_over(clinic: Clinic) -> None:
    clinic.mute()
    clinic.judge(finding())
    with clinic.database.read() as session:
        (flag,) = list_flags(session, Actor.system("test"))
        assert flag["status"] == "open" and clinic.told() == []
        assert flag["history"][-1]["why"] == "no mail: NET has muted this rule until 2026-04-01"
        assert session.scalar(select(mute_end(clinic.now)).select_from(Flag)) == clinic.now + 30 * DAY
        assert unannounced_flags(session) == []
    assert clinic.release(29 * DAY) == 0
    assert clinic.release(30 * DAY) == 1 and clinic.told() == ["immediate"]
    assert clinic.release(31 * DAY) == 0
    with clinic.database.read() as session:
        assert session.scalar(select(mute_end(clinic.now + 30 * DAY)).select_from(Flag)) is None


def test_an_urgent_flag_is_told_whatever_is_muted_also_where_it_grows_urgent(clinic: Clinic) -> None:
    clinic.mute()
    clinic.judge(finding(severity="medium"))
    assert clinic.told() == []
    clinic.judge(finding(severity="urgent"), after=DAY)
    assert clinic.told() == ["immediate"]
    assert clinic.release(31 * DAY) == 0
    always = next(rule.id for rule in registered() if rule.severities == ("urgent",))
    with pytest.raises(NotMuted, match="always urgent"):
        clinic.mute(always)


def test_what_somebody_has_seen_meanwhile_is_not_told_afterwards(clinic: Clinic) -> None:
    id = clinic.mute()
    clinic.judge(finding())
    with clinic.database.write() as session:
        (flag,) = list_flags(session, Actor.system("test"))
        acknowledge(session, clinic.oncologist, flag["id"], why="on it", version=1, now=clinic.now)
        end_mute(session, clinic.oncologist, id, why="assay is well again", now=clinic.now + DAY)
    assert clinic.release(DAY) == 0 and clinic.told() == []
    with clinic.database.read() as session:
        assert session.scalars(select(FlagWithheld)).all() == []
        actions = session.scalars(select(Audit.action).where(Audit.action.like("rule.%")).order_by(Audit.seq)).all()
        assert actions == ["rule.mute", "rule.unmute"]


def test_a_team_that_has_not_muted_the_rule_hears_of_its_patient(clinic: Clinic) -> None:
    with clinic.database.write() as session:
        session.add(PatientTeam(patient_id=clinic.patient_id, team_id=clinic.other))
    clinic.mute()
    clinic.judge(finding())
    with clinic.database.read() as session:
        assert session.scalars(select(Outbox.recipient_id)).all() == [clinic.far.person_id]
    assert clinic.release(31 * DAY) == 2


REFUSED: tuple[tuple[dict[str, Any], type[Exception]], ...] = (
    ({"until": LONGEST + timedelta(seconds=1)}, NotMuted),
    ({"until": timedelta(0)}, NotMuted),
    ({"rule": "R99"}, NotMuted),
    ({"why": "x"}, ReasonMissing),
    ({"team": -1}, NotFound),
)


def test_a_mute_is_bounded_and_given_a_reason_by_an_oncologist_of_the_team(clinic: Clinic) -> None:
    for about, error in REFUSED:
        with pytest.raises(error):
            clinic.mute(**about)
    for actor, refused in ((clinic.nurse, Forbidden), (clinic.far, NotFound)):
        with pytest.raises(refused):
            clinic.mute(actor=actor)
    clinic.mute(until=LONGEST)
    with pytest.raises(NotMuted, match="already"):
        clinic.mute()
    with clinic.database.read() as session:
        (one,) = list_mutes(session, clinic.nurse, now=clinic.now)
        assert (one.rule, one.team, one.standing, one.own) == ("R03", "NET", True, False)
        assert list_mutes(session, clinic.far, now=clinic.now) == ()
        assert not list_mutes(session, Actor("a", "auditor", 9), now=clinic.now + LONGEST)[0].standing
