"""Thousands of files of any bytes and of damaged ones: each is refused in words or accounted for, in ten seconds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from data.db import Database, open_database
from data.patients import add_patient
from tests.data.damage import (
    ACTOR,
    NOW,
    Case,
    any_bytes,
    any_cells,
    attempt,
    changed_bundles,
    changed_files,
    changed_reports,
    changed_workbooks,
)

LONGEST_S = 10.0
SEED = 20261128

pytestmark = [pytest.mark.alone, pytest.mark.faults, pytest.mark.timeout(3_600)]


def cases(strategy: Any, count: int) -> Callable[[Any], Any]:
    """Run a test with so many examples of a strategy, the same each time."""

    def decorated(test: Any) -> Any:
        many = settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        return seed(SEED)(many(given(strategy)(test)))

    return decorated


@pytest.fixture(scope="module")
def ground(sqlite_template: Path, audit_key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("fuzz") / "nadir.db"
    shutil.copyfile(sqlite_template, path)
    database = open_database(f"sqlite:///{path}", audit_key)
    with database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    yield database
    database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def timed(database: Database, folder: Path, case: Case) -> None:
    started = time.monotonic()
    attempt(database, folder, case)
    assert time.monotonic() - started < LONGEST_S


@cases(any_bytes(), 2_000)
def test_two_thousand_files_of_any_bytes(ground: Database, folder: Path, case: Case) -> None:
    timed(ground, folder, case)


@cases(changed_files(), 2_000)
def test_two_thousand_good_files_with_bytes_changed(ground: Database, folder: Path, case: Case) -> None:
    timed(ground, folder, case)


@cases(changed_bundles(), 2_000)
def test_two_thousand_bundles_with_fields_of_another_kind(ground: Database, folder: Path, case: Case) -> None:
    timed(ground, folder, case)


@cases(any_cells(), 2_000)
def test_two_thousand_sheets_with_any_cells(ground: Database, folder: Path, case: Case) -> None:
    timed(ground, folder, case)


@cases(changed_workbooks(), 2_000)
def test_two_thousand_workbooks_with_bytes_changed(ground: Database, folder: Path, case: Case) -> None:
    timed(ground, folder, case)


@cases(changed_reports(), 2_000)
def test_two_thousand_structured_reports_with_bytes_changed(ground: Database, folder: Path, case: Case) -> None:
    timed(ground, folder, case)
