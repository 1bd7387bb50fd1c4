"""The main job through the command line: patient, results, sweep, flag, mail, all in the contract's JSON."""

from __future__ import annotations

import pytest

CSV = """mrn,when,analyte,value,unit,ref_high,lab,method
P1,2024-01-10,glucagon,60,pg/mL,80,Central,RIA
P1,2024-04-10,glucagon,61,pg/mL,80,Central,RIA
P1,2024-07-10,glucagon,59,pg/mL,80,Central,RIA
P1,2024-10-10,glucagon,140,pg/mL,80,Central,RIA
P1,2024-11-10,glucagon,150,pg/mL,80,Central,RIA
P1,2024-11-11,glucagon,<15,pg/mL,80,Central,RIA
P1,2024-11-12,glucagon,70,pg/L,80,Central,RIA
P1,2024-11-13,glucagon,70,,80,Central,RIA
P1,11/12/2024,glucagon,70,pg/mL,80,Central,RIA
P1,2024-11-14,glucagon,NaN,pg/mL,80,Central,RIA
NOBODY,2024-11-14,glucagon,70,pg/mL,80,Central,RIA
"""

FLAG_KEYS = {
    "id",
    "patient",
    "rule",
    "rule_version",
    "axis",
    "severity",
    "status",
    "episode",
    "opened_at",
    "as_of",
    "first_evidence_at",
    "title",
    "question",
    "why",
    "evidence",
    "compared_with",
    "thresholds",
    "suppressed",
    "contains",
    "history",
}
RECORD_KEYS = {
    "id",
    "patient",
    "kind",
    "analyte",
    "value",
    "comparator",
    "unit",
    "text",
    "canonical_value",
    "canonical_unit",
    "effective",
    "precision",
    "ref_low",
    "ref_high",
    "interpretation",
    "lab",
    "method",
    "fasting",
    "status",
    "source",
    "recorded_at",
    "superseded_by",
}
SWEEP_KEYS = {
    "run",
    "as_of",
    "patients",
    "evaluated",
    "opened",
    "updated",
    "resolved",
    "failed",
    "outbox_rows",
    "watermark",
}


@pytest.fixture
def clinic(nadir, home):
    """A migrated database with one team, one oncologist, one patient and the CSV beside it."""
    (home / "labs.csv").write_text(CSV)
    for arguments in (
        ("db", "upgrade"),
        ("team", "add", "NET clinic"),
        ("user", "add", "onc@example.org", "--role", "oncologist", "--team", "NET clinic"),
        ("patient", "add", "P1", "--name", "Test Person", "--birth-date", "1960-02-03", "--team", "NET clinic"),
    ):
        ran = nadir(*arguments)
        assert ran.code == 0, ran.err
    return nadir


def test_good_rows_are_stored_and_bad_ones_held_with_place_and_cause(clinic):
    ran = clinic("import", "labs.csv", "--json")
    assert ran.code == 1
    summary = ran.document
    assert summary["read"] == 11
    assert summary["stored"] == 6
    assert len(summary["quarantined"]) == 5
    assert summary["read"] == (
        summary["stored"]
        + summary["unchanged"]
        + summary["superseded"]
        + summary["ignored"]
        + len(summary["quarantined"])
    )
    causes = {item["where"].rsplit(":", 1)[-1]: item["why"] for item in summary["quarantined"]}
    joined = " | ".join(causes.values())
    assert "unit 'pg/L' is not accepted for glucagon" in joined
    assert "NOBODY" in joined


def test_the_same_file_twice_stores_nothing(clinic):
    clinic("import", "labs.csv", "--json")
    again = clinic("import", "labs.csv", "--json").document
    assert again["stored"] == 0
    assert again["unchanged"] == 6


def test_a_dry_run_says_the_same_and_stores_nothing(clinic):
    tried = clinic("import", "labs.csv", "--dry-run", "--json").document
    assert tried["stored"] == 6
    assert clinic("record", "list", "--patient", "P1", "--json").document == []


