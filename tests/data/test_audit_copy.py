"""The copy of the audit trail outside the database: every row once, and nothing more where the two do not agree."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from data import audit_copy
from data.audit import GIVEN, write_audit
from data.audit_copy import CopyBroken, copy_on
from data.db import Database
from data.models import Audit
from data.people import Actor


def _write(database: Database, now: datetime, *names: str) -> None:
    for name in names:
        with database.write() as session:
            detail = {"n": name, GIVEN: "what somebody wrote"}
            write_audit(session, Actor.system("test"), "test", now=now, object=name, patient_uuid="u1", detail=detail)


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_every_row_is_copied_once_with_all_its_columns_and_no_reason(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    path = tmp_path / "trail.jsonl"
    assert copy_on(database, path) == 0
    _write(database, now, "a", "Ä\u2028ß", "c")
    assert [copy_on(database, path), copy_on(database, path)] == [3, 0]
    _write(database, now + timedelta(minutes=1), "d")
    assert copy_on(database, path) == 1
    lines = _lines(path)
    assert [(line["seq"], line["object"]) for line in lines] == [(1, "a"), (2, "Ä\u2028ß"), (3, "c"), (4, "d")]
    assert all(set(line) == set(Audit.__table__.columns.keys()) for line in lines)
    assert (lines[0]["at"], lines[0]["patient_uuid"], lines[0]["actor"]) == (now.isoformat(), "u1", "test")
    assert "what somebody wrote" not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_crash_left_of_a_line_is_written_anew(sqlite_database: Database, tmp_path: Path, now: datetime) -> None:
    path = tmp_path / "trail.jsonl"
    _write(sqlite_database, now, "a", "b")
    copy_on(sqlite_database, path)
    whole = path.read_bytes()
    for cut in (1, 40, len(whole) - 3, len(whole)):
        path.write_bytes(whole[: len(whole) - cut])
        copy_on(sqlite_database, path)
        assert path.read_bytes() == whole


def test_many_rows_come_in_parts_and_two_at_once_copy_none_twice(
    sqlite_database: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trail.jsonl"
    monkeypatch.setattr(audit_copy, "CHUNK", 4)
    _write(sqlite_database, now, *(str(number) for number in range(25)))
    assert copy_on(sqlite_database, path, most=10) == 10
    both = [Thread(target=copy_on, args=(sqlite_database, path)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert [line["seq"] for line in _lines(path)] == [*range(1, 26)]


@pytest.mark.parametrize(
    "line", ['{"seq": 2, "mac": "00"}', '{"seq": 9, "mac": "00"}', "[]", "no JSON", '{"seq": "x", "mac": "00"}']
)
def test_a_file_that_is_no_copy_of_this_trail_is_not_added_to(
    sqlite_database: Database, tmp_path: Path, now: datetime, line: str
) -> None:
    path = tmp_path / "trail.jsonl"
    _write(sqlite_database, now, "a", "b", "c")
    path.write_text(line + "\n")
    with pytest.raises(CopyBroken, match=r"trail\.jsonl"):
        copy_on(sqlite_database, path)
    assert path.read_text() == line + "\n"
