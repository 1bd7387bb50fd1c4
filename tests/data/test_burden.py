"""The burden of the rules, counted by the database, against the same counted by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from data.burden import MONTH, burden
from data.db import Database
from data.flags import acknowledge
from data.models import Flag, Patient
from data.people import Actor, Forbidden
from tests.data.findings import finding, judge_as
from tests.data.signing import decided
from tests.data.ward import Ward

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_flags_a_patient_month_what_was_done_and_how_soon(database: Database, now: datetime) -> None:
    since, until = now - 5 * DAY, now + 55 * DAY
    waits = (1, 2, 3, 4, 30)
    with database.write() as session:
        ward, other = Ward.open(session), Ward.open(session, "Other")
        doctor, far = ward.person("onc@n.example"), other.person("far@n.example")
        ids = [ward.patient(f"M{number}") for number in range(6)]
        gone = ward.patient("M9", deceased_at=since + 15 * DAY)
        new = ward.patient("M8")
        session.execute(update(Patient).where(Patient.id == new).values(created_at=until - 30 * DAY))
        other.patient("X1")
        early = ward.patient("M7")
        judge_as(session, early, [finding()], now=since - HOUR)
        for id in ids:
            judge_as(session, id, [finding()], now=now)
        judge_as(session, ids[0], [finding(), finding("R30", "low", subject="zinc")], now=now)
    with database.write() as session:
        flags = session.scalars(select(Flag.id).where(Flag.rule == "R03").order_by(Flag.patient_id)).all()
        for flag, wait in zip(flags[:5], waits, strict=True):
            acknowledge(session, doctor, flag, why="on it", version=1, now=now + wait * HOUR)
        for flag, kind, reason in zip(
            flags[:4],
            ("dose-up", "no-change", "not-applicable", "not-applicable"),
            (None, None, "known", "wrong-value"),
            strict=True,
        ):
            decided(session, doctor, flag, kind, reason=reason, version=2, now=now + 2 * DAY)
    with database.read() as session:
        r03, r30 = burden(session, doctor, since=since, until=until)
        assert burden(session, far, since=since, until=until) == ()
        assert burden(session, Actor("a", "auditor", 99), since=since, until=until) == (r03, r30)
        with pytest.raises(Forbidden):
            burden(session, Actor("s", "service", 9), since=since, until=until)
    assert (r03.rule, r03.team, r03.opened, r03.acted_on, r03.set_aside) == ("R03", "NET", 6, 2, 2)
    assert (r03.acknowledged, r03.untouched, r03.reasons) == (5, 1, {"known": 1, "wrong-value": 1})
    assert (r03.median, r03.ninth) == (3 * HOUR, 30 * HOUR)
    followed = 7 * 60 * DAY + 15 * DAY + 30 * DAY
    assert r03.patient_months == pytest.approx(followed / MONTH)
    assert r03.per_month == pytest.approx(6 / (followed / MONTH))
    assert (r30.opened, r30.acknowledged, r30.median, r30.untouched) == (1, 0, None, 1)
    assert gone and early
