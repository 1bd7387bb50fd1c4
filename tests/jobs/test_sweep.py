"""The sweep: whoever has new data or a due date is judged once, whatever dies, runs twice or comes late."""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from data.audit import verify
from data.db import Database
from data.flag_moves import StaleVersion
from data.flags import acknowledge, list_flags
from data.models import AuditHead, Flag, FlagHistory, Ingest, Judgement, Outbox, Patient, Person, Team, Watermark
from data.outbox import Answer, claim, settle
from data.people import Actor, NotFound
from jobs.sweep import sweep
from jobs.sweep_order import CHUNK
from tests.data.ward import CREATED, POLICY, Ward, at, lab, relapsing, well

SYSTEM = Actor.system("test")
PROTOCOL = bundled_protocol()


class Lost(RuntimeError):
    """Leadership went to another process."""


def swept(database: Database, now: datetime, **about: Any) -> dict[str, Any]:
    about = {"as_of": now, **about}
    return sweep(database, protocol=PROTOCOL, mail=POLICY, now=now, **about).as_json()


def admit(
    database: Database, number: int, *, start: int = 0, known: Sequence[dict[str, Any]] = tuple(relapsing("2026-02-01"))
) -> None:
    with database.write() as session:
        team = session.scalar(select(Team))
        ward = Ward.open(session) if team is None else Ward(session, team)
        if team is None:
            ward.person("a@n.example")
        for mrn in range(start, start + number):
            ward.patient(f"M{mrn}", *known)


def store(database: Database, mrn: str, *records: dict[str, Any]) -> None:
    with database.write() as session:
        id = session.scalars(select(Patient.id).where(Patient.mrn == mrn)).one()
        Ward(session, session.scalars(select(Team)).one()).store(id, *records)


def watermark(database: Database) -> int | None:
    with database.read() as session:
        return session.scalar(select(Watermark.last_seq))


def test_the_report_is_exactly_that_of_the_contract(database: Database, now: datetime) -> None:
    admit(database, 3)
    report = swept(database, now)
    assert list(report) == [
        *("run", "as_of", "patients", "evaluated", "opened", "updated", "resolved", "failed", "outbox_rows"),
        "watermark",
    ]
    assert report | {"run": ""} == {
        "run": "",
        "as_of": "2026-03-02T09:00:00Z",
        "patients": 3,
        "evaluated": 3,
        "opened": 3,
        "updated": 0,
        "resolved": 0,
        "failed": [],
        "outbox_rows": 3,
        "watermark": 3,
    }


def test_a_second_sweep_visits_only_whoever_has_something_new(database: Database, now: datetime) -> None:
    admit(database, 5)
    swept(database, now)
    assert swept(database, now)["patients"] == 0
    store(database, "M3", lab("glucagon", 400.0, "pg/mL", "2026-03-01", canonical_ref_high=150.0))
    admit(database, 1, start=9)
    report = swept(database, now)
    assert (report["patients"], report["opened"], report["updated"]) == (2, 1, 1)
    assert watermark(database) == report["watermark"] == 7


def test_back_dated_data_that_come_late_are_not_skipped(database: Database, now: datetime) -> None:
    with database.write() as session:
        Ward.open(session).patient("M1", *well())
    assert swept(database, now)["opened"] == 0
    store(database, "M1", lab("glucagon", 330.0, "pg/mL", "2025-12-20", canonical_ref_high=150.0))
    assert swept(database, now)["opened"] == 1


def test_new_data_are_judged_by_a_sweep_as_of_the_past_too_and_time_does_not_run_back(
    database: Database, now: datetime
) -> None:
    admit(database, 1)
    swept(database, now)
    store(database, "M0", lab("glucagon", 700.0, "pg/mL", "2026-03-01", canonical_ref_high=150.0))
    report = swept(database, now, as_of=at("2025-07-01"))
    assert (report["evaluated"], report["updated"], report["resolved"]) == (1, 1, 0)
    with database.read() as session:
        (flag,) = list_flags(session, SYSTEM)
    assert flag["status"] == "open" and flag["as_of"] == "2026-03-02T09:00:00Z"


