"""Merging, states, mappings and duplicates from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_who_is_who_from_the_command_line(nadir: Callable[..., Any], home: Path) -> None:
    assert nadir("db", "upgrade").code == 0
    for mrn in ("OLD", "NEW"):
        assert nadir("patient", "add", mrn).code == 0
    (home / "labs.csv").write_text(
        "mrn,when,analyte,value,unit,lab\nOLD,2024-03-10,glucagon,118,pg/mL,\nOLD,2024-03-10,glucagon,118,pg/mL,C\n"
    )
    assert nadir("import", "labs.csv").code == 0
    (pair,) = nadir("record", "duplicates", "--patient", "OLD", "--json").document
    assert pair["missing"] == "laboratory"
    assert nadir("record", "retract", pair["records"][0], "--reason", "sent twice").code == 0
    assert nadir("patient", "merge", "OLD", "NEW", "--reason", "registered twice").code == 0
    assert [p["mrn"] for p in nadir("patient", "list", "--json").document] == ["NEW"]
    assert nadir("patient", "merge", "NEW", "OLD", "--reason", "registered twice").code == 2
    assert nadir("patient", "unmerge", "OLD", "--reason", "two people").code == 0
    assert nadir("proposal", "list", "--json").document == []
    told = nadir("patient", "status", "OLD", "--set", "deceased", "--on", "2026-01-01", "--reason", "letter", "--json")
    assert told.document["status"] == "deceased"


def test_a_mapping_takes_two_names(nadir: Callable[..., Any]) -> None:
    assert nadir("db", "upgrade").code == 0
    said = ("mapping", "propose", "Central", "code", "GLUC1", "glucagon", "--reason", "their list")
    assert nadir(*said, "--by", "anna").code == 0
    assert nadir("mapping", "approve", "1", "--by", "Anna").code == 2
    assert nadir("mapping", "approve", "1", "--by", "bert").code == 0
    assert nadir("mapping", "list", "--json").document[0]["state"] == "in force"
    assert nadir("mapping", "retire", "1", "--reason", "changed", "--by", "anna").code == 0
