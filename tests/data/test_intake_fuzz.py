"""Any bytes at all, and any damage to good files: a domain refusal or an account, never another exception."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.db import Database, open_database
from data.intake.batch import import_paths
from data.intake.item import Held
from data.intake.moments import read_moment
from data.intake.source import FORMATS, ImportRefused
from data.people import Actor
from tests.data.bundles import bundle, coded, glucose, observation, part, patient

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
GOOD = json.dumps(
    bundle(
        patient(birthDate="1960-01-01"),
        glucose(118.5, id="a", referenceRange=[{"high": {"value": 99}}]),
        observation(coded("skin-assessment"), component=[part("iga", 3), part("sites", "groin")]),
        {"resourceType": "Procedure", "status": "completed", "code": {"text": "Whipple"}, "performedDateTime": "2020"},
    )
)
SHEET = "mrn,when,analyte,value,unit,ref_high,id,status\nM-1,2024-03-10,glucagon,<15,pg/mL,99,A1,final\n"
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.just([[]]),
)


@pytest.fixture(scope="module")
def ground(sqlite_template: Path, audit_key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all examples: each runs dry, so none leaves a trace."""
    path = tmp_path_factory.mktemp("fuzz") / "nadir.db"
    shutil.copyfile(sqlite_template, path)
    database = open_database(f"sqlite:///{path}", audit_key)
    yield database
    database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def attempt(database: Database, path: Path, content: bytes, format: str | None = None) -> None:
    path.write_bytes(content)
    try:
        summary = import_paths(database, ACTOR, [path], now=NOW, dry_run=True, format=format).as_json()
    except ImportRefused as refused:
        assert str(refused)
        return
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[p] for p in parts) + len(summary["quarantined"])
    json.dumps(summary, allow_nan=False)


quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(content=st.binary(max_size=300), format=st.sampled_from(FORMATS))
def test_any_bytes(content: bytes, format: str, ground: Database, folder: Path) -> None:
    attempt(ground, folder / "any.bin", content, format)


@quick
@given(data=st.data())
def test_a_good_file_with_bytes_changed(data: st.DataObject, ground: Database, folder: Path) -> None:
    good, name, format = data.draw(st.sampled_from([(GOOD, "x.json", "fhir-r4"), (SHEET, "x.csv", "csv")]))
    content = bytearray(good.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not content:
            break
    attempt(ground, folder / name, bytes(content), format)


@quick
@given(data=st.data())
def test_a_good_bundle_with_a_field_of_another_kind(data: st.DataObject, ground: Database, folder: Path) -> None:
    document = json.loads(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(list(places(document))))
        # JUNK hands out the same list every time; put into itself it would never end.
        holder[key] = deepcopy(data.draw(JUNK))
    attempt(ground, folder / "y.json", json.dumps(document).encode())


@quick
@given(cells=st.lists(st.text(max_size=30), min_size=8, max_size=8))
def test_a_sheet_with_any_cells(cells: list[str], ground: Database, folder: Path) -> None:
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    attempt(ground, folder / "z.csv", (SHEET + quoted + "\n").encode("utf-8", "replace"), "csv")


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([T ][0-9:.+Z-]{0,20})?"))
def test_any_text_is_a_moment_or_is_held(text: str) -> None:
    try:
        moment = read_moment(text, date_order="dmy")
    except Held:
        return
    assert moment.at.tzinfo is UTC
    assert read_moment(moment.text) == moment


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])
