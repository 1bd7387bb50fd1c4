"""The sentences of the marker rules, word for word: values, dates, limits, and what confirms what."""

from __future__ import annotations

from clinical.chart import Entry
from tests.clinical.charts import findings, glucagon, operation, state, therapy, told

RESIDUAL = state(-10, "residual-stable")
NED = state(-10, "ned-resected")
ANALOGUE = {"drug": "lanreotide", "unit": "mg", "interval_days": 28}


def why(rule: str, day: float, *entries: Entry) -> str:
    return findings(day, *entries)[rule].why


def test_a_confirmed_doubling() -> None:
    rows = [RESIDUAL, glucagon(0, 60), glucagon(60, 160), glucagon(90, 165)]
    assert why("R02", 90, *rows) == (
        "Glucagon 165 pg/mL on 2024-03-31 (upper limit 80 pg/mL), +175 % over the nadir of 60 pg/mL (2024-01-01, nadir "
        "from 1 result); a rise counts from 98.51 pg/mL, confirmed after 160 pg/mL on 2024-03-01 and doubled."
    )
    named = [t.name for t in findings(90, *rows)["R02"].thresholds]
    assert named[0] == "rcv_up"
    assert {"confirm_earliest", "doubling_factor"} < set(named)
    assert "drift_factor" not in named


def test_a_nadir_from_several_results() -> None:
    rows = [glucagon(day, value) for day, value in ((0, 60), (30, 62), (60, 61), (90, 130))]
    assert "(2024-03-01, lowest median of three of 3 results)" in why("R01", 90, RESIDUAL, *rows)
    assert "(2024-01-01, nadir from 2 results)" in why("R01", 90, RESIDUAL, *rows[:2], rows[3])


def test_a_drift_across_dose_changes() -> None:
    steps = [therapy(day, "dose", dose=dose, **ANALOGUE) for day, dose in ((0, 60), (100, 90))]
    found = findings(180, RESIDUAL, *steps, glucagon(50, 100), glucagon(150, 210), glucagon(180, 215))["R02"]
    assert "across dose changes of the analogue; a rise counts from 200 pg/mL, confirmed after 210 pg/mL" in found.why
    assert found.compared_with is not None
    assert found.compared_with.note == "across dose changes; 2024-02-20, nadir from 1 result"
    named = [t.name for t in found.thresholds]
    assert "drift_factor" in named
    assert "rcv_up" not in named


def test_a_rise_that_nothing_comparable_precedes() -> None:
    found = findings(60, RESIDUAL, glucagon(0, 60, upper=None), glucagon(60, 150, upper=None))["R41"]
    assert found.why == (
        "Glucagon 150 pg/mL on 2024-03-01 (upper limit not recorded) is not judged: its upper limit is not recorded."
    )
    assert found.compared_with is None
    assert "upper limit" in found.not_recorded


def test_an_invalid_sample_of_twice_the_limit() -> None:
    found = findings(60, RESIDUAL, glucagon(60, 160, fasting=False))["R41"]
    assert found.why == "Glucagon 160 pg/mL on 2024-03-01 (upper limit 80 pg/mL) is not judged: not fasting."
    assert found.compared_with is not None
    assert (found.compared_with.kind, found.compared_with.value) == ("upper-limit", 80)
    assert "R41" not in findings(60, RESIDUAL, glucagon(60, 159.9, fasting=False))


def test_one_result_of_twice_the_limit_in_remission_and_the_draws_after_it() -> None:
    rows = [NED, glucagon(0, 60, lab="A"), glucagon(60, 160, lab="B")]
    first = (
        "Glucagon 160 pg/mL on 2024-03-01 (upper limit 80 pg/mL), 2 times the limit in a patient without evidence of "
    )
    assert why("R03", 60, *rows) == f"{first}disease; not yet confirmed by a second sample (within 14 days)."
    rows.append(glucagon(61, 170, lab="B"))
    assert why("R03", 61, *rows) == f"{first}disease; confirmed by 170 pg/mL on 2024-03-02."
    rows.append(glucagon(90, 120, lab="C"))
    assert why("R03", 90, *rows).endswith("confirmed by 170 pg/mL on 2024-03-02; latest 120 pg/mL on 2024-03-31.")


