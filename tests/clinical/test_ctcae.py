"""Grades of laboratory and measured terms in the three versions of CTCAE (clinical reference section 6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clinical.analytes import CATALOGUE
from clinical.ctcae import Measurement, grade
from clinical.ctcae_criteria import CriterionError, read_criterion
from clinical.ctcae_terms import VERSIONS, UnknownTerm, terms, terms_for
from clinical.units import convert


def graded(name: str, version: Any, **measured: Any) -> int | None:
    return grade(name, Measurement(**measured), version).grade


def why(name: str, version: Any, **measured: Any) -> str:
    return grade(name, Measurement(**measured), version).why


# (term, version, measurement, grade): one line per cell of the table of section 6 that has a number
REFERENCE: list[tuple[str, int, dict[str, Any], int | None]] = [
    ("Hyperglycemia", 6, {"value": 160, "unit": "mg/dL", "uln": 100, "fasting": True}, 1),
    ("Hyperglycemia", 6, {"value": 161, "unit": "mg/dL", "uln": 100, "fasting": True}, 2),
    ("Hyperglycemia", 4, {"value": 13.9, "unit": "mmol/L", "uln": 5.6, "fasting": True}, 2),
    ("Hyperglycemia", 4, {"value": 14.0, "unit": "mmol/L", "uln": 5.6}, 3),
    ("Hyperglycemia", 6, {"value": 501, "unit": "mg/dL"}, 4),
    ("Hyperglycemia", 5, {"value": 501, "unit": "mg/dL", "uln": 100, "fasting": True}, None),
    ("Hypoglycemia", 5, {"value": 55, "unit": "mg/dL", "lln": 70}, 1),
    ("Hypoglycemia", 5, {"value": 54, "unit": "mg/dL", "lln": 70}, 2),
    ("Hypoglycemia", 6, {"value": 2.1, "unit": "mmol/L"}, 3),
    ("Hypoglycemia", 4, {"value": 29, "unit": "mg/dL"}, 4),
    ("Weight loss", 5, {"value": 76, "unit": "kg", "baseline": 80}, 1),
    ("Weight loss", 6, {"value": 72, "unit": "kg", "baseline": 80}, 2),
    ("Weight loss", 4, {"value": 64, "unit": "kg", "baseline": 80}, 3),
    ("Weight loss", 5, {"value": 20, "unit": "%"}, 3),
    ("Weight loss", 5, {"value": 90, "unit": "kg", "baseline": 80}, 0),
    ("Diarrhea", 5, {"value": 5, "unit": "{stools}/d", "baseline": 2}, 1),
    ("Diarrhea", 5, {"value": 6, "unit": "/d", "baseline": 2}, 2),
    ("Diarrhoea", 6, {"value": 9, "unit": "{stools}/d", "baseline": 2}, 3),
    ("Diarrhea", 6, {"value": 9, "unit": "{stools}/d"}, None),
    ("Alkaline phosphatase increased", 5, {"value": 250, "unit": "U/L", "uln": 100}, 1),
    ("Alkaline phosphatase increased", 5, {"value": 260, "unit": "U/L", "uln": 100, "baseline": 130}, 1),
    ("Alkaline phosphatase increased", 5, {"value": 259, "unit": "U/L", "uln": 100, "baseline": 130}, 0),
    ("Alkaline phosphatase increased", 6, {"value": 2001, "unit": "U/L", "uln": 100, "baseline": 100}, 1),
    ("GGT increased", 5, {"value": 251, "unit": "U/L", "uln": 100}, 2),
    ("GGT increased", 6, {"value": 301, "unit": "U/L", "uln": 100, "baseline": 200}, 2),
    ("GGT increased", 6, {"value": 2001, "unit": "U/L", "uln": 100, "baseline": 200}, 4),
    ("Alanine aminotransferase increased", 5, {"value": 180, "unit": "U/L", "uln": 40, "baseline": 120}, 1),
    ("Aspartate aminotransferase increased", 6, {"value": 241, "unit": "U/L", "uln": 40, "baseline": 120}, 3),
    ("Blood bilirubin increased", 5, {"value": 3.1, "unit": "mg/dL", "uln": 1}, 3),
    ("Blood bilirubin increased", 6, {"value": 5.1, "unit": "mg/dL", "uln": 1, "baseline": 2}, 3),
    ("Lipase increased", 5, {"value": 130, "unit": "U/L", "uln": 60}, 3),
    ("Lipase increased", 6, {"value": 130, "unit": "U/L", "uln": 60}, 2),
    ("Hypoalbuminemia", 5, {"value": 34, "unit": "g/L", "lln": 35}, 1),
    ("Hypoalbuminaemia", 6, {"value": 2.9, "unit": "g/dL", "lln": 3.5}, 2),
    ("Hypoalbuminemia", 4, {"value": 19, "unit": "g/L", "lln": 35}, 3),
    ("Anemia", 5, {"value": 100, "unit": "g/L", "lln": 120}, 1),
    ("Anaemia", 6, {"value": 9.9, "unit": "g/dL", "lln": 12}, 2),
    ("Anemia", 4, {"value": 4.8, "unit": "mmol/L", "lln": 7.4}, 3),
    ("Sinus bradycardia", 5, {"value": 59, "unit": "/min"}, 1),
    ("Sinus bradycardia", 6, {"value": 60, "unit": "bpm"}, 0),
    ("Electrocardiogram QT corrected interval prolonged", 5, {"value": 480, "unit": "ms"}, 1),
    ("Electrocardiogram QT corrected interval prolonged", 5, {"value": 500, "unit": "ms"}, 2),
    ("Electrocardiogram QT corrected interval prolonged", 6, {"value": 501, "unit": "ms"}, 3),
    ("Electrocardiogram QT corrected interval prolonged", 5, {"value": 455, "unit": "ms", "baseline": 394}, 3),
    ("INR increased", 5, {"value": 1.3, "unit": "{INR}", "baseline": 1.3}, 1),
    ("INR increased", 5, {"value": 1.2, "unit": "{INR}", "baseline": 1.2}, 0),
    ("INR increased", 6, {"value": 2.6, "unit": None}, 3),
    ("Vitamin D decreased", 6, {"value": 18, "unit": "ng/mL", "lln": 20}, 1),
    ("Vitamin D decreased", 5, {"value": 18, "unit": "ng/mL", "lln": 20}, None),
    ("Pancreatic enzymes decreased", 5, {"value": 120, "unit": "ug/g", "lln": 200}, 1),
    ("Pancreatic enzymes decreased", 6, {"value": 120, "unit": "ug/g", "lln": 200}, None),
    ("Pancreatic insufficiency", 6, {"value": 120, "unit": "ug/g", "lln": 200}, 1),
    ("Alopecia", 5, {"value": 50, "unit": "%"}, 2),
    ("Rash maculo-papular", 5, {"value": 10, "unit": "%{BSA}"}, 2),
    ("Rash maculo-papular", 6, {"value": 50, "unit": "%"}, 0),
    ("Rash maculo-papular", 6, {"value": 51, "unit": "%"}, 3),
    ("Erythema multiforme", 5, {"value": 31, "unit": "%"}, 3),
    ("Erythema multiforme", 6, {"value": 31, "unit": "%"}, None),
    ("Bullous dermatitis", 5, {"value": 9, "unit": "%"}, 1),
    ("Skin ulceration", 5, {"value": 2, "unit": "cm"}, 2),
    ("Skin ulceration", 5, {"value": 2.1, "unit": "cm"}, 3),
    ("Hemoglobin increased", 4, {"value": 201, "unit": "g/L", "uln": 170, "baseline": 180}, 2),
    ("Hemoglobin increased", 5, {"value": 201, "unit": "g/L", "uln": 170, "baseline": 180}, 2),
    ("Hemoglobin increased", 4, {"value": 199, "unit": "g/L", "uln": 170, "baseline": 180}, 1),
    ("Hemoglobin increased", 4, {"value": 19.9, "unit": "g/dL", "uln": 17}, 2),
    ("Fibrinogen decreased", 4, {"value": 2.5, "unit": "g/L", "lln": 2}, None),
    ("Fibrinogen decreased", 4, {"value": 2.5, "unit": "g/L", "lln": 2, "percent_change": -50}, 3),
    ("Fibrinogen decreased", 5, {"value": 2.5, "unit": "g/L", "lln": 2, "percent_change": -50}, 0),
]


@pytest.mark.parametrize(("name", "version", "measured", "expected"), REFERENCE)
def test_every_numeric_cell_of_the_reference_table_is_graded(
    name: str, version: int, measured: dict[str, Any], expected: int | None
) -> None:
    assert graded(name, version, **measured) == expected


def test_what_is_graded_by_words_is_not_graded_and_says_so() -> None:
    assert "not by a number" in why("Hyperglycemia", 5, value=300, unit="mg/dL", uln=100)
    for name in ("Malabsorption", "Cholecystitis", "Hypothyroidism", "Thromboembolic event"):
        for version in VERSIONS:
            assert graded(name, version, value=1, unit="1") is None


def test_a_missing_limit_leaves_the_grade_open_instead_of_normal() -> None:
    assert graded("alt", 5, value=30, unit="U/L") is None
    assert "no upper limit of normal" in why("alt", 5, value=30, unit="U/L")
    assert graded("haemoglobin", 5, value=125, unit="g/L") is None
    assert graded("Anemia", 5, value=79, unit="g/L") == 3


def test_a_high_baseline_without_its_number_grades_only_what_is_certain() -> None:
    abnormal = {"unit": "U/L", "uln": 40, "baseline_indicator": "high"}
    assert graded("alt", 6, value=40, **abnormal) == 0
    assert graded("alt", 6, value=400, **abnormal) is None
    assert "no baseline" in why("alt", 6, value=400, **abnormal)


def test_the_recorded_baseline_indicator_wins_over_the_present_range() -> None:
    assert graded("alt", 5, value=150, unit="U/L", uln=40, baseline=50) == 1
    assert graded("alt", 5, value=150, unit="U/L", uln=40, baseline=50, baseline_indicator="normal") == 2
    assert graded("alt", 5, value=74, unit="U/L", uln=40, baseline=50) == 0
    assert graded("alt", 5, value=74, unit="U/L", uln=40, baseline=50, baseline_indicator="normal") == 1


def test_a_missing_or_foreign_unit_is_refused_with_the_printed_ones() -> None:
    assert "there is no unit" in why("Anemia", 5, value=90)
    assert "not accepted" in why("Anemia", 5, value=90, unit="pg/L")
    assert "'mol' is not one" in why("Hyperkalemia", 5, value=6, unit="mol")
    assert "not accepted" in why("alt", 5, value=90, unit="mmol/L", uln=40)


def test_a_unit_that_is_not_printed_is_converted() -> None:
    assert graded("Hypoglycemia", 5, value=0.54, unit="g/L", lln=0.7) == 2
    assert graded("Sinus bradycardia", 5, value=59, unit="beats/min") == 1
    assert graded("Weight loss", 5, value=72000, unit="g", baseline=80000) == 2


def test_a_censored_result_is_graded_only_as_far_as_it_reaches() -> None:
    assert graded("Hyperglycemia", 6, value=500, unit="mg/dL", comparator=">") == 4
    assert graded("Hyperglycemia", 6, value=500, unit="mg/dL", comparator=">=") == 3
    assert graded("Hypoglycemia", 5, value=40, unit="mg/dL", lln=70, comparator="<") == 3
    assert graded("Hypoglycemia", 5, value=40, unit="mg/dL", lln=70, comparator=">") is None
    assert graded("alt", 5, value=40, unit="U/L", uln=40, comparator="<") == 0
    assert graded("alt", 5, value=41, unit="U/L", uln=40, comparator="<") is None
    assert graded("Weight loss", 5, value=40, unit="kg", baseline=80, comparator="<") is None


def test_a_test_with_two_terms_gives_the_higher_grade_and_never_hides_an_open_one() -> None:
    low = grade("glucose", Measurement(value=50, unit="mg/dL", lln=70, uln=100), 6)
    high = grade("2345-7", Measurement(value=300, unit="mg/dL", lln=70, uln=100), 6)
    assert (low.term, low.grade, high.term, high.grade) == ("Hypoglycemia", 2, "Hyperglycemia", 3)
    assert graded("glucose", 6, value=90, unit="mg/dL", lln=70, uln=100) == 0
    in_v5 = grade("glucose", Measurement(value=300, unit="mg/dL", lln=70, uln=100), 5)
    assert (in_v5.term, in_v5.grade) == ("Hyperglycemia", None)


def test_a_fasting_term_refuses_a_sample_that_was_not_fasting() -> None:
    assert graded("Hyperglycemia (Fasting)", 6, value=200, unit="mg/dL", uln=100, fasting=False) is None
    assert graded("Hyperglycemia (Fasting)", 6, value=200, unit="mg/dL", uln=100) == 2


def test_a_creatinine_clearance_beyond_the_term_is_sent_to_the_right_one() -> None:
    assert graded("Creatinine clearance decreased", 6, value=10, unit="mL/min") == 3
    assert "acute kidney injury" in why("Creatinine clearance decreased", 6, value=9.9, unit="mL/min")


def test_a_grade_says_what_it_was_held_against_and_what_it_presumes() -> None:
    said = why("lipase", 5, value=130, unit="U/L", uln=60)
    assert said == (
        "Lipase increased, CTCAE v5.0: 130 U/L is >2 x ULN (ULN 60); since v5.0 it presumes symptoms; "
        "without symptoms it is grade 2 up to 5 x ULN"
    )


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_no_number_has_no_grade(value: Any) -> None:
    assert graded("alt", 5, value=value, unit="U/L", uln=40) is None


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownTerm, match="'Headache'"):
        terms_for("Headache")


def test_an_unreadable_criterion_is_named() -> None:
    with pytest.raises(CriterionError, match="'>> 3 x ULN'"):
        read_criterion(">> 3 x ULN")


def test_every_term_says_for_every_version_how_or_why_not() -> None:
    for term in terms().values():
        for version in VERSIONS:
            if version in term.criteria:
                assert len(term.criteria[version]) == 4
            else:
                assert term.why_not(version)
        assert all(test in CATALOGUE for test in term.tests)


MONOTONE = [(t.name, v) for t in terms().values() for v in t.criteria if t.direction != "change" and not t.elsewhere]
steps = st.decimals(min_value=0, max_value=1200, places=2)


@given(st.sampled_from(MONOTONE), steps, steps, st.sampled_from(["low", "normal", "high", None]))
def test_a_worse_value_never_has_a_better_grade(
    case: tuple[str, Any], one: Decimal, other: Decimal, indicator: Any
) -> None:
    name, version = case
    term = terms()[name]
    printed = term.printed_units(version)
    limits: dict[str, Any] = {"lln": 10, "uln": 40, "baseline": 60, "baseline_indicator": indicator}
    low, high = sorted((one, other))
    unit = printed[0] if printed else None
    better, worse = (low, high) if term.direction == "high" else (high, low)
    first = graded(name, version, value=better, unit=unit, **limits)
    second = graded(name, version, value=worse, unit=unit, **limits)
    assert first is not None and second is not None and first <= second


# Factor of the second unit; the printed limits of these pairs are the same quantity exactly.
SAME_QUANTITY = [
    ("Anemia", "haemoglobin", "g/L", "g/dL", (20, 240)),
    ("Hypoalbuminemia", "albumin", "g/L", "g/dL", (5, 60)),
    ("Blood bilirubin increased", "bilirubin", "mg/dL", "umol/L", (0, 30)),
    ("Alanine aminotransferase increased", "alt", "U/L", "ukat/L", (0, 2000)),
    ("Creatinine increased", "creatinine", "mg/dL", "umol/L", (0, 20)),
    ("Vitamin D decreased", "vitamin-d", "ng/mL", "nmol/L", (1, 100)),
]


@given(st.sampled_from(SAME_QUANTITY), st.data(), st.sampled_from([4, 5, 6]))
def test_the_choice_of_unit_does_not_change_a_grade(
    case: tuple[str, str, str, str, tuple[int, int]], data: st.DataObject, version: Any
) -> None:
    name, analyte, unit, other, (lowest, highest) = case
    numbers = st.decimals(min_value=lowest, max_value=highest, places=1)
    span = Decimal(highest - lowest)
    value, lln, uln = data.draw(numbers), lowest + span / 4, lowest + span / 2
    # A value exactly on a multiple of a limit is decided by the last digit of the conversion.
    assume(all(abs(value - k * limit / 2) > Decimal("1e-9") for k in range(1, 41) for limit in (lln, uln)))

    def across(number: Decimal) -> float:
        return convert(analyte, number, unit, other)

    here = graded(name, version, value=value, unit=unit, lln=lln, uln=uln)
    there = graded(name, version, value=across(value), unit=other, lln=across(lln), uln=across(uln))
    assert here == there


@given(st.decimals(min_value=10, max_value=700, places=1), st.sampled_from([4, 5, 6]))
def test_glucose_in_the_other_unit_differs_only_between_the_two_printed_limits(value: Decimal, version: Any) -> None:
    mmol = Decimal(str(convert("glucose", value, "mg/dL", "mmol/L")))
    for name, printed in (
        ("Hypoglycemia", ((55, "3.0"), (40, "2.2"), (30, "1.7"))),
        ("Hyperglycemia", ((160, "8.9"), (250, "13.9"), (500, "27.8"))),
    ):
        between = any((value < mg) is not (mmol < Decimal(mm)) for mg, mm in printed)
        on_one = any(value == mg or mmol == Decimal(mm) for mg, mm in printed)
        in_mg = graded(name, version, value=value, unit="mg/dL", fasting=True, lln=70, uln=100)
        in_mmol = graded(
            name, version, value=mmol, unit="mmol/L", fasting=True, lln=Decimal("3.8855"), uln=Decimal("5.5507")
        )
        gap = 69 < value < 71 or 99 < value < 101
        assert in_mg == in_mmol or between or on_one or gap
