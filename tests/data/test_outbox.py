"""The outbox: who is told, in what order mails leave, and that none is lost, doubled or renamed on the way."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, alarm, announce
from data.backoff import EXPIRES, WAITS_S, wait_s
from data.db import Database
from data.flags import acknowledge
from data.models import Audit, DeliveryAttempt, Flag, Outbox, Person
from data.outbox import Answer, Claimed, MailNotRetried, claim, list_outbox, mail_policy, retry, settle
from data.people import Actor, Forbidden, NotFound
from data.settings import Settings
from tests.data.findings import finding, judge_as
from tests.data.ward import POLICY, Ward

SYSTEM = Actor.system("test")
SENT = Answer("sent", 250, "OK")
LATER = Answer("retry", 451, "try later")
NEVER = Answer("dead", 550, "no such user")


def flagged(session: Session, ward: Ward, mrn: str, severity: str, now: datetime) -> str:
    id = ward.patient(mrn)
    judge_as(session, id, [finding(severity=severity)], now=now)  # type: ignore[arg-type]
    return session.scalars(select(Flag.id).where(Flag.patient_id == id)).one()


def take(database: Database, now: datetime) -> Claimed | None:
    with database.write() as session:
        return claim(session, now)


def finish(database: Database, mail: Claimed, answer: Answer, now: datetime) -> str | None:
    with database.write() as session:
        return settle(session, mail, answer, now=now)


def states(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(row["state"] for row in list_outbox(session, SYSTEM))


@pytest.mark.parametrize(
    ("severity", "expected"),
    [("urgent", ["immediate"] * 2), ("high", ["immediate"] * 2), ("medium", ["digest"] * 2), ("low", []), ("info", [])],
)
def test_the_severity_decides_how_the_oncologists_of_the_team_are_told(
    sqlite_database: Database, now: datetime, severity: str, expected: list[str]
) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        for email, role in (("b@n.example", "oncologist"), ("a@n.example", "oncologist"), ("n@n.example", "nurse")):
            ward.person(email, role)
        Ward.open(session, "Other").person("far@n.example")
        flag_id = flagged(session, ward, "M1", severity, now)
        rows = list_outbox(session, SYSTEM)
    assert [row["kind"] for row in rows] == expected
    assert all(row["flag"] == flag_id and row["severity"] == severity and row["attempts"] == 0 for row in rows)
    assert {row["recipient"] for row in rows} == ({"a@n.example", "b@n.example"} if expected else set())
    assert all(row["message_id"] == f"<{row['id']}@nadir.example>" for row in rows)


def test_the_outbox_is_listed_with_exactly_the_keys_of_the_contract(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
        (row,) = list_outbox(session, SYSTEM)
        with pytest.raises(Forbidden):
            list_outbox(session, Actor("x", "oncologist"))
    assert list(row) == [
        *("id", "message_id", "flag", "recipient", "kind", "severity", "state", "attempts", "created_at", "next_at"),
        *("sent_at", "last_code", "last_error"),
    ]
    assert (row["created_at"], row["state"], row["sent_at"]) == ("2026-03-02T09:00:00Z", "pending", None)


def test_a_flag_without_a_recipient_alarms_every_admin(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        for email in ("boss@n.example", "gone@n.example"):
            ward.person(email, "admin")
        session.execute(update(Person).where(Person.email == "gone@n.example").values(disabled_at=now))
        flagged(session, ward, "M1", "high", now)
        (mail,) = session.scalars(select(Outbox)).all()
    assert (mail.kind, mail.severity, json.loads(mail.counts or "")) == (
        "technical",
        "technical",
        {"reason": "no-recipient"},
    )


def test_urgent_mails_leave_before_all_others_and_digest_rows_not_at_all(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        for mrn, severity in (("M1", "medium"), ("M2", "high"), ("M3", "urgent"), ("M4", "high")):
            flagged(session, ward, mrn, severity, now)
            now += timedelta(seconds=1)
    order = []
    later = now + timedelta(days=2)
    while mail := take(database, later):
        order.append((mail.severity, mail.created_at))
        assert mail.recipient == "a@n.example" and mail.attempts == 1
        assert finish(database, mail, SENT, later) == "sent"
    assert [severity for severity, _ in order] == ["urgent", "high", "high"] and order[1] < order[2]
    assert states(database) == ["pending", "sent", "sent", "sent"]


def test_a_mail_is_in_one_hand_until_its_lease_has_run_out(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
    first = take(database, now)
    assert first is not None and first.lease_until == now + timedelta(seconds=60)
    assert take(database, now + timedelta(seconds=59)) is None
    second = take(database, now + timedelta(seconds=60))
    assert second is not None and second.id == first.id and second.message_id == first.message_id
    assert second.token != first.token and second.attempts == 2
    assert finish(database, first, NEVER, now + timedelta(seconds=61)) is None
    assert states(database) == ["sending"]
    assert finish(database, second, SENT, now + timedelta(seconds=62)) == "sent"
    assert finish(database, second, LATER, now + timedelta(seconds=63)) is None
    assert states(database) == ["sent"]


def test_every_try_is_kept_with_what_the_server_said(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
    for answer in (LATER, LATER, SENT):
        mail = take(database, now)
        assert mail is not None
        finish(database, mail, answer, now)
        now += timedelta(minutes=10)
    with database.read() as session:
        tries = session.execute(
            select(DeliveryAttempt.number, DeliveryAttempt.code, DeliveryAttempt.text).order_by(DeliveryAttempt.id)
        ).all()
        (row,) = list_outbox(session, SYSTEM)
        audited = session.execute(select(Audit.action, Audit.detail).where(Audit.object == row["id"])).all()
    assert [tuple(t) for t in tries] == [(1, 451, "try later"), (2, 451, "try later"), (3, 250, "OK")]
    assert (row["state"], row["attempts"], row["last_code"], row["last_error"]) == ("sent", 3, 250, None)
    assert [(action, detail["to"]) for action, detail in audited] == [("mail.sent", "a@n.example")]


def test_a_mail_waits_longer_after_each_failure_and_is_given_up_when_it_expires(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
    waits, start = [], now
    while mail := take(database, now):
        if finish(database, mail, LATER, now) == "dead":
            break
        with database.read() as session:
            next_at = session.scalars(select(Outbox.next_at)).one()
        assert take(database, next_at - timedelta(milliseconds=1)) is None
        waits.append((next_at - now).total_seconds())
        now = next_at
    assert waits[:6] == [10, 30, 60, 120, 300, 300]
    assert timedelta(hours=24) - timedelta(seconds=300) < now - start <= timedelta(hours=24)
    assert states(database) == ["dead"]


def test_a_mail_the_sender_was_too_late_for_is_still_tried_once(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
    mail = take(database, now + timedelta(days=3))
    assert mail is not None and finish(database, mail, SENT, now + timedelta(days=3)) == "sent"


def test_nobody_is_mailed_about_a_flag_that_is_no_longer_open(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flag_id = flagged(session, ward, "M1", "urgent", now)
        flagged(session, ward, "M2", "high", now)
    in_hand = take(database, now)
    assert in_hand is not None and in_hand.flag_id == flag_id
    with database.write() as session:
        session.execute(update(Flag).where(Flag.id == flag_id).values(status="acknowledged"))
    mail = take(database, now + timedelta(minutes=2))
    assert mail is not None and mail.severity == "high"
    assert states(database) == ["cancelled", "sending"]


def test_a_mail_to_a_closed_account_is_given_up_where_people_see_it(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
        session.execute(update(Person).values(disabled_at=now))
    assert take(sqlite_database, now) is None and states(sqlite_database) == ["dead"]


def test_a_dead_mail_is_sent_again_by_hand_under_its_first_message_id(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flagged(session, ward, "M1", "urgent", now)
    mail = take(database, now)
    assert mail is not None and finish(database, mail, NEVER, now) == "dead"
    later = now + timedelta(days=4)
    with database.write() as session:
        with pytest.raises(Forbidden):
            retry(session, Actor("x", "oncologist"), mail.id, now=later)
        with pytest.raises(NotFound):
            retry(session, SYSTEM, "nothing", now=later)
        retry(session, SYSTEM, mail.id, now=later)
    again = take(database, later)
    assert again is not None and again.message_id == mail.message_id and again.attempts == 2
    assert again.expires_at == later + EXPIRES["urgent"]
    finish(database, again, SENT, later)
    with database.write() as session, pytest.raises(MailNotRetried, match="is sent"):
        retry(session, SYSTEM, mail.id, now=later)


def test_two_senders_never_hold_the_same_mail(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        for number in range(40):
            flagged(session, ward, f"M{number}", "high", now)

    def sender(_: int) -> list[str]:
        taken = []
        while mail := take(database, now):
            taken.append(mail.id)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [id for ids in pool.map(sender, range(4)) for id in ids]
    assert len(taken) == len(set(taken)) == 40


def test_telling_an_episode_again_takes_the_next_step_and_cancels_what_was_not_sent(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("a@n.example")
        flag = session.get(Flag, flagged(session, ward, "M1", "high", now))
        assert flag is not None and announce(session, flag, POLICY, now) == 1
        rows = session.execute(select(Outbox.step, Outbox.state).order_by(Outbox.step)).all()
        assert [tuple(row) for row in rows] == [(0, "cancelled"), (1, "pending")]
        assert len(set(session.scalars(select(Outbox.message_id)))) == 2


def test_an_alarm_reaches_every_admin_with_a_reason_and_counts(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ward.person("boss@n.example", "admin")
        ward.person("chief@n.example", "admin")
        assert alarm(session, "patients-not-judged", POLICY, now, patients=2) == 2
    mail = take(sqlite_database, now)
    assert mail is not None and mail.kind == "technical" and mail.flag_id is None
    assert mail.counts == {"reason": "patients-not-judged", "patients": 2}


@given(
    severity=st.sampled_from(sorted(WAITS_S)),
    attempts=st.integers(1, 50),
    jitter=st.floats(-1, 1),
    base=st.floats(0.1, 60),
)
def test_the_wait_stays_within_a_fifth_of_its_place_in_the_row(
    severity: str, attempts: int, jitter: float, base: float
) -> None:
    row = WAITS_S[severity]
    planned = row[min(attempts, len(row)) - 1] * base / 10
    assert 0.8 * planned - 1e-9 <= wait_s(severity, attempts, base, jitter) <= 1.2 * planned + 1e-9


@given(
    minute=st.integers(0, 3_000_000),
    at=st.times().map(lambda t: t.replace(microsecond=0)),
    zone=st.sampled_from(["UTC", "Europe/London", "America/New_York", "Pacific/Auckland"]).map(ZoneInfo),
)
def test_the_next_digest_is_ahead_and_within_a_day_and_an_hour(minute: int, at: time, zone: ZoneInfo) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    due = MailPolicy("x.example", at, zone).next_digest(now)
    assert now < due <= now + timedelta(hours=25)


def test_the_mail_policy_takes_the_domain_from_the_senders_address() -> None:
    settings = Settings(mail_from="Nadir <nadir@clinic.example>", digest_at=time(6, 30), site_timezone="Europe/London")
    assert mail_policy(settings) == MailPolicy("clinic.example", time(6, 30), ZoneInfo("Europe/London"))


def test_a_condition_seen_a_hundred_times_is_told_once_and_once_more_when_it_has_gone_and_come_back(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        actor = ward.person("a@n.example")
        patient = ward.patient("M1")
        for minute in range(100):
            judge_as(session, patient, [finding(severity="urgent")], now=now + timedelta(minutes=minute))
        (first,) = session.scalars(select(Flag)).all()
        later = now + timedelta(days=1)
        acknowledge(session, actor, first.id, why="I have it", version=first.version, now=later)
        judge_as(session, patient, [], now=later)
        judge_as(session, patient, [finding(severity="urgent", records=["2"])], now=later + timedelta(hours=1))
        flags = session.execute(select(Flag.episode, Flag.status).order_by(Flag.episode)).all()
        mails = session.execute(select(Outbox.episode, Outbox.state).order_by(Outbox.episode)).all()
    assert [tuple(row) for row in flags] == [(1, "resolved"), (2, "open")]
    assert [tuple(row) for row in mails] == [(1, "cancelled"), (2, "pending")]
