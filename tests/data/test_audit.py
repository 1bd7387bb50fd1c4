"""The audit chain stands when nobody touched it and names the first bad row when somebody did."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.audit import GIVEN, AuditReport, AuditUnavailable, Entry, key_id, verify, write_audit, write_audits
from data.db import Database, open_database
from data.models import Audit, AuditReason
from data.people import Actor

WHO = Actor("ward@clinic.example", "oncologist", 7, frozenset({1}), "req-1", "192.0.2.1")


def _write(database: Database, now: datetime, count: int) -> None:
    with database.write() as session:
        for number in range(count):
            write_audit(
                session,
                WHO,
                "patient.read",
                now=now + timedelta(seconds=number),
                patient_uuid=f"u{number}",
                object="/patient/M1",
                detail={"n": number, "text": "é ≥", "list": [1.5, None, True]},
            )


def test_rows_carry_who_did_what_to_whom_from_where(database: Database, now: datetime) -> None:
    _write(database, now, 1)
    with database.read() as session:
        row = session.get_one(Audit, 1)
        assert (row.actor, row.role, row.request_id, row.source) == (WHO.name, WHO.role, "req-1", "192.0.2.1")
        assert (row.at, row.action, row.patient_uuid, row.outcome) == (now, "patient.read", "u0", "ok")
        assert row.detail == {"n": 0, "text": "é ≥", "list": [1.5, None, True]}
        assert row.key_id == key_id(database.audit_key)


def test_an_untouched_chain_stands(database: Database, now: datetime) -> None:
    _write(database, now, 12)
    with database.read() as session:
        report = verify(session)
    assert (report.ok, report.rows) == (True, 12)


def test_rows_that_are_appended_together_are_those_that_are_appended_one_by_one(
    database: Database, now: datetime
) -> None:
    details = [{"n": 1}, {GIVEN: "asked for"}, None, {GIVEN: "asked again", "n": 2}]
    entries = [
        Entry(actor=WHO, action=f"deed.{n}", now=now, object=f"o{n}", detail=each) for n, each in enumerate(details)
    ]
    with database.write() as session:
        assert write_audits(session, entries) == 4
    with database.write() as session:
        for entry in entries:
            write_audit(session, WHO, entry.action, now=now, object=entry.object, detail=entry.detail)
    with database.read() as session:
        assert verify(session) == AuditReport(8, session.get_one(Audit, 8).mac)
        told = [
            (row.action, row.object, (row.detail or {}).get("n")) for row in session.query(Audit).order_by(Audit.seq)
        ]
        said = {row.seq: row.words for row in session.query(AuditReason)}
    assert (
        told[:4]
        == told[4:]
        == [("deed.0", "o0", 1), ("deed.1", "o1", None), ("deed.2", "o2", None), ("deed.3", "o3", 2)]
    )
    assert said == {2: "asked for", 4: "asked again", 6: "asked for", 8: "asked again"}


def test_a_chain_holds_while_others_go_on_writing(database: Database, now: datetime) -> None:
    _write(database, now, 2_000)
    done = threading.Event()

    def write_on() -> None:
        while not done.is_set():
            _write(database, now, 1)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_on)
        try:
            found = [_verified(database) for _ in range(8)]
        finally:
            done.set()
        writing.result()
    assert [report.why for report in found] == [None] * 8
    assert found[-1].rows > found[0].rows, "nobody wrote meanwhile: this run proved nothing"


def test_a_row_rolled_back_leaves_no_gap(database: Database, now: datetime) -> None:
    _write(database, now, 2)
    with pytest.raises(RuntimeError), database.write() as session:
        write_audit(session, WHO, "x", now=now)
        raise RuntimeError
    _write(database, now, 2)
    with database.read() as session:
        assert verify(session).rows == 4


@pytest.mark.parametrize(
    ("tamper", "first_bad"),
    [
        (["UPDATE audit SET actor = 'nobody@clinic.example' WHERE seq = 3"], 3),
        (["DELETE FROM audit WHERE seq = 3"], 3),
        (["UPDATE audit SET seq = 99 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4"], 3),
        (["DELETE FROM audit WHERE seq = 6"], 6),
        (["UPDATE audit SET mac = (SELECT mac FROM audit WHERE seq = 2) WHERE seq = 3"], 3),
        (["UPDATE audit SET at = at + 1 WHERE seq = 1"], 1),
        (["DELETE FROM audit_head"], 7),
    ],
    ids=["edit", "delete-middle", "swap", "truncate-tail", "foreign-signature", "time", "head"],
)
def test_tampering_by_sql_is_found_at_its_first_row(
    database: Database, now: datetime, tamper: list[str], first_bad: int
) -> None:
    _write(database, now, 6)
    with database.write() as session:
        _take_triggers_away(database, session)
        for statement in tamper:
            session.execute(text(statement))
    with database.read() as session:
        report = verify(session)
    assert report.first_bad == first_bad
    assert report.why


def test_a_chain_rebuilt_with_another_key_is_found(sqlite_database: Database, now: datetime) -> None:
    _write(sqlite_database, now, 2)
    forger = open_database(str(sqlite_database.engine.url), b"another key of thirty-two bytes at least")
    _write(forger, now, 1)
    with sqlite_database.read() as session:
        report = verify(session)
    assert report.first_bad == 3
    assert report.why is not None
    assert "another key" in report.why


def test_a_rotated_key_leaves_one_chain_that_holds(database: Database, now: datetime) -> None:
    first, second = database, b"the key after the first rotation"
    _write(first, now, 3)
    rotated = replace(first, audit_key=second, previous_audit_keys=(first.audit_key,))
    _write(rotated, now, 2)
    again = replace(
        first, audit_key=b"the key after the second rotation", previous_audit_keys=(first.audit_key, second)
    )
    _write(again, now, 2)
    assert (_verified(again).ok, _verified(again).rows) == (True, 7)
    assert (_verified(rotated).first_bad, _verified(first).first_bad) == (6, 4), "a later key is not known to it"
    forgetful = replace(again, previous_audit_keys=(second,))
    assert _verified(forgetful).first_bad == 1, "the former key was not kept"


def test_a_key_that_was_replaced_appends_nothing(database: Database, now: datetime) -> None:
    rotated = replace(database, audit_key=b"the key after a rotation", previous_audit_keys=(database.audit_key,))
    _write(database, now, 2)
    _write(rotated, now, 2)
    _write(database, now, 1)
    report = _verified(rotated)
    assert report.first_bad == 5
    assert report.why is not None and "replaced before" in report.why


def test_a_row_of_a_previous_key_is_bound_by_it(database: Database, now: datetime) -> None:
    rotated = replace(database, audit_key=b"the key after a rotation", previous_audit_keys=(database.audit_key,))
    _write(database, now, 3)
    _write(rotated, now, 3)
    with database.write() as session:
        _take_triggers_away(database, session)
        session.execute(text("UPDATE audit SET actor = 'nobody@clinic.example' WHERE seq = 2"))
    assert (_verified(rotated).first_bad, _verified(rotated).why) == (2, "the row does not match its signature")


def _verified(database: Database) -> AuditReport:
    with database.read() as session:
        return verify(session)


def test_without_a_key_or_a_head_nothing_can_be_audited(database: Database, now: datetime) -> None:
    with Session(database.engine) as session, pytest.raises(AuditUnavailable, match="no audit key"):
        write_audit(session, WHO, "x", now=now)
    with database.write() as session:
        session.execute(text("DELETE FROM audit_head"))
        with pytest.raises(AuditUnavailable, match="no head"):
            write_audit(session, WHO, "x", now=now)


@pytest.mark.parametrize("detail", [{"x": math.nan}, {"x": object()}])
def test_details_that_are_not_json_are_refused(sqlite_database: Database, now: datetime, detail: dict) -> None:
    with sqlite_database.write() as session, pytest.raises((TypeError, ValueError)):
        write_audit(session, WHO, "x", now=now, detail=detail)


def test_many_writers_neither_fork_the_chain_nor_leave_a_gap(database: Database, now: datetime) -> None:
    def one(number: int) -> None:
        for _ in range(5):
            with database.write() as session:
                write_audit(session, WHO, f"writer.{number}", now=now)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    with database.read() as session:
        report = verify(session)
    assert (report.ok, report.rows) == (True, 40)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    detail=st.dictionaries(
        st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
        st.one_of(
            st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
        ),
        max_size=4,
    )
)
def test_whatever_the_detail_the_row_verifies_after_storage(database: Database, now: datetime, detail: dict) -> None:
    with database.write() as session:
        write_audit(session, WHO, "x", now=now, detail=detail)
    with database.read() as session:
        assert verify(session).ok


def _take_triggers_away(database: Database, session: Session) -> None:
    if database.is_sqlite:
        for name in ("audit_no_update", "audit_no_delete"):
            session.execute(text(f"DROP TRIGGER {name}"))
    else:
        session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
