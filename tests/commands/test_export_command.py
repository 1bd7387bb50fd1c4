"""`nadir export`: a file that comes back the same, private, audited; what it cannot do changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Ran

CSV = "mrn,when,analyte,value,unit,ref_high,lab\nP1,2024-01-10,glucagon,<15,pg/mL,80,Central\n"
MADE_HERE = {"id", "source", "recorded_at"}


def test_what_is_exported_can_be_imported_elsewhere(nadir: Callable[..., Ran], home: Path) -> None:
    (home / "in.csv").write_text(CSV)
    elsewhere = {"NADIR_DATABASE_URL": "sqlite:///var/other.db"}
    for settings in ({}, elsewhere):
        assert nadir("db", "upgrade", **settings).code == 0
    assert nadir("team", "add", "NET").code == 0
    assert nadir("patient", "add", "P1", "--team", "NET").code == 0
    assert nadir("import", "in.csv").code == 0
    done = nadir("export", "--patient", "P1", "--format", "fhir", "-o", "out.json")
    assert (done.code, done.out) == (0, ""), done.err
    assert (home / "out.json").stat().st_mode & 0o077 == 0
    assert nadir("import", "out.json", **elsewhere).code == 0
    asked = ("record", "list", "--patient", "P1", "--json")
    before, after = (
        [{k: v for k, v in row.items() if k not in MADE_HERE} for row in ran.document]
        for ran in (nadir(*asked), nadir(*asked, **elsewhere))
    )
    assert after == before
    assert before[0]["comparator"] == "<"


def test_an_unknown_patient_or_folder_ends_with_2_and_leaves_no_file(nadir: Callable[..., Ran], home: Path) -> None:
    assert nadir("db", "upgrade").code == 0
    assert nadir("export", "--patient", "NOBODY", "--format", "csv", "-o", "out.csv").code == 2
    assert nadir("export", "--patient", "NOBODY", "--format", "csv", "-o", "nowhere/out.csv").code == 2
    assert nadir("export", "--patient", "NOBODY", "--format", "docx", "-o", "out.docx").code == 2
    assert not list(home.glob("*out*"))
