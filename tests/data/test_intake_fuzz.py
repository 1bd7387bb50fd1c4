"""Any bytes at all, and any damage to good files: a domain refusal or an account, never another exception.

A small sample, the same each time; `tests/faults/test_fuzz_long.py` takes thousands.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.db import Database, open_database
from data.intake.item import Held
from data.intake.moments import read_moment
from data.intake.source import FORMATS
from data.patients import add_patient
from tests.data.damage import (
    ACTOR,
    GOOD,
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


@pytest.fixture(scope="module")
def ground(sqlite_template: Path, audit_key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all examples: each runs dry, so none leaves a trace."""
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


quick = settings(
    max_examples=30, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(any_bytes())
def test_any_bytes(ground: Database, folder: Path, case: Case) -> None:
    attempt(ground, folder, case)


def test_each_format_is_among_the_damaged_files() -> None:
    assert {format for _content, format in GOOD} | {"xlsx", "dicom-sr"} == set(FORMATS)


@quick
@given(changed_files())
def test_a_good_file_with_bytes_changed(ground: Database, folder: Path, case: Case) -> None:
    attempt(ground, folder, case)


@pytest.mark.alone
@settings(quick, max_examples=8)
@given(changed_workbooks())
def test_a_good_workbook_with_bytes_changed(ground: Database, folder: Path, case: Case) -> None:
    started = time.monotonic()
    attempt(ground, folder, case)
    assert time.monotonic() - started < 10


@settings(quick, max_examples=8)
@given(changed_reports())
def test_a_good_structured_report_with_bytes_changed(ground: Database, folder: Path, case: Case) -> None:
    attempt(ground, folder, case)


@quick
@given(changed_bundles())
def test_a_good_bundle_with_a_field_of_another_kind(ground: Database, folder: Path, case: Case) -> None:
    attempt(ground, folder, case)


@quick
@given(any_cells())
def test_a_sheet_with_any_cells(ground: Database, folder: Path, case: Case) -> None:
    attempt(ground, folder, case)


@settings(derandomize=True)
@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([T ][0-9:.+Z-]{0,20})?"))
def test_any_text_is_a_moment_or_is_held(text: str) -> None:
    try:
        moment = read_moment(text, date_order="dmy")
    except Held:
        return
    assert moment.at.tzinfo is UTC
    assert read_moment(moment.text) == moment
