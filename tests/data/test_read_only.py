"""While a site is read-only nothing is changed, by whatever kind of statement; sign-ins and audit rows are written."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import delete, insert, select, text, update

from data.audit import verify, write_audit
from data.db import Database
from data.models import Patient, Record, Team
from data.people import Actor, add_team
from data.read_only import ReadOnly, forbid_writes

SYSTEM = Actor.system("test")
WRITES = {
    "core insert": insert(Team).values(name="Third"),
    "core update": update(Patient).values(name="other"),
    "core delete": delete(Patient),
    "text": text("update patient set name = 'other'"),
    "text in a with": text(
        "WITH chosen AS (SELECT 1 AS id) UPDATE patient SET name = 'x' WHERE id IN (SELECT id FROM chosen)"
    ),
    "table made": text("CREATE TABLE other (id integer)"),
    "temporary table": text("CREATE TEMPORARY TABLE other (id integer)"),
    "table dropped": text("DROP TABLE record"),
}


@pytest.fixture
def still(database: Database, now: datetime) -> Database:
    """A database with a team and a patient that is read-only from here on."""
    with database.write() as session:
        add_team(session, SYSTEM, "First", now=now)
        session.add(Patient(id=1, uuid="u-1", mrn="M1", name="as it was", created_at=now))
    forbid_writes(database)
    return database


@pytest.mark.parametrize("kind", WRITES)
def test_no_statement_changes_anything(still: Database, kind: str) -> None:
    with pytest.raises(ReadOnly, match="nothing was changed"), still.write() as session:
        session.execute(WRITES[kind])
    check_untouched(still)


def test_an_object_that_is_changed_is_not_written(still: Database, now: datetime) -> None:
    with pytest.raises(ReadOnly), still.write() as session:
        session.get_one(Patient, 1).name = "other"
    with pytest.raises(ReadOnly), still.write() as session:
        write_audit(session, SYSTEM, "patient.read", now=now)
        session.add(Patient(id=2, uuid="u-2", mrn="M2", created_at=now))
    check_untouched(still)


def test_looking_is_on_the_audit_trail_and_rows_can_be_locked(still: Database, now: datetime) -> None:
    with still.write() as session:
        session.execute(select(Patient.id).with_for_update())
        with session.begin_nested():
            write_audit(session, SYSTEM, "patient.read", now=now, patient_uuid="u-1")
    with still.read() as session:
        assert verify(session).rows == 2


def check_untouched(still: Database) -> None:
    with still.read() as session:
        assert session.execute(select(Patient.name)).all() == [("as it was",)]
        assert session.scalars(select(Team.name)).all() == ["First"]
        assert session.scalars(select(Record.id)).all() == []
        assert verify(session).rows == 1
