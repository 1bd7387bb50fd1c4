"""`nadir downtime lists` and the job that runs it: files of one owner, an audit row each, the newest nights kept."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from data.db import open_database
from data.models import Audit


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, home):
    """The URL of the database the commands work on."""
    if request.param == "sqlite":
        return f"sqlite:///{home}/var/nadir.db"
    engine = request.getfixturevalue("postgresql_database").engine
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def nadir(nadir, url):
    """Run `nadir` on that database."""
    return lambda *arguments, **environment: nadir(*arguments, NADIR_DATABASE_URL=url, **environment)


def test_lists_are_written_noted_and_old_nights_removed(nadir, home, url):
    folder = home / "lists"
    folder.mkdir()
    for day in range(1, 10):
        (folder / f"nadir-list-2025-01-{day:02}T0500-01-NET.pdf").write_text("old")
    (folder / "letter.pdf").write_text("not ours")
    assert nadir("db", "upgrade").code == 0
    refused = nadir("downtime", "lists")
    assert refused.code == 2 and "NADIR_DOWNTIME_DIR" in refused.err
    for team, mrn in (("North", "N1"), ("South", "S1")):
        assert nadir("team", "add", team).code == 0
        added = nadir("patient", "add", mrn, "--team", team)
        assert added.code == 0, added.err
    ran = nadir("jobs", "run", "downtime-lists", "--json", NADIR_DOWNTIME_DIR="lists", NADIR_DOWNTIME_LANGUAGE="de")
    assert ran.code == 0, ran.err
    counts = ran.document
    new = sorted(path for path in folder.glob("nadir-list-*.pdf") if path.read_bytes()[:4] == b"%PDF")
    assert counts == {"lists": 2, "patients": 2, "removed": 3} and len(new) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in new)
    assert re.fullmatch(r"nadir-list-\d{4}-\d\d-\d\dT\d{4}-01-North\.pdf", new[0].name)
    assert (folder / "letter.pdf").exists()
    with open_database(url, b"a key that only reads").read() as session:
        noted = session.scalars(select(Audit.detail).where(Audit.action == "downtime.list").order_by(Audit.seq)).all()
    assert [row["file"] for row in noted] == [path.name for path in new]
    assert sum(len(row["patients"]) for row in noted) == counts["patients"]


def test_a_read_only_site_looks_and_starts_nothing_that_writes(nadir):
    assert nadir("db", "upgrade").code == 0
    assert nadir("team", "add", "NET").code == 0
    for command in (
        ("team", "add", "Other"),
        ("patient", "add", "M1", "--team", "NET"),
        ("scheduler",),
        ("mllp",),
    ):
        ran = nadir(*command, NADIR_READ_ONLY="true")
        assert ran.code == 3 and "Nadir is read-only" in ran.err, (command, ran)
    assert nadir("patient", "list", "--json", NADIR_READ_ONLY="true").document == []
    assert nadir("audit", "verify", NADIR_READ_ONLY="true").code == 0
