"""The sentences of the marker rules, word for word: values, dates, limits, and what confirms what."""

from __future__ import annotations

from clinical.chart import Entry
from tests.clinical.charts import findings, glucagon, operation, state, therapy

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
