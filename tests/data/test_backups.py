"""A backup made while others write, sealed, restored whole or not at all; a clinic moved to another database."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyrage
import pytest
from sqlalchemy import func, select, text, update

from clinical.protocol import bundled_protocol
from data.announcing import alarm
from data.audit import verify, write_audit
from data.backups import back_up, drill, restore
from data.copying.age_key import age_key
from data.copying.frames import Damaged
from data.copying.restoring import NotEmpty
from data.copying.rows import digest, tables
from data.db import Database, open_database
from data.judge import judge
from data.migrate import upgrade
from data.models import Audit, Gap, Outbox, Patient, Record
from data.models import Session as SignIn
from data.moving import copy_database
from data.people import Actor
from data.readings import plain_readings, store_days
from tests.data.ward import POLICY, Ward, at, relapsing, well

SECRET = b"a secret of more than thirty-two bytes, kept apart"
NOW = at("2026-03-01T06:00:00")
LATER = at("2026-03-02T06:00:00")
SYSTEM = Actor.system("test")
CANARY = "CNRY-Grünewald-7f3a91"
SETTLED = {"outbox", "session", "gap", "audit", "audit_head"}

Make = Callable[[str], Database]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path, audit_key: bytes) -> Make:
    """An empty database of a kind, another one each time."""

    def made(kind: str) -> Database:
        if kind == "postgresql":
            found: Database = request.getfixturevalue("postgresql_database")
            return found
        database = open_database(f"sqlite:///{tmp_path}/other-{random.randrange(10**9)}.db", audit_key)
        upgrade(database)
        request.addfinalizer(database.close)
        return database

    return made


def fill(database: Database) -> None:
    """Two patients with flags, mails in every state, a corrected record, sensor days, a sign-in."""
    with database.write() as session:
        ward = Ward.open(session)
        ward.person("onc@clinic.example")
        ward.person("admin@clinic.example", "admin")
        first = ward.patient("P1", *relapsing("2026-02-01"), birth_date=date(1960, 5, 17))
        ward.patient("P2", *well(), sex="female")
        session.execute(update(Patient).where(Patient.id == first).values(name=CANARY))
        new, old = ward.store(first, well()[3], {**well()[3], "text": f"{CANARY} ü ☃"})
        session.execute(update(Record).where(Record.id == old).values(superseded_by=new))
        day = plain_readings(
            device="sensor",
            day=date(2026, 1, 5),
            unit="mg/dL",
            seconds=np.arange(0, 86400, 300),
            values=np.full(288, 110),
        )
        batch = session.scalars(select(Record.batch_id)).first()
        store_days(session, batch_id=str(batch), patient_id=first, days=[day], actor=SYSTEM, now=NOW)
        judge(session, [first], protocol=bundled_protocol(), mail=POLICY, as_of=NOW, now=NOW, actor=SYSTEM)
        alarm(session, "mail-dead", POLICY, NOW)
        write_audit(session, SYSTEM, "patient.read", now=NOW, detail={"nothing": None, "b": 1, "a": [1.5, "ü"]})
        person = ward.people["onc@clinic.example"]
        session.add(
            SignIn(id_hash="0" * 64, person_id=person.id, created_at=NOW, seen_at=NOW, proved_at=NOW, ended_at=None)
        )


def contents(database: Database) -> dict[str, tuple[int, str]]:
    with database.engine.connect() as connection:
        return {table.name: digest(connection, table) for table in tables()}


def chain_holds(database: Database) -> bool:
    with database.read() as session:
        return verify(session).ok


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_backed_up_is_restored_row_by_row_into_either_database(
    database: Database, make: Make, tmp_path: Path, kind: str
) -> None:
    if kind == "postgresql" and not database.is_sqlite:
        kind = "sqlite"
    fill(database)
    before = contents(database)
    made = back_up(database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    assert made.tables == {name: rows for name, (rows, _) in before.items()}
    assert min(made.tables[name] for name in ("patient", "record", "flag", "outbox", "reading_day", "audit")) > 0
    target = make(kind)
    restore(target, tmp_path / "b", SECRET, SYSTEM, replace=False, now=LATER)
    after = contents(target)
    assert {n: d for n, d in after.items() if n not in SETTLED} == {n: d for n, d in before.items() if n not in SETTLED}
    assert chain_holds(target)


def test_a_mail_under_way_is_held_a_sent_one_stays_sent_and_nobody_is_signed_in(
    database: Database, make: Make, tmp_path: Path
) -> None:
    fill(database)
    with database.write() as session:
        ids = session.scalars(select(Outbox.id).order_by(Outbox.id)).all()
        assert len(ids) >= 2
        session.execute(update(Outbox).where(Outbox.id == ids[0]).values(state="sent", sent_at=NOW))
    back_up(database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    target = make("sqlite")
    report = restore(target, tmp_path / "b", SECRET, SYSTEM, replace=False, now=LATER)
    with target.read() as session:
        states = {id: state for id, state in session.execute(select(Outbox.id, Outbox.state))}
        assert states.pop(ids[0]) == "sent"
        assert set(states.values()) == {"held"} and len(states) == report.held_mails
        assert session.scalars(select(SignIn.ended_at)).all() == [LATER]
        assert session.execute(select(Gap.from_at, Gap.to_at)).all() == [(NOW, LATER)]
        assert session.scalars(select(Audit.action).order_by(Audit.seq.desc())).first() == "backup.restore"
    assert chain_holds(target)


def test_a_backup_made_while_others_write_is_of_one_moment(database: Database, make: Make, tmp_path: Path) -> None:
    fill(database)
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with database.write() as session:
                write_audit(session, SYSTEM, "patient.read", now=NOW)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for number in range(3):
        back_up(database, tmp_path / f"b{number}", SECRET, SYSTEM, now=NOW)
    done.set()
    for writer in writers:
        writer.join()
    rows = [drill(tmp_path / f"b{number}", SECRET, database.audit_key).tables["audit"] for number in range(3)]
    assert rows[0] < rows[1] < rows[2]


def test_no_changed_or_missing_byte_goes_unnoticed_and_the_target_is_as_it_was(
    database: Database, make: Make, tmp_path: Path
) -> None:
    fill(database)
    file, hurt = tmp_path / "b", tmp_path / "hurt"
    back_up(database, file, SECRET, SYSTEM, now=NOW)
    whole = file.read_bytes()
    body = whole.index(b"\n--- ")
    target = make("sqlite" if not database.is_sqlite else "postgresql")
    fill(target)
    before = contents(target)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    places = [0, body + 5, len(whole) - 1, *(chance.randrange(body, len(whole)) for _ in range(4))]
    spoilt = [whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :] for at in places]
    spoilt += [whole[: chance.randrange(body, len(whole))] for _ in range(3)] + [whole[:-1], whole + b"x", b""]
    for content in spoilt:
        hurt.write_bytes(content)
        with pytest.raises(Damaged):
            restore(target, hurt, SECRET, SYSTEM, replace=True, now=LATER)
        assert contents(target) == before


def test_the_file_tells_nothing_without_its_secret(database: Database, make: Make, tmp_path: Path) -> None:
    fill(database)
    back_up(database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    content = (tmp_path / "b").read_bytes()
    for words in (CANARY.encode(), b"CNRY", b"clinic.example", b"glucagon", b"patient"):
        assert words not in content
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
    with pytest.raises(Damaged, match="cannot be read as a backup with this key"):
        restore(make("sqlite"), tmp_path / "b", SECRET + b"!", SYSTEM, replace=False, now=LATER)


def test_the_key_of_a_secret_is_an_age_key_of_its_own() -> None:
    keys = {age_key(secret) for secret in (SECRET, SECRET + b"!", b"", bytes(range(256)))}
    assert len(keys) == 4
    assert {str(pyrage.x25519.Identity.from_str(key)) for key in keys} == keys


def test_a_database_that_holds_something_is_replaced_only_when_asked(database: Database, tmp_path: Path) -> None:
    fill(database)
    back_up(database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    before = contents(database)
    with database.write() as session:
        session.execute(update(Patient).values(name="changed since"))
    changed = contents(database)
    with pytest.raises(NotEmpty):
        restore(database, tmp_path / "b", SECRET, SYSTEM, replace=False, now=LATER)
    assert contents(database) == changed
    restore(database, tmp_path / "b", SECRET, SYSTEM, replace=True, now=LATER)
    assert contents(database)["patient"] == before["patient"]
    assert chain_holds(database)
    with database.write() as session:
        with pytest.raises(Exception, match="append-only"):
            session.execute(text("DELETE FROM audit"))
        session.rollback()


def test_a_backup_is_never_written_over_another(database: Database, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("something of value")
    with pytest.raises(FileExistsError):
        back_up(database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    assert (tmp_path / "b").read_text() == "something of value"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".b")] == []


def test_a_drill_finds_an_audit_row_that_was_changed_before_the_backup(
    sqlite_database: Database, tmp_path: Path
) -> None:
    fill(sqlite_database)
    with sqlite_database.write() as session:
        session.execute(text("DROP TRIGGER audit_no_update"))
        session.execute(text("UPDATE audit SET actor = 'somebody else' WHERE seq = 1"))
    back_up(sqlite_database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    with pytest.raises(Damaged, match="audit chain"):
        drill(tmp_path / "b", SECRET, sqlite_database.audit_key)


def test_a_backup_of_other_tables_is_refused(
    sqlite_database: Database, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite_database)
    with monkeypatch.context() as older:
        older.setattr("data.backups.head_revision", lambda: "0001")
        back_up(sqlite_database, tmp_path / "b", SECRET, SYSTEM, now=NOW)
    with pytest.raises(Damaged, match="restore it with the version that made it"):
        restore(make("sqlite"), tmp_path / "b", SECRET, SYSTEM, replace=False, now=LATER)


def test_a_clinic_moves_to_postgresql_and_back_and_goes_on_writing(
    sqlite_database: Database, postgresql_database: Database, make: Make
) -> None:
    fill(sqlite_database)
    before = contents(sqlite_database)
    counts = copy_database(sqlite_database, postgresql_database, SYSTEM, now=NOW)
    assert counts == {name: rows for name, (rows, _) in before.items()}
    moved = contents(postgresql_database)
    own = {"audit", "audit_head"}
    assert {n: d for n, d in moved.items() if n not in own} == {n: d for n, d in before.items() if n not in own}
    assert chain_holds(postgresql_database)
    with postgresql_database.write() as session:
        highest = session.scalar(select(func.max(Record.id)))
        patient = session.scalar(select(Patient.id).where(Patient.mrn == "P2"))
        assert Ward.open(session, "Second").store(int(patient or 0), well()[3])[0] > int(highest or 0)
    moved = contents(postgresql_database)
    back = make("sqlite")
    copy_database(postgresql_database, back, SYSTEM, now=LATER)
    assert {n: d for n, d in contents(back).items() if n not in own} == {n: d for n, d in moved.items() if n not in own}
    with pytest.raises(NotEmpty):
        copy_database(sqlite_database, postgresql_database, SYSTEM, now=LATER)


def test_a_change_of_minus_nothing_moves_to_sqlite_which_knows_one_zero(
    postgresql_database: Database, make: Make
) -> None:
    fill(postgresql_database)
    with postgresql_database.write() as session:
        assert session.execute(text("UPDATE glance SET weight_change = '-0.0'")).rowcount
    assert "glance" in copy_database(postgresql_database, make("sqlite"), SYSTEM, now=LATER)
