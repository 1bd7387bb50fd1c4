"""The disk is full: nothing is called saved that is not, nobody is shown a patient without an audit row, and when there
is space again everything goes on without a restart."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, text

from dashboard.app import PAGES
from data.audit import verify
from data.db import Database
from data.models import Audit, EntrySave, Patient, Record
from tests.dashboard.conftest import Web

pytestmark = pytest.mark.alone


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(*PAGES)


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """No file can grow: what stands in the log already is written back first, so that the next write needs room."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def draft(number: int) -> dict[str, Any]:
    return {
        "key": f"key-of-this-draft-{number:06}",
        "number": number,
        "version": 0,
        "said": {"weight": "71"},
        "patient": "uuid-N1",
    }


def test_nothing_is_called_saved_or_shown_and_it_goes_on_by_itself(web: Web) -> None:
    client = web.client("onc@north.example")
    shown = web.call(client, "shell-page", "/p/N1", None)
    assert shown.status_code == 200
    kept = client.post("/p/N1/entry/visit/draft", json=draft(1))
    assert kept.status_code == 200, kept.text
    before = counts(web.database)
    with full_disk(web.database):
        refused = client.post("/p/N1/entry/visit/draft", json=draft(2))
        page = web.call(client, "shell-page", "/p/N1", None)
        sign_in = web.anonymous().post("/login", data={"email": "onc@north.example", "password": "x" * 20})
    assert refused.status_code == 503 and "Nothing was changed" in refused.text
    assert page.status_code == 503 and "CNRY" not in page.text, "no patient is shown whose reading cannot be noted"
    assert sign_in.status_code == 503
    assert counts(web.database) == before
    again = client.post("/p/N1/entry/visit/draft", json=draft(3))
    assert again.status_code == 200, again.text
    assert web.call(client, "shell-page", "/p/N1", None).status_code == 200
    with web.database.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert verify(session).ok


def counts(database: Database) -> list[int | None]:
    with database.read() as session:
        return [
            session.scalar(select(func.count()).select_from(model)) for model in (Audit, EntrySave, Patient, Record)
        ]