def test_sweeps_as_of_rising_days_in_the_past_find_each_flag_on_its_first_day(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        for mrn, day in (("M1", "2026-01-10"), ("M2", "2026-01-12"), ("M3", "2026-01-12T08:00")):
            ward.patient(mrn, *relapsing(day))
    opened = {}
    for day in range(8, 15):
        moment = at(f"2026-01-{day:02d}T00:00")
        opened[day] = swept(database, now, as_of=moment)["opened"]
    assert opened == {8: 0, 9: 0, 10: 1, 11: 0, 12: 1, 13: 1, 14: 0}
    with database.read() as session:
        found = {flag["patient"]: flag["opened_at"][:10] for flag in list_flags(session, SYSTEM)}
    assert found == {"M1": "2026-01-10", "M2": "2026-01-12", "M3": "2026-01-13"}


def test_a_patient_whose_date_has_come_is_visited_without_new_data(database: Database, now: datetime) -> None:
    admit(database, 4)
    swept(database, now)
    with database.write() as session:
        session.execute(update(Judgement).values(next_due_at=now + timedelta(days=30)))
    assert swept(database, now + timedelta(days=30, seconds=-1))["patients"] == 0
    assert swept(database, now + timedelta(days=30))["patients"] == 4


def test_whoever_was_judged_ahead_of_time_is_judged_again_at_once(sqlite_database: Database, now: datetime) -> None:
    admit(sqlite_database, 2)
    swept(sqlite_database, now, as_of=now + timedelta(days=900))
    assert swept(sqlite_database, now)["evaluated"] == 2
    with sqlite_database.read() as session:
        assert set(session.scalars(select(Judgement.judged_at))) == {now}


def test_a_full_sweep_visits_everybody_and_a_sweep_of_one_leaves_the_watermark(
    database: Database, now: datetime
) -> None:
    admit(database, 3)
    report = swept(database, now, mrn="M1")
    assert (report["patients"], report["opened"], report["watermark"]) == (1, 1, 0)
    assert watermark(database) is None
    report = swept(database, now, full=True)
    assert (report["patients"], report["opened"], report["watermark"]) == (3, 2, 3)
    with pytest.raises(NotFound, match="M99"):
        swept(database, now, mrn="M99")


def test_a_sweep_that_loses_the_lead_writes_nothing_more_and_its_successor_finishes_the_rest(
    database: Database, now: datetime
) -> None:
    admit(database, CHUNK + 20)
    calls = []

    def fence(session: Session) -> None:
        calls.append(session.scalar(select(func.count()).select_from(Flag)))
        if len(calls) == 2:
            raise Lost("epoch 1 is over")

    with pytest.raises(Lost):
        swept(database, now, fence=fence)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Flag)) == CHUNK
    assert watermark(database) is None, "the watermark never passes whom nobody has judged"
    report = swept(database, now)
    assert (report["patients"], report["opened"], report["watermark"]) == (20, 20, CHUNK + 20)
    with database.read() as session:
        assert verify(session).ok


def test_the_watermark_moves_over_chunks_that_touched_nobody(sqlite_database: Database, now: datetime) -> None:
    admit(sqlite_database, 1)
    swept(sqlite_database, now)
    with sqlite_database.write() as session:
        session.execute(insert(Ingest).values(seq=2, at=CREATED))
    fenced: list[int] = []
    report = swept(sqlite_database, now, fence=lambda _: fenced.append(1))
    assert (report["patients"], report["watermark"], fenced) == (0, 2, [1])
    assert watermark(sqlite_database) == 2


def test_an_idle_sweep_takes_no_write_lock(sqlite_database: Database, now: datetime) -> None:
    admit(sqlite_database, 1)
    swept(sqlite_database, now)
    with sqlite_database.write() as busy:
        busy.execute(text("UPDATE watermark SET last_seq = last_seq"))
        assert swept(sqlite_database, now)["patients"] == 0


def test_two_sweeps_at_once_over_a_hundred_due_patients_open_exactly_a_hundred_flags(
    database: Database, now: datetime
) -> None:
    admit(database, 100)
    start = threading.Barrier(2)

    def one(_: int) -> dict[str, Any]:
        start.wait()
        return swept(database, now, full=True)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(one, range(2)))
    assert sum(report["opened"] for report in reports) == 100
    assert sum(report["outbox_rows"] for report in reports) == 100
    assert [report["failed"] for report in reports] == [[], []]
    with database.read() as session:
        flags = session.execute(select(Flag.dedup_key, Flag.status, Flag.episode)).all()
        assert len(flags) == len({key for key, _, _ in flags}) == 100
        assert {(status, episode) for _, status, episode in flags} == {("open", 1)}
        assert session.scalar(select(func.count()).select_from(FlagHistory)) == 100
        assert len(set(session.scalars(select(Outbox.message_id)))) == 100
        assert verify(session).ok


def send_until(over: threading.Event, database: Database, now: datetime) -> None:
    while not over.is_set():
        with database.write() as session:
            mail = claim(session, now)
        if mail is not None:
            with database.write() as session:
                settle(session, mail, Answer("sent", 250, "OK"), now=now)


def acknowledge_all(database: Database, now: datetime) -> int:
    with database.read() as session:
        person = session.scalars(select(Person)).one()
        actor = Actor(person.email, person.role, person.id, frozenset(session.scalars(select(Team.id))))
        waiting = list(session.scalars(select(Flag.id).order_by(Flag.id.desc())))
    done = 0
    while waiting:
        with database.read() as session:
            version = session.scalars(select(Flag.version).where(Flag.id == waiting[-1])).one()
        try:
            with database.write() as session:
                acknowledge(session, actor, waiting[-1], why="on it", version=version, now=now)
        except StaleVersion:
            continue
        waiting.pop()
        done += 1
    return done


