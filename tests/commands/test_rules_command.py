"""`nadir rules`: every rule in words, and a protocol tried on everybody without changing anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clinical.protocol import bundled_protocol
from data.db import open_database
from data.protocol.drafts import activate, ask_trial, propose, standing_draft
from data.protocol.in_force import protocol_in_force
from data.protocol.signing import sign_off
from data.protocol.trial_child import work
from data.protocol.trials import Trial
from tests.data.signing import proved
from tests.data.ward import Ward

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


def test_what_was_activated_and_signed_is_printed_and_stays_where_a_trial_file_does_not_name_it(clinic, home):
    """Signed at the site: the factor as activated; a trial of another threshold leaves it."""
    database = open_database(f"sqlite:///{home / 'var' / 'nadir.db'}", (home / "var" / "audit.key").read_bytes())
    now, base = datetime(2026, 3, 2, tzinfo=UTC), bundled_protocol()
    with database.write() as session:
        doctor = Ward.open(session, "Doctors").person("onc@n.example")
        propose(session, doctor, "recurrence_factor", value=1.2, source="ours", reason="late", base=base, now=now)
        ask_trial(session, doctor, version=1, now=now)
        trial = Trial(standing_draft(session).id, 1)
    work(database, base, trial, lambda: now)
    with database.write() as session:
        activate(session, proved(session, doctor, now), version=1, why="agreed", base=base, now=now)
    with database.write() as session:
        signed_in, version = proved(session, doctor, now), protocol_in_force(session, base).version
        sign_off(session, signed_in, ["recurrence_factor"], version=version, base=base, now=now)
    database.close()
    rules = {rule["id"]: rule for rule in clinic("rules", "--json").document}
    (factor,) = [t for t in rules["R03"]["thresholds"] if t["name"] == "recurrence_factor"]
    assert factor == {"name": "recurrence_factor", "value": 1.2, "unit": "1", "source": "ours", "signed_off": True}
    (home / "other.toml").write_text('[confirm_earliest]\nvalue = 9\nunit = "d"\nsource = "a trial"\n')
    tried = clinic("rules", "--dry-run", "other.toml", "--json").document
    assert tried["thresholds"] == [{"name": "confirm_earliest", "unit": "d", "in_force": 7.0, "tried": 9.0}]
