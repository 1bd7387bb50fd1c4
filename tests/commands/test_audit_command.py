"""`nadir audit`: the trail taken out, who saw a record, and both are in it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Ran


def test_the_trail_is_taken_out_and_says_who_saw_whom(nadir: Callable[..., Ran], home: Path) -> None:
    assert nadir("db", "upgrade").code == 0
    assert nadir("patient", "add", "P1").code == 0
    assert nadir("export", "--patient", "P1", "--format", "fhir", "-o", "out.json").code == 0
    [who] = nadir("audit", "who-saw", "P1", "--json").document
    assert (who["actor"], who["taken"], who["acted"]) == ("cli", 1, 2)
    assert nadir("audit", "export", "-o", "trail.csv", "--patient", "P1").code == 0
    assert (home / "trail.csv").stat().st_mode & 0o077 == 0
    with (home / "trail.csv").open(newline="") as file:
        taken = [row["action"] for row in csv.DictReader(file)]
    assert taken == ["patient.add", "patient.export", "audit.who-saw", "audit.export"]
    assert nadir("audit", "export", "-o", "trail.csv", "--since", "1.2.2026").code == 2
    assert nadir("audit", "verify").code == 0


def test_a_rotated_key_proves_the_whole_chain_and_a_missing_former_one_is_named(
    nadir: Callable[..., Ran], home: Path
) -> None:
    assert nadir("db", "upgrade").code == 0
    assert nadir("patient", "add", "P1").code == 0
    key, former = home / "var" / "audit.key", home / "var" / "audit.key.1"
    key.rename(former)
    key.write_text("a key that was made to follow the first one")
    key.chmod(0o600)
    known = {"NADIR_AUDIT_KEY_PREVIOUS_FILES": "var/audit.key.1"}
    assert nadir("patient", "add", "P2", **known).code == 0
    assert "the chain holds" in nadir("audit", "verify", **known).out
    broken = nadir("audit", "verify")
    assert broken.code == 1 and "signed with another key" in broken.out
    refused = nadir("audit", "verify", NADIR_AUDIT_KEY_PREVIOUS_FILES="var/gone.key")
    assert refused.code == 2 and "NADIR_AUDIT_KEY_PREVIOUS_FILES: var/gone.key does not exist" in refused.err
