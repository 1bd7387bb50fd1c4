"""Anchors kept outside the database show what the chain cannot show by itself: that its end was cut off or replaced."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from data.anchors import UnreadableAnchor, append_anchor, head_anchor, read_anchors, verify_against
from data.audit import verify, write_audit
from data.db import Database
from data.people import Actor


@pytest.fixture
def anchored(sqlite_database: Database, tmp_path: Path, now: datetime) -> Path:
    """A file with anchors of the rows 3 and 6 of a chain of 8."""
    path = tmp_path / "anchors"
    for number in range(1, 9):
        with sqlite_database.write() as session:
            write_audit(session, Actor.system("test"), "test", now=now, object=str(number))
            anchor = head_anchor(session)
        if number in (3, 6):
            assert anchor is not None
            append_anchor(path, anchor, now=now)
    return path


def tamper(database: Database, *statements: str) -> None:
    with database.engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        )
        for (name,) in names.all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def report(database: Database, path: Path):
    with database.read() as session:
        return verify_against(session, read_anchors(path))


def test_an_untouched_chain_holds_against_its_anchors(sqlite_database: Database, anchored: Path) -> None:
    assert [anchor.seq for anchor in read_anchors(anchored)] == [3, 6]
    assert report(sqlite_database, anchored).ok
    assert anchored.stat().st_mode & 0o777 == 0o600


def test_an_end_cut_off_with_its_head_is_seen_by_the_anchor_alone(sqlite_database: Database, anchored: Path) -> None:
    head = "UPDATE audit_head SET seq = 4, mac = (SELECT mac FROM audit WHERE seq = 4)"
    tamper(sqlite_database, "DELETE FROM audit WHERE seq > 4", head)
    with sqlite_database.read() as session:
        assert verify(session).ok
    found = report(sqlite_database, anchored)
    assert (found.first_bad, found.why) == (5, "rows are missing: an anchor knows row 6, the chain ends at 4")


def test_rows_written_anew_with_the_key_are_seen_by_the_anchor(
    sqlite_database: Database, anchored: Path, now: datetime
) -> None:
    head = "UPDATE audit_head SET seq = 4, mac = (SELECT mac FROM audit WHERE seq = 4)"
    tamper(sqlite_database, "DELETE FROM audit WHERE seq > 4", head)
    for number in range(5, 9):
        with sqlite_database.write() as session:
            write_audit(session, Actor.system("test"), "test", now=now, object=f"another {number}")
    found = report(sqlite_database, anchored)
    assert (found.first_bad, found.why) == (6, "the row is not the one an anchor knows")


@pytest.mark.parametrize(("content", "why"), [("", "holds no anchor"), ('{"seq": 1}\n', "line 1"), ("x\n", "line 1")])
def test_a_file_that_is_no_anchor_file_is_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "anchors"
    path.write_text(content)
    with pytest.raises(UnreadableAnchor, match=why):
        read_anchors(path)
    with pytest.raises(UnreadableAnchor, match="cannot be read"):
        read_anchors(tmp_path / "none")
