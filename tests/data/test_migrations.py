"""The migrated tables are the tables of the models, on both databases, and the database refuses to rewrite history."""

from __future__ import annotations

from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import LargeBinary, inspect, text
from sqlalchemy.exc import DatabaseError

from data.audit import write_audit
from data.db import Database, DatabaseUnavailable, open_database
from data.migrate import check, downgrade, require_current, upgrade
from data.models import Base, Batch, DeliveryAttempt, Flag, FlagHistory, Ingest, Outbox, Patient, Person, Record
from data.people import Actor


def test_the_migrated_schema_is_the_schema_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert check(database) == []


def test_the_schema_goes_down_and_up_again(database: Database) -> None:
    downgrade(database, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    with pytest.raises(DatabaseUnavailable, match="nadir db upgrade"):
        require_current(database)
    upgrade(database)
    assert check(database) == []


def test_an_old_program_refuses_a_newer_schema(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (require_current, upgrade):
        with pytest.raises(DatabaseUnavailable, match="9999, which this program does not know"):
            use(database)


def test_going_down_to_an_unknown_revision_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="no revision 'abc'"):
        downgrade(database, "abc")
    require_current(database)


def test_a_database_that_is_away_is_said_to_be_away(audit_key: bytes) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        require_current(open_database("postgresql://nobody@127.0.0.1:1/none", audit_key))


@pytest.fixture
def history(database: Database, now: datetime) -> Database:
    """One row in each table whose rows stand for ever; two in `record`."""
    with database.write() as session:
        session.add(Patient(id=1, uuid="u-1", mrn="M1", created_at=now))
        session.add(Person(id=1, email="a@b.example", name="A", role="oncologist", created_at=now))
        session.add(Batch(id="b", format="csv", digest="0", actor="x", started_at=now))
        session.flush()
        session.add(Ingest(seq=1, at=now, batch_id="b"))
        session.flush()
        session.add_all([_record(1, now), _record(2, now)])
        session.add(_flag(now))
        session.flush()
        session.add(FlagHistory(flag_id="f", at=now, who="x", to_status="open", why="w"))
        session.add(_mail(now))
        session.flush()
        session.add(DeliveryAttempt(outbox_id="o", number=1, at=now, code=250))
        write_audit(session, Actor.system("test"), "test", now=now)
    return database


@pytest.mark.parametrize("table", ["audit", "flag_history", "delivery_attempt", "record"])
def test_no_row_of_history_can_be_deleted(history: Database, table: str) -> None:
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), history.write() as session:
        session.execute(text(f"DELETE FROM {table}"))


@pytest.mark.parametrize(
    ("table", "change"),
    [("audit", "actor = 'y'"), ("flag_history", "why = 'y'"), ("delivery_attempt", "code = 550")],
)
def test_no_row_of_history_can_be_changed(history: Database, table: str, change: str) -> None:
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), history.write() as session:
        session.execute(text(f"UPDATE {table} SET {change}"))


def test_every_column_of_a_record_is_frozen(history: Database) -> None:
    for column in Record.__table__.columns:
        value = "superseded_by" if column.name == "superseded_by" else _other_value(column.name)
        with pytest.raises(DatabaseError, match="append-only"), history.write() as session:
            session.execute(text(f'UPDATE record SET "{column.name}" = {value} WHERE id = 1'))
        if column.name in ("superseded_by", "id"):
            continue
        with pytest.raises(DatabaseError, match="append-only"), history.write() as session:
            session.execute(text(f'UPDATE record SET superseded_by = 2, "{column.name}" = {value} WHERE id = 1'))


def test_a_record_is_superseded_once(history: Database) -> None:
    with history.write() as session:
        session.execute(text("UPDATE record SET superseded_by = 2 WHERE id = 1"))
    for again in ("2", "1", "NULL"):
        with pytest.raises(DatabaseError, match="append-only"), history.write() as session:
            session.execute(text(f"UPDATE record SET superseded_by = {again} WHERE id = 1"))


def _other_value(column: str) -> str:
    kind = Record.__table__.columns[column].type
    if isinstance(kind, LargeBinary):
        return "natural_key || natural_key"
    if column == "sent_digest":
        return "natural_key"
    name = kind.__class__.__name__
    return {"String": "'zz'", "Text": "'zz'", "JSON": "'{\"a\": 1}'", "Boolean": "TRUE"}.get(name, "77")


def _record(number: int, now: datetime) -> Record:
    return Record(
        id=number,
        patient_id=1,
        kind="lab",
        effective_at=now,
        effective_text="2026-03-02",
        precision="day",
        status="final",
        natural_key=bytes([number] * 16),
        batch_id="b",
        place="x.csv:2",
        recorded_at=now,
        recorded_by="x",
        ingest_seq=1,
    )


def _flag(now: datetime) -> Flag:
    return Flag(
        id="f",
        patient_id=1,
        rule="R01",
        rule_version="1",
        protocol_version="p",
        axis="marker",
        severity="high",
        subject="glucagon",
        dedup_key="k",
        episode=1,
        status="open",
        title="t",
        question="q",
        why="w",
        finding={},
        evidence_digest="d",
        opened_at=now,
        as_of=now,
        first_evidence_at=now,
    )


def _mail(now: datetime) -> Outbox:
    return Outbox(
        id="o",
        flag_id="f",
        episode=1,
        recipient_id=1,
        kind="immediate",
        severity="high",
        state="pending",
        priority=1,
        message_id="<o@x>",
        created_at=now,
        next_at=now,
    )