def test_recurrence_in_words() -> None:
    critical = glucagon(60, None, upper=None, interpretation="HH")
    assert why("R03", 60, NED, glucagon(0, 60), critical) == (
        "Glucagon called critically high on 2024-03-01, no number given."
    )
    high = [glucagon(day, None, upper=None, text="high") for day in (60, 67)]
    assert why("R03", 67, NED, glucagon(0, 60), *high) == (
        'Glucagon "high" on 2024-03-01 and again "high" on 2024-03-08; how high is not known.'
    )
    assert "R03" not in findings(66, NED, glucagon(0, 60), high[0], glucagon(66, None, upper=None, text="high"))


def test_the_first_value_above_the_limit() -> None:
    rows = [NED, glucagon(0, 60), glucagon(60, 85), glucagon(90, 70)]
    first = (
        "Glucagon 85 pg/mL on 2024-03-01 (upper limit 80 pg/mL), after 60 pg/mL on 2024-01-01 (upper limit 80 pg/mL)"
    )
    assert why("R42", 60, *rows) == f"{first}."
    assert why("R42", 90, *rows) == f"{first}; since then within the limit once, two are needed."


def test_too_soon_after_an_operation_nothing_is_said_of_remission() -> None:
    assert "R33" not in findings(13, operation(0), glucagon(13, 120))
    assert "R33" in findings(14, operation(0), glucagon(14, 120))
    assert "R33" not in findings(14, operation(0, intent="palliative"), glucagon(14, 120))


def test_glucagon_that_nobody_measured_after_an_operation_that_left_tumour() -> None:
    found = findings(20, glucagon(-30, 508), operation(0), state(5, "residual-stable"))["R33"]
    assert (found.severity, found.not_recorded) == ("low", ("glucagon after the operation",))
    assert found.why == (
        "Glucagon 508 pg/mL on 2023-12-02 (upper limit 80 pg/mL), resection on 2024-01-01, residual disease known; no "
        "glucagon since."
    )
    assert findings(20, glucagon(-30, 508), operation(0, completeness="R2"))["R33"].severity == "low"
    assert "R33" not in findings(20, glucagon(-30, 508), operation(0))
    assert "R33" not in findings(20, glucagon(-30, 70), operation(0, completeness="R2"))