def test_sweeps_people_and_senders_at_once_neither_block_each_other_for_good_nor_lose_a_change(
    database: Database, now: datetime
) -> None:
    admit(database, 40)
    swept(database, now)
    over = threading.Event()

    def sweep_on() -> None:
        for turn in range(6):
            for mrn in ("M1", "M20", "M39"):
                result = lab("glucagon", 400.0 + turn, "pg/mL", f"2026-02-{turn + 10}", canonical_ref_high=150.0)
                store(database, mrn, result)
            swept(database, now + timedelta(minutes=turn), full=turn % 2 == 0)
        over.set()

    with ThreadPoolExecutor(4) as pool:
        acted = pool.submit(acknowledge_all, database, now)
        others = [pool.submit(sweep_on), *(pool.submit(send_until, over, database, now) for _ in range(2))]
        assert acted.result() == 40
        for other in others:
            other.result()
    with database.read() as session:
        steps = session.execute(select(FlagHistory.flag_id, FlagHistory.to_status)).all()
        flags = session.execute(select(Flag.id, Flag.version, Flag.status)).all()
        assert verify(session).ok
    for flag_id, version, status in flags:
        of_flag = [to for id, to in steps if id == flag_id]
        assert len(of_flag) == version and "acknowledged" in of_flag and status in ("acknowledged", "open")


def test_a_sweep_that_postgresql_ends_for_a_deadlock_is_done_again(
    postgresql_database: Database, now: datetime
) -> None:
    admit(postgresql_database, 1)
    with ThreadPoolExecutor(1) as pool:
        with postgresql_database.write() as session:
            session.execute(select(AuditHead.seq).with_for_update())
            report = pool.submit(swept, postgresql_database, now)
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not report.done() and not session.scalar(waiting):
                session.execute(text("SELECT pg_sleep(0.01)"))
            session.execute(update(Patient).values(name="renamed"))
        assert report.result()["opened"] == 1
    with postgresql_database.read() as session:
        assert verify(session).ok and session.scalar(select(func.count()).select_from(FlagHistory)) == 1


def test_the_collector_of_cycles_works_again_after_a_sweep_and_after_one_that_died(
    sqlite_database: Database, now: datetime
) -> None:
    admit(sqlite_database, 2)

    def lost(_session: Session) -> None:
        assert not gc.isenabled()
        raise Lost

    with pytest.raises(Lost):
        swept(sqlite_database, now, fence=lost)
    assert gc.isenabled()
    swept(sqlite_database, now)
    assert gc.isenabled()


def long_qtc() -> dict[str, Any]:
    return lab("qtc", 520.0, "ms", "2026-03-02")


def counted(session: Session) -> tuple[int, int]:
    """How many patients have been judged, and how many flags are urgent."""
    judged = session.scalar(select(func.count()).select_from(Judgement))
    urgent = session.scalar(select(func.count()).select_from(Flag).where(Flag.severity == "urgent"))
    return judged or 0, urgent or 0


def test_an_urgent_patient_behind_five_hundred_others_is_judged_before_them(database: Database, now: datetime) -> None:
    admit(database, 501, known=())
    store(database, "M500", long_qtc())
    commits: list[tuple[int, int]] = []
    report = swept(database, now, fence=lambda session: commits.append(counted(session)))
    assert report["evaluated"] == 501
    assert commits == [(1, 1), (101, 1), (201, 1), (301, 1), (401, 1), (501, 1)]


def test_urgent_data_that_come_in_while_a_sweep_runs_are_judged_before_its_next_chunk(
    database: Database, now: datetime
) -> None:
    admit(database, 2 * CHUNK + 1, known=())
    commits: list[tuple[int, int]] = []

    def fence(session: Session) -> None:
        commits.append(counted(session))
        if len(commits) == 1:
            team = session.scalars(select(Team)).one()
            last = session.scalars(select(Patient.id).order_by(Patient.id.desc()).limit(1)).one()
            Ward(session, team).store(last, long_qtc())

    report = swept(database, now, fence=fence)
    assert commits == [(100, 0), (101, 1), (201, 1), (201, 1)]
    assert report["failed"] == [] and swept(database, now)["opened"] == 0
    with database.read() as session:
        assert verify(session).ok


def unsent(session: Session) -> int:
    urgent = (Outbox.severity == "urgent", Outbox.state.in_(("pending", "retry", "sending")))
    return session.scalar(select(func.count()).select_from(Outbox).where(*urgent)) or 0


@pytest.mark.alone
@pytest.mark.parametrize("sender", [True, False])
def test_on_sqlite_a_long_sweep_goes_on_when_its_urgent_mails_have_left_or_nobody_sends_them(
    sqlite_database: Database, now: datetime, sender: bool
) -> None:
    admit(sqlite_database, 3 * CHUNK, known=())
    for mrn in range(200, 230):
        store(sqlite_database, f"M{mrn}", long_qtc())
    waiting: list[int] = []
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_until, over, sqlite_database, now) if sender else None
        report = swept(sqlite_database, now, fence=lambda session: waiting.append(unsent(session)))
        over.set()
        if sending is not None:
            sending.result()
    assert report["evaluated"] == 3 * CHUNK
    assert waiting[2:] == ([0, 0, 0] if sender else [30, 30, 30])
