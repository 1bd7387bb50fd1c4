"""A power cut: every process gone at once, the files as they lay at that instant; what was acknowledged is in them."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import select, text

from data.audit import verify
from data.db import Database, open_database
from data.migrate import check
from data.models import Patient
from data.patients import add_patient
from data.people import Actor, add_team
from tests.data.ward import CREATED

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]

SYSTEM = Actor.system("test")
CONTEXT = multiprocessing.get_context("fork")
WRITERS = 3


def write(url: str, key: bytes, name: str, told: Connection) -> None:
    """Register patients without end; say of each that it is saved once it is."""
    database = open_database(url, key)
    for number in range(10**6):
        mrn = f"{name}-{number}"
        with database.write() as session:
            add_patient(session, SYSTEM, mrn=mrn, name=None, birth_date=None, sex=None, teams=["T"], now=CREATED)
        told.send(mrn)


def test_what_was_acknowledged_before_the_cut_is_in_the_files(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.write() as session:
        add_team(session, SYSTEM, "T", now=CREATED)
    url, key = sqlite_database.engine.url.render_as_string(), sqlite_database.audit_key
    sqlite_database.close()
    file = Path(str(sqlite_database.engine.url.database))
    acknowledged: set[str] = set()
    for cut in range(6):
        pipes = [CONTEXT.Pipe(duplex=False) for _ in range(WRITERS)]
        writers = [
            CONTEXT.Process(target=write, args=(url, key, f"{cut}{n}", told)) for n, (_, told) in enumerate(pipes)
        ]
        for writer in writers:
            writer.start()
        time.sleep(random.uniform(0.3, 0.9))
        for writer in writers:
            writer.kill()
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        for part in sorted(file.parent.glob(f"{file.name}*"), reverse=True):
            shutil.copyfile(part, folder / part.name)
        for writer in writers:
            writer.join()
        acknowledged |= hear(pipes)
        check_copy(open_database(f"sqlite:///{folder / file.name}", key), acknowledged)
    check_copy(open_database(url, key), acknowledged)
    assert len(acknowledged) > 20


def hear(pipes: list[tuple[Connection, Connection]]) -> set[str]:
    """Every number that a writer has said is saved."""
    heard = set()
    for listener, told in pipes:
        told.close()
        try:
            while listener.poll():
                heard.add(listener.recv())
        except EOFError:
            continue
    return heard


def check_copy(database: Database, acknowledged: set[str]) -> None:
    with database.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert acknowledged <= set(session.scalars(select(Patient.mrn)))
        audit = verify(session)
        assert audit.ok, audit.why
    assert check(database) == []
    database.close()