def test_all_that_a_provisional_rise_says() -> None:
    found = findings(60, RESIDUAL, glucagon(0, 60), glucagon(60, 99, comparator=">"))["R01"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon has risen, not yet confirmed",
        "question": (
            "Order a repeat in 14-28 days, same laboratory and same phase of the injection cycle? Any confounder?"
        ),
        "why": (
            "Glucagon >99 pg/mL on 2024-03-01 (upper limit 80 pg/mL), +65 % over the nadir of 60 pg/mL "
            "(2024-01-01, nadir from 1 result); a rise counts from 98.51 pg/mL."
        ),
        "since": 60,
        "evidence": ["glucagon@60"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": ["rcv_up", "glucagon_cv_within", "glucagon_cv_analytical", "glucagon_least_rise"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_an_escape_on_an_analogue_says() -> None:
    found = findings(
        90, RESIDUAL, therapy(-400, "start", dose=120, **ANALOGUE), glucagon(0, 60), glucagon(60, 99), glucagon(90, 101)
    )["R02"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Biochemical escape on the analogue",
        "question": "Biochemical escape: review analogue and disease?",
        "why": (
            "Glucagon 101 pg/mL on 2024-03-31 (upper limit 80 pg/mL), +68 % over the nadir of 60 pg/mL "
            "(2024-01-01, nadir from 1 result); a rise counts from 98.51 pg/mL, confirmed after 99 pg/mL on "
            "2024-03-01."
        ),
        "since": 60,
        "evidence": ["glucagon@60", "glucagon@90"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": [
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
        ],
        "contains": ["R01"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_doubled_progression_says() -> None:
    found = findings(90, RESIDUAL, glucagon(0, 60), glucagon(60, 160), glucagon(90, 165))["R02"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucagon",
        "title": "Biochemical progression",
        "question": "Biochemical progression: restage?",
        "why": (
            "Glucagon 165 pg/mL on 2024-03-31 (upper limit 80 pg/mL), +175 % over the nadir of 60 pg/mL "
            "(2024-01-01, nadir from 1 result); a rise counts from 98.51 pg/mL, confirmed after 160 pg/mL on "
            "2024-03-01 and doubled."
        ),
        "since": 60,
        "evidence": ["glucagon@60", "glucagon@90"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": [
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
            "doubling_factor",
        ],
        "contains": ["R01"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_drift_across_dose_changes_says() -> None:
    found = findings(
        180,
        RESIDUAL,
        *(therapy(day, "dose", dose=dose, **ANALOGUE) for day, dose in ((0, 60), (100, 90))),
        glucagon(50, 100),
        glucagon(150, 210),
        glucagon(180, 215),
    )["R02"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucagon",
        "title": "Biochemical escape on the analogue",
        "question": "Biochemical escape: review analogue and disease?",
        "why": (
            "Glucagon 215 pg/mL on 2024-06-29 (upper limit 80 pg/mL), +115 % over the nadir of 100 pg/mL "
            "(2024-02-20, nadir from 1 result) across dose changes of the analogue; a rise counts from 200 "
            "pg/mL, confirmed after 210 pg/mL on 2024-05-30 and doubled."
        ),
        "since": 150,
        "evidence": ["glucagon@150", "glucagon@180"],
        "compared": ("nadir", 100, "pg/mL", 50, "across dose changes; 2024-02-20, nadir from 1 result"),
        "thresholds": [
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "drift_factor",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
            "doubling_factor",
        ],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_sample_that_cannot_be_judged_says() -> None:
    found = findings(60, RESIDUAL, glucagon(60, 160, fasting=False, lab="A", disqualifiers=("haemolysed",)))["R41"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon is raised and cannot be judged",
        "question": "Repeat under valid conditions?",
        "why": (
            "Glucagon 160 pg/mL on 2024-03-01 (upper limit 80 pg/mL) is not judged: haemolysed sample; not fasting."
        ),
        "since": 60,
        "evidence": ["glucagon@60"],
        "compared": ("upper-limit", 80, "pg/mL", None, None),
        "thresholds": ["recurrence_factor", "valid_least_egfr"],
        "missing": ["method", "glucose at the draw", "eGFR"],
    }


def test_all_that_recurrence_by_one_result_says() -> None:
    found = findings(60, NED, glucagon(0, 60), glucagon(60, 160))["R03"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucagon",
        "title": "Recurrence by marker",
        "question": "Recurrence by marker: CT/MRI and SSTR PET? (imaging still negative = separate status)",
        "why": (
            "Glucagon 160 pg/mL on 2024-03-01 (upper limit 80 pg/mL), 2 times the limit in a patient without "
            "evidence of disease; not yet confirmed by a second sample (within 14 days)."
        ),
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60"],
        "compared": ("upper-limit", 80, "pg/mL", None, "of the result of 2024-03-01"),
        "thresholds": ["recurrence_factor"],
        "contains": ["R01", "R42"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_recurrence_by_a_confirmed_rise_says() -> None:
    found = findings(90, NED, glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))["R03"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucagon",
        "title": "Recurrence by marker",
        "question": "Recurrence by marker: CT/MRI and SSTR PET? (imaging still negative = separate status)",
        "why": (
            "Glucagon 101 pg/mL on 2024-03-31 (upper limit 80 pg/mL), +68 % over the nadir of 60 pg/mL "
            "(2024-01-01, nadir from 1 result); a rise counts from 98.51 pg/mL, confirmed after 99 pg/mL on "
            "2024-03-01."
        ),
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60", "glucagon@90"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": [
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
        ],
        "contains": ["R01", "R42"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_recurrence_in_words_says() -> None:
    found = findings(
        67,
        NED,
        glucagon(0, 60),
        glucagon(60, None, upper=None, text="high"),
        glucagon(67, None, upper=None, interpretation="H"),
    )["R03"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucagon",
        "title": "Recurrence by marker",
        "question": "Recurrence by marker: CT/MRI and SSTR PET? (imaging still negative = separate status)",
        "why": 'Glucagon "high" on 2024-03-01 and again "H" on 2024-03-08; how high is not known.',
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60", "glucagon@67"],
        "compared": ("upper-limit", 80, "pg/mL", None, "of the result of 2024-03-01"),
        "thresholds": ["recurrence_factor"],
        "contains": ["R42"],
        "missing": ["fasting state", "laboratory", "method", "upper limit", "glucose at the draw", "eGFR"],
    }


def test_all_that_the_first_value_above_the_limit_says() -> None:
    found = findings(90, NED, glucagon(0, 60), glucagon(60, 85), glucagon(90, 70))["R42"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon above its limit after a normal run",
        "question": "First value above the limit after a normal run: repeat in 4-6 weeks? Any confounder?",
        "why": (
            "Glucagon 85 pg/mL on 2024-03-01 (upper limit 80 pg/mL), after 60 pg/mL on 2024-01-01 (upper limit "
            "80 pg/mL); since then within the limit once, two are needed."
        ),
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60"],
        "compared": ("upper-limit", 80, "pg/mL", None, "of the result of 2024-03-01"),
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_the_first_high_word_says() -> None:
    found = findings(
        60, NED, glucagon(0, None, upper=None, text="normal"), glucagon(60, None, upper=None, text="high")
    )["R42"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon above its limit after a normal run",
        "question": "First value above the limit after a normal run: repeat in 4-6 weeks? Any confounder?",
        "why": 'Glucagon "high" on 2024-03-01, after "normal" on 2024-01-01.',
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60"],
        "missing": ["fasting state", "laboratory", "method", "upper limit", "glucose at the draw", "eGFR"],
    }


def test_all_that_an_incomplete_remission_says() -> None:
    found = findings(50, glucagon(-30, 508), operation(0), glucagon(20, 317), glucagon(50, 300))["R33"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon still above its limit after the operation",
        "question": "Incomplete biochemical remission: residual disease?",
        "why": (
            "Glucagon 300 pg/mL on 2024-02-20 (upper limit 80 pg/mL), 50 days after the resection of "
            "2024-01-01, and not once within the limit since."
        ),
        "since": 20,
        "evidence": ["therapy@0", "glucagon@20", "glucagon@50"],
        "compared": ("upper-limit", 80, "pg/mL", None, "of the result of 2024-02-20"),
        "thresholds": ["remission_after"],
        "missing": ["intent of the operation", "fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_an_incomplete_remission_in_words_says() -> None:
    found = findings(20, operation(0, intent="curative"), glucagon(20, None, upper=None, text="high"))["R33"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon still above its limit after the operation",
        "question": "Incomplete biochemical remission: residual disease?",
        "why": (
            'Glucagon "high" on 2024-01-21, 20 days after the resection of 2024-01-01, and not once within the '
            "limit since."
        ),
        "since": 20,
        "evidence": ["therapy@0", "glucagon@20"],
        "thresholds": ["remission_after"],
        "missing": ["fasting state", "laboratory", "method", "upper limit", "glucose at the draw", "eGFR"],
    }


def test_all_that_an_operation_that_left_tumour_says() -> None:
    found = findings(
        20, glucagon(-30, 508), operation(0), state(5, "residual-stable"), state(9, "residual-progressing")
    )["R33"]
    assert told(found) == {
        "severity": "low",
        "subject": "glucagon",
        "title": "Glucagon not measured since an operation that left tumour",
        "question": "Incomplete biochemical remission: residual disease?",
        "why": (
            "Glucagon 508 pg/mL on 2023-12-02 (upper limit 80 pg/mL), resection on 2024-01-01, residual "
            "disease known; no glucagon since."
        ),
        "since": 0,
        "evidence": ["glucagon@-30", "therapy@0", "state@5"],
        "compared": ("upper-limit", 80, "pg/mL", None, "of the result of 2023-12-02"),
        "missing": ["glucagon after the operation"],
    }
