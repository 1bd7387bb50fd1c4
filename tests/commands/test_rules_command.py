"""`nadir rules`: every rule in words, and a protocol tried on everybody without changing anything."""

from __future__ import annotations

import pytest

TRIAL = '[recurrence_factor]\nvalue = 1.2\nunit = "1"\nsource = "a trial"\n'
LABS = """mrn,when,analyte,value,unit,ref_high,lab,method
P1,2024-01-10,glucagon,60,pg/mL,80,Central,RIA
P1,2024-10-10,glucagon,140,pg/mL,80,Central,RIA
"""


@pytest.fixture
def clinic(nadir, home):
    """A migrated database with one patient who has two results."""
    (home / "labs.csv").write_text(LABS)
    (home / "trial.toml").write_text(TRIAL)
    for arguments in (("db", "upgrade"), ("team", "add", "NET"), ("patient", "add", "P1", "--team", "NET")):
        ran = nadir(*arguments)
        assert ran.code == 0, ran.err
    assert nadir("import", "labs.csv").code == 0
    return nadir


def test_every_rule_is_told_in_words_with_its_thresholds(nadir):
    ran = nadir("rules", "--json")
    assert ran.code == 0, ran.err
    rules = {rule["id"]: rule for rule in ran.document}
    assert {"R01", "R09", "R13", "R40"} <= rules.keys()
    for rule in rules.values():
        assert rule.keys() == {"id", "version", "axis", "severity", "trigger", "question", "thresholds"}
        assert all(rule.values()) or rule["thresholds"] == []
    (factor,) = [t for t in rules["R03"]["thresholds"] if t["name"] == "recurrence_factor"]
    assert factor.keys() == {"name", "value", "unit", "source", "signed_off"}
    assert (factor["value"], factor["signed_off"]) == (2, False)
    assert rules["R02"]["severity"] == "high/medium"


def test_a_dry_run_tells_what_would_change_and_changes_nothing(clinic):
    ran = clinic("rules", "--dry-run", "trial.toml", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["patients"] == 1
    assert ran.document["thresholds"] == [{"name": "recurrence_factor", "unit": "1", "in_force": 2.0, "tried": 1.2}]
    assert clinic("flag", "list", "--json").document == []
    spoken = clinic("rules", "--dry-run", "trial.toml")
    assert "nothing was changed" in spoken.out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[no_such]\nvalue = 1\nunit = '1'\nsource = 's'\n", "no such threshold"),
        ("[recurrence_factor]\nvalue = 1\nunit = 'd'\nsource = 's'\n", "unit"),
        ("not toml", "trial.toml"),
        (None, "trial.toml"),
    ],
)
def test_a_protocol_that_cannot_be_used_is_refused(clinic, home, text, why):
    if text is None:
        (home / "trial.toml").unlink()
    else:
        (home / "trial.toml").write_text(text)
    ran = clinic("rules", "--dry-run", "trial.toml")
    assert ran.code == 2
    assert why in ran.err
