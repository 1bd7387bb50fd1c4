"""The commands about what is known of a person, as somebody at the machine runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Ran

CSV = "mrn,when,analyte,value,unit\nCNRY-1,2024-01-10,glucagon,15,pg/mL\n"


def test_a_record_is_reported_researched_and_its_identity_erased(nadir: Callable[..., Ran], home: Path) -> None:
    (home / "in.csv").write_text(CSV)
    assert nadir("db", "upgrade").code == 0
    assert nadir("patient", "add", "CNRY-1", "--name", "Cnryface Ann").code == 0
    assert nadir("import", "in.csv").code == 0
    assert nadir("research", "key", "key").code == 0
    agreed = nadir("patient", "consent", "CNRY-1", "--purpose", "research", "--said", "form 7", "--json")
    assert [one["given"] for one in agreed.document] == [True]
    for command in (
        ("patient", "report", "CNRY-1", "-o", "copy.html"),
        ("research", "export", "--key", "key", "-o", "r.csv"),
    ):
        done = nadir(*command)
        assert done.code == 0, done.err
    for name in ("copy.html", "r.csv", "key"):
        assert (home / name).stat().st_mode & 0o077 == 0, name
    assert "Cnryface" in (home / "copy.html").read_text()
    assert "CNRY" not in (home / "r.csv").read_text()
    erased = nadir("patient", "erase", "CNRY-1", "--reason", "asked for by letter", "--json")
    assert (erased.code, erased.document["records"]) == (0, 1), erased.err
    assert b"cnry" not in (home / "var" / "nadir.db").read_bytes().lower()
    dry = nadir("retention", "--json")
    assert dry.document == {"applied": False, "tables": dict.fromkeys(dry.document["tables"], 0)}