def test_a_censored_result_is_never_a_number(clinic):
    clinic("import", "labs.csv")
    rows = clinic("record", "list", "--patient", "P1", "--analyte", "glucagon", "--json").document
    assert all(set(row) == RECORD_KEYS for row in rows)
    censored = next(row for row in rows if row["effective"] == "2024-11-11")
    assert (censored["comparator"], censored["value"]) == ("<", 15)


def test_a_sweep_raises_the_flag_and_writes_the_mail(clinic):
    clinic("import", "labs.csv")
    swept = clinic("sweep", "--as-of", "2024-11-10T23:00:00Z", "--json").document
    assert set(swept) == SWEEP_KEYS
    assert swept["opened"] >= 1
    flags = clinic("flag", "list", "--patient", "P1", "--json").document
    assert all(set(flag) == FLAG_KEYS for flag in flags)
    rise = next(flag for flag in flags if flag["rule"] == "R02")
    assert "R01" in rise["contains"]
    assert rise["compared_with"]["kind"] == "nadir"
    assert {"140", "150"} <= {f"{e['value']:g}" for e in rise["evidence"]}
    shown = clinic("flag", "show", rise["id"], "--json").document
    assert shown.keys() >= FLAG_KEYS
    assert (shown["why"], shown["evidence"]) == (rise["why"], rise["evidence"])
    mails = clinic("outbox", "list", "--json").document
    assert any(mail["flag"] == rise["id"] for mail in mails)
    assert clinic("sweep", "--as-of", "2024-11-10T23:00:00Z", "--full", "--json").document["opened"] == 0


def test_a_replay_names_the_days_and_changes_nothing(clinic):
    clinic("import", "labs.csv")
    flags = clinic("replay", "--patient", "P1", "--json").document["flags"]
    assert [(f["rule"], f["opens"]) for f in flags if f["rule"] in ("R01", "R02")] == [
        ("R01", "2024-10-10"),
        ("R02", "2024-11-10"),
    ]
    assert clinic("flag", "list", "--json").document == []


def test_jobs_policy_and_routes_print_the_contracts_json(clinic):
    status = clinic("jobs", "status", "--json").document
    assert set(status) == {"leader", "jobs", "sweep_age_s", "oldest_unsent_s", "gaps"}
    assert {"name", "schedule", "last_due", "last_finished", "outcome", "next_due"} == set(status["jobs"][0])
    cells = clinic("policy", "dump", "--json").document
    assert {"target", "kind", "role", "decision"} == set(cells[0])
    assert {cell["decision"] for cell in cells} <= {"allow", "deny", "scope"}
    listed = clinic("routes", "--json").document
    assert {"rule", "methods", "public"} == set(listed[0])
    assert {row["rule"] for row in listed if row["public"]} >= {"/login", "/healthz", "/readyz"}


def test_the_audit_chain_holds_after_all_this(clinic):
    clinic("import", "labs.csv")
    clinic("sweep")
    assert clinic("audit", "verify").code == 0
    assert clinic("db", "check").code == 0


CURED = """mrn,when,kind,drug,dose,unit,route,interval_days,note,completeness,intent
P1,2023-01-10,procedure,resection,,,,,,R0,curative
"""
AFTER = """mrn,when,analyte,value,unit,ref_high,lab,method
P1,2023-03-10,glucagon,60,pg/mL,150,Central,RIA
P1,2023-06-10,glucagon,62,pg/mL,150,Central,RIA
P1,2023-09-10,glucagon,58,pg/mL,150,Central,RIA
P1,2023-12-10,glucagon,190,pg/mL,150,Central,RIA
P1,2024-01-10,glucagon,200,pg/mL,150,Central,RIA
"""


def test_after_a_curative_resection_a_confirmed_rise_is_recurrence_without_anyone_stating_the_state(clinic, home):
    (home / "operation.csv").write_text(CURED)
    (home / "after.csv").write_text(AFTER)
    assert clinic("import", "operation.csv").code == 0
    assert clinic("import", "after.csv").code == 0
    flags = clinic("replay", "--patient", "P1", "--json").document["flags"]
    marker = [(f["rule"], f["opens"], f["severity"]) for f in flags if f["rule"] in ("R42", "R02", "R03")]
    assert marker == [("R42", "2023-12-10", "medium"), ("R03", "2024-01-10", "high")]
