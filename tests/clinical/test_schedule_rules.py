"""R30, R38 and R39: what is overdue, the gallbladder after an analogue, glucose after its change."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.rules import registered
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    coded,
    findings,
    glucagon,
    lab,
    moment,
    operation,
    response,
    sensor,
    skin,
    state,
    therapy,
    told,
    ultrasound,
)

RESIDUAL = state(0, "residual-stable")
START = therapy(0, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
STOP = therapy(400, "stop", drug="lanreotide")
ON_ANALOGUE = ("hba1c", "tsh", "b12", "vitamin-a", "vitamin-d", "vitamin-e", "inr", "zinc", "glucose")


def checked(day: float, *but: str) -> list[Entry]:
    """Everything an analogue asks for, measured on a day, but for some."""
    return [lab(day, analyte, 5.0) for analyte in ON_ANALOGUE if analyte not in but]


def severity(rule: str, day: float, *entries: Entry) -> str | None:
    found = findings(day, *entries)
    return found[rule].severity if rule in found else None


@pytest.mark.parametrize(
    ("days", "expected"), [(91, None), (136, None), (137, "low"), (182, "low"), (183, "medium"), (900, "medium")]
)
def test_glucagon_is_overdue_beyond_one_and_a_half_intervals_and_long_overdue_beyond_two(
    days: int, expected: str | None
) -> None:
    rows = [RESIDUAL, glucagon(10, 60), response(10 + days, "SD")]
    assert severity("R30", 10 + days, *rows) == expected


def test_a_scan_of_300_days_ago_is_overdue_when_it_is_owed_every_half_year() -> None:
    found = findings(300, RESIDUAL, response(0, "SD"), glucagon(290, 60))["R30"]
    assert (found.severity, found.title) == ("low", "Overdue: CT or MRI")
    assert "last on 2024-01-01, 300 days ago, asked for every 182 days" in found.why
    assert [t.value for t in found.thresholds] == [182, 1.5, 2]


@pytest.mark.parametrize(("day", "expected"), [(28, None), (29, "low"), (182, "low"), (183, "medium")])
def test_what_was_never_measured_is_a_finding_after_a_month(day: int, expected: str | None) -> None:
    assert severity("R30", day, RESIDUAL, response(0, "SD")) == expected


def test_one_finding_lists_everything_to_be_booked_and_says_alike_what_is_alike() -> None:
    rows = [RESIDUAL, START, response(150, "SD"), glucagon(0, 60), *checked(140, "b12", "zinc", "vitamin-d", "inr")]
    found = findings(160, *rows)["R30"]
    assert found.title == "Overdue: glucagon; never measured: vitamin B12, zinc and vitamins D and K"
    assert found.why == (
        "Vitamin B12, zinc and vitamins D and K never measured, on an analogue since 2024-01-01; "
        "glucagon last on 2024-01-01, 160 days ago, asked for every 91 days."
    )
    assert found.subject == "schedule"
    assert found.not_recorded == ("vitamin B12", "vitamin D", "vitamin K (INR or PIVKA-II)", "zinc")
    assert found.compared_with is not None
    assert found.compared_with.kind == "schedule"
    assert {e.kind for e in found.evidence} == {"lab", "therapy", "state"}


def test_one_vitamin_alone_is_named_in_the_singular() -> None:
    assert findings(40, START, *checked(30, "vitamin-e"))["R30"].title == "Never measured: vitamin E"


def test_a_baseline_too_old_for_the_new_clock_says_so() -> None:
    found = findings(40, START, *checked(30, "tsh"), lab(-900, "tsh", 2.0))["R30"]
    assert found.title == "Overdue: TSH"
    assert "not since then though on an analogue since 2024-01-01" in found.why


def test_the_worst_item_gives_the_severity_and_the_comparison() -> None:
    rows = [RESIDUAL, START, *checked(170, "zinc"), glucagon(0, 60), response(180, "SD")]
    found = findings(190, *rows)["R30"]
    assert found.severity == "medium"
    assert found.compared_with is not None
    assert found.compared_with.note is not None
    assert found.compared_with.note.startswith("glucagon, ")


def test_of_items_equally_overdue_the_one_overdue_for_longest_is_compared() -> None:
    found = findings(900, RESIDUAL, glucagon(100, 60), response(10, "SD"))["R30"]
    assert told(found)["compared"] == ("schedule", 91, "d", 191, "glucagon, residual disease stated on 2024-01-01")


@pytest.mark.parametrize(
    ("rule", "rows", "asked", "due"),
    [
        ("R30", [RESIDUAL, response(0, "SD"), glucagon(10, 60)], 100, 147),
        ("R38", [START, STOP, ultrasound(390, stones="none")], 800, 390 + 458),
        ("R39", [START], 1, 15),
    ],
)
def test_time_alone_makes_it_overdue_and_the_rule_says_when(rule: str, rows: list[Entry], asked: int, due: int) -> None:
    (next_due,) = [r.next_due for r in registered() if r.id == rule]
    assert next_due is not None
    assert next_due(chart(*rows), PROTOCOL, moment(asked)) == moment(due)
    assert severity(rule, due - 1, *rows) is None
    assert severity(rule, due, *rows) == "low"


def test_when_all_was_done_lately_nothing_is_overdue() -> None:
    rows = [RESIDUAL, START, *checked(380), glucagon(380, 60), response(380, "SD")]
    assert "R30" not in findings(400, *rows)


def test_skin_pulse_and_liver_are_in_the_schedule_but_not_in_the_list_to_book() -> None:
    assert "R30" not in findings(400, operation(0), state(1, "ned-resected"), glucagon(390, 60), response(390, "NED"))


def test_a_low_risk_of_relapse_spares_the_scan_and_the_finding_says_so() -> None:
    rows = [
        operation(0, completeness="R0"),
        state(1, "ned-resected"),
        coded(5, "grade", text="G1"),
        coded(5, "stage", text="pT1 N0"),
    ]
    found = findings(300, *rows)["R30"]
    assert found.title == "Never measured: glucagon"
    assert found.suppressed[0].what == "CT or MRI"
    assert "R30" not in findings(900, *rows, glucagon(800, 60))
    assert findings(300, *rows[:3])["R30"].suppressed == ()


def test_a_sample_on_its_way_is_not_asked_for_again_until_it_should_be_back() -> None:
    rows = [RESIDUAL, response(140, "SD"), glucagon(0, 60), glucagon(140, None, status="absent")]
    assert severity("R30", 161, *rows) is None
    assert severity("R30", 162, *rows) == "low"


def test_a_rash_without_any_glucagon_asks_for_one_the_next_day() -> None:
    found = findings(1, skin(0, overall="active"))["R30"]
    assert (found.severity, found.title) == ("low", "Never measured: glucagon")
    assert "rash seen on 2024-01-01" in found.why
    assert "R30" not in findings(0, skin(0, overall="active"))


def test_nothing_is_asked_of_a_patient_who_has_died() -> None:
    late = chart(RESIDUAL).states[0].effective.replace(year=2025)
    assert findings(900, RESIDUAL, deceased=late) == {}


@pytest.mark.parametrize(("days_ago", "expected"), [(457, None), (458, "low"), (1200, "low")])
def test_the_gallbladder_is_watched_on_after_the_analogue(days_ago: int, expected: str | None) -> None:
    rows = [START, STOP, ultrasound(1600 - days_ago, stones="none")]
    assert severity("R38", 1600, *rows) == expected


def test_the_watch_counts_from_the_start_where_nobody_ever_looked() -> None:
    found = findings(500, START, STOP)["R38"]
    assert "No biliary ultrasound is recorded" in found.why
    assert "last dose on 2025-02-04" in found.why
    assert [e.kind for e in found.evidence] == ["therapy", "therapy"]


def test_the_watch_begins_when_the_analogue_ends() -> None:
    rows = [therapy(0, "start", drug="lanreotide"), therapy(600, "stop", drug="lanreotide")]
    assert {"R18", "R38"} & findings(599, *rows).keys() == {"R18"}
    assert {"R18", "R38"} & findings(600, *rows).keys() == {"R38"}


@pytest.mark.parametrize(("days", "watched"), [(1826, True), (1827, False)])
def test_the_watch_ends_five_years_after_the_last_dose(days: int, watched: bool) -> None:
    assert ("R38" in findings(400 + days, START, STOP)) is watched


@pytest.mark.parametrize(
    "rows",
    [
        [START, STOP, operation(500, "cholecystectomy")],
        [START, STOP, ultrasound(500, gallbladder="absent")],
        [START],
        [START, STOP, therapy(900, "start", drug="lanreotide")],
        [therapy(0, "start", drug="octreotide"), therapy(29, "stop", drug="octreotide")],
        [],
    ],
    ids=["removed", "absent", "still given", "given again", "short", "never"],
)
def test_nothing_is_watched(rows: list[Entry]) -> None:
    assert "R38" not in findings(1000, *rows)


@pytest.mark.parametrize(("day", "expected"), [(14, None), (15, "low"), (300, "low")])
def test_no_glucose_after_the_start_of_an_analogue_is_a_finding_after_fourteen_days(
    day: int, expected: str | None
) -> None:
    assert severity("R39", day, START, lab(-1, "glucose", 100)) == expected


@pytest.mark.parametrize(
    ("record", "answers"),
    [
        (lab(0, "glucose", 100), True),
        (lab(14, "glucose-fasting", 100), True),
        (lab(30, "glucose", None, text="normal"), True),
        (sensor(5), True),
        (lab(14, "hba1c", 6.0), True),
        (lab(13, "hba1c", 6.0), False),
        (lab(-1, "glucose", 100), False),
        (lab(1, "glucose", None, status="absent"), False),
    ],
)
def test_what_answers_the_question_for_glucose(record: Entry, answers: bool) -> None:
    assert ("R39" not in findings(40, START, record)) is answers


@pytest.mark.parametrize(
    ("step", "asked"),
    [
        (therapy(100, "dose", drug="lanreotide", dose=90, unit="mg"), True),
        (therapy(100, "interval", drug="lanreotide", interval_days=21), True),
        (therapy(100, "start", drug="octreotide-lar", dose=20, unit="mg"), True),
        (therapy(100, "injection", drug="lanreotide", dose=120, unit="mg", interval_days=28), False),
        (therapy(100, "stop", drug="lanreotide"), False),
    ],
)
def test_a_change_of_the_analogue_asks_again_and_another_injection_does_not(step: Entry, asked: bool) -> None:
    found = findings(115, START, lab(5, "glucose", 100), step)
    assert ("R39" in found) is asked
    if asked:
        assert "2024-04-10" in found["R39"].why
        assert "the last one on 2024-01-06, before it" in found["R39"].why


def test_all_that_an_overdue_schedule_says() -> None:
    found = findings(190, RESIDUAL, START, *checked(170, "zinc", "vitamin-d"), glucagon(0, 60), response(180, "SD"))[
        "R30"
    ]
    assert told(found) == {
        "severity": "medium",
        "subject": "schedule",
        "title": "Overdue: glucagon; never measured: zinc and vitamin D",
        "question": "Book what is missing?",
        "why": (
            "Zinc and vitamin D never measured, on an analogue since 2024-01-01; glucagon last on 2024-01-01, "
            "190 days ago, asked for every 91 days."
        ),
        "since": 29,
        "evidence": ["glucagon@0", "state@0", "therapy@0"],
        "compared": ("schedule", 91, "d", 91, "glucagon, residual disease stated on 2024-01-01"),
        "thresholds": [
            "schedule_vitamins",
            "schedule_baseline_grace",
            "schedule_long_overdue_factor",
            "schedule_zinc",
            "schedule_residual",
            "schedule_overdue_factor",
        ],
        "missing": ["vitamin D", "zinc"],
    }


def test_all_that_a_spared_scan_says() -> None:
    found = findings(
        300,
        operation(0, completeness="R0"),
        state(1, "ned-resected"),
        coded(5, "grade", text="G1"),
        coded(5, "stage", text="pT1 N0"),
    )["R30"]
    assert told(found) == {
        "severity": "medium",
        "subject": "schedule",
        "title": "Never measured: glucagon",
        "question": "Book what is missing?",
        "why": "Glucagon never measured, since the resection of 2024-01-01.",
        "since": 137,
        "evidence": ["therapy@0"],
        "compared": ("schedule", 91, "d", 91, "glucagon, since the resection of 2024-01-01"),
        "thresholds": ["schedule_ned_first", "schedule_overdue_factor", "schedule_long_overdue_factor"],
        "suppressed": [("CT or MRI", "low risk of relapse: complete resection, G1, T1 N0")],
        "missing": ["glucagon"],
    }


def test_all_that_a_baseline_too_old_says() -> None:
    found = findings(40, START, *checked(30, "tsh"), lab(-900, "tsh", 2.0, unit="m[IU]/L"))["R30"]
    assert told(found) == {
        "severity": "low",
        "subject": "schedule",
        "title": "Overdue: TSH",
        "question": "Book what is missing?",
        "why": ("TSH last on 2021-07-15, 940 days ago, not since then though on an analogue since 2024-01-01."),
        "since": 29,
        "evidence": ["tsh@-900", "therapy@0"],
        "compared": ("schedule", 365, "d", 0, "TSH, on an analogue since 2024-01-01"),
        "thresholds": ["schedule_tsh", "schedule_baseline_grace", "schedule_long_overdue_factor"],
    }


def test_all_that_the_watch_after_an_analogue_says() -> None:
    found = findings(1600, START, STOP, ultrasound(1600 - 458, stones="none"))["R38"]
    assert told(found) == {
        "severity": "low",
        "subject": "ultrasound-after-analogue",
        "title": "Biliary ultrasound after the analogue overdue",
        "question": "Biliary watch after stopping: order an ultrasound?",
        "why": (
            "Last biliary ultrasound 2027-02-16, 458 days ago; lanreotide stopped, last dose on 2025-02-04, "
            "stones come up to years later."
        ),
        "since": 1600,
        "evidence": ["therapy@0", "therapy@400", "biliary@1142"],
        "compared": ("schedule", 365, "d", 1507, "biliary ultrasound, lanreotide stopped, last dose on 2025-02-04"),
        "thresholds": ["ultrasound_long_overdue", "ultrasound_stopped_watch"],
    }


def test_all_that_the_watch_says_where_nobody_looked() -> None:
    found = findings(500, START, STOP)["R38"]
    assert told(found) == {
        "severity": "low",
        "subject": "ultrasound-after-analogue",
        "title": "Biliary ultrasound after the analogue overdue",
        "question": "Biliary watch after stopping: order an ultrasound?",
        "why": (
            "No biliary ultrasound is recorded; lanreotide stopped, last dose on 2025-02-04, stones come up to "
            "years later."
        ),
        "since": 458,
        "evidence": ["therapy@0", "therapy@400"],
        "compared": ("schedule", 365, "d", 365, "biliary ultrasound, lanreotide stopped, last dose on 2025-02-04"),
        "thresholds": ["ultrasound_long_overdue", "ultrasound_stopped_watch"],
    }


def test_all_that_no_glucose_after_a_start_says() -> None:
    found = findings(15, START, lab(-1, "glucose", 100))["R39"]
    assert told(found) == {
        "severity": "low",
        "subject": "glucose",
        "title": "No glucose since the analogue was started or changed",
        "question": "Glucose check?",
        "why": (
            "Lanreotide started or changed on 2024-01-01, 15 days ago, and no glucose is recorded since; the "
            "last one on 2023-12-31, before it."
        ),
        "since": 15,
        "evidence": ["glucose@-1", "therapy@0"],
        "compared": ("schedule", 14, "d", 0, "glucose, lanreotide started or changed on 2024-01-01"),
        "thresholds": ["glucose_after_change"],
        "missing": ["glucose"],
    }


def test_all_that_no_glucose_ever_says() -> None:
    found = findings(15, START)["R39"]
    assert told(found) == {
        "severity": "low",
        "subject": "glucose",
        "title": "No glucose since the analogue was started or changed",
        "question": "Glucose check?",
        "why": (
            "Lanreotide started or changed on 2024-01-01, 15 days ago, and no glucose is recorded since; none before."
        ),
        "since": 15,
        "evidence": ["therapy@0"],
        "compared": ("schedule", 14, "d", 0, "glucose, lanreotide started or changed on 2024-01-01"),
        "thresholds": ["glucose_after_change"],
        "missing": ["glucose"],
    }
