"""Files taken out are limited to what hands take; records opened faster than hands open them are told, not refused."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from data.announcing import MailPolicy
from data.audit import verify
from data.db import Database
from data.emergency import Privacy
from data.exports.pace import AN_HOUR, SPAN, TooManyFiles, count_file
from data.models import Audit, Outbox
from data.people import Actor, add_person
from data.reading_pace import MANY, note_pace, reads_many, tell_of_pace

ROOT = Actor.system("test")
OFFICER = "privacy@clinic.example"
ADA, BOB = (
    Actor(f"{name}@x.example", "nurse", number, frozenset(), "r", "s") for number, name in ((1, "ada"), (2, "bob"))
)


def _rows(database: Database, action: str) -> list[tuple[str, str | None, str, dict]]:
    with database.read() as session:
        assert verify(session).ok
        rows = session.scalars(select(Audit).where(Audit.action == action).order_by(Audit.seq))
        return [(row.actor, row.object, row.outcome, row.detail or {}) for row in rows]


def test_as_many_files_as_hands_take_and_then_none_until_the_hour_is_over(database: Database, now: datetime) -> None:
    for number in range(AN_HOUR):
        count_file(database, ADA, now + timedelta(seconds=number))
    late = now + SPAN - timedelta(seconds=90)
    for _ in range(3):
        with pytest.raises(TooManyFiles) as refused:
            count_file(database, ADA, late)
        assert refused.value.wait_s == 90
    assert _rows(database, "throttle.refuse") == [(ADA.name, "files", "denied", {"tries": 1})]
    count_file(database, BOB, late)
    count_file(database, ADA, now + SPAN)


def test_many_records_within_an_hour_are_told_once_and_nobody_is_refused(database: Database, now: datetime) -> None:
    privacy = Privacy(MailPolicy("x.example", time(7), ZoneInfo("UTC")), OFFICER)
    with database.write() as session:
        add_person(session, ROOT, email=ADA.name, role="nurse", teams=[], now=now)
        many = [reads_many(session, ADA, now + timedelta(seconds=number)) for number in range(MANY + 50)]
        assert many == [number == MANY - 1 for number in range(MANY + 50)]
        assert not any(reads_many(session, ADA, now + SPAN) for _ in range(MANY - 1))
        assert reads_many(session, ADA, now + SPAN)
        note_pace(session, ADA, now)
        tell_of_pace(session, ADA, privacy, now)
        (mail,) = session.scalars(select(Outbox))
        assert (mail.address, json.loads(mail.counts or "")) == (OFFICER, {"reason": "reading-pace", "looks": MANY})
    assert _rows(database, "reading.pace") == [(ADA.name, None, "ok", {"looks": MANY, "within_s": 3600})]
