"""R20 and R36: vitamins and minerals below the limits of the clinical reference, and vitamin B12 on its way down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from clinical.chart import Entry
from clinical.deficiency import tocopherol_per_cholesterol
from clinical.finding import Finding, Suppressed
from clinical.rules import judge_chart, registered
from clinical.units import to_canonical
from tests.clinical.charts import PROTOCOL, by_subject, chart, coded, findings, lab, moment, therapy, told


def molar(day: float, analyte: str, value: str, unit: str, **given: Any) -> Entry:
    return lab(day, analyte, to_canonical(analyte, Decimal(value), unit), **given)


def low(day: float, *entries: Entry, **patient: Any) -> dict[str, Finding]:
    """The deficiencies by analyte."""
    judged = judge_chart(chart(*entries, **patient), PROTOCOL, moment(day))
    return {f.subject: f for f in judged.findings if f.rule == "R20"}


def held(day: float, *entries: Entry) -> tuple[Suppressed, ...]:
    return judge_chart(chart(*entries), PROTOCOL, moment(day)).suppressed


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        (lab(0, "vitamin-d", 20), None),
        (lab(0, "vitamin-d", 19.9), "low"),
        (lab(0, "vitamin-d", 12), "low"),
        (lab(0, "vitamin-d", 11.9), "high"),
        (molar(0, "vitamin-d", "50", "nmol/L"), None),
        (molar(0, "vitamin-d", "49", "nmol/L"), "low"),
        (molar(0, "vitamin-d", "30", "nmol/L"), "low"),
        (molar(0, "vitamin-d", "29", "nmol/L"), "high"),
        (lab(0, "vitamin-d", 12, comparator="<"), "high"),
        (lab(0, "vitamin-d", 15, comparator="<"), "low"),
        (lab(0, "vitamin-d", 25, comparator="<"), None),
        (lab(0, "vitamin-d", 10, comparator=">"), None),
        (lab(0, "vitamin-d", None, interpretation="L"), "low"),
        (lab(0, "vitamin-d", None, text="normal"), None),
        (lab(0, "vitamin-d", None, text="sent, no result", status="absent"), None),
        (lab(0, "vitamin-a", 20), None),
        (lab(0, "vitamin-a", 19.9), "low"),
        (lab(0, "vitamin-a", 10), "low"),
        (lab(0, "vitamin-a", 9.9), "high"),
        (molar(0, "vitamin-a", "0.70", "umol/L"), None),
        (molar(0, "vitamin-a", "0.69", "umol/L"), "low"),
        (molar(0, "vitamin-a", "0.34", "umol/L"), "high"),
        (molar(0, "vitamin-e", "12", "umol/L"), None),
        (molar(0, "vitamin-e", "11.9", "umol/L"), "low"),
        (molar(0, "vitamin-e", "12", "umol/L", comparator="<"), "low"),
        (molar(0, "vitamin-e", "13", "umol/L", comparator="<"), None),
        (molar(0, "vitamin-e", "5", "umol/L", comparator=">"), None),
        (lab(0, "vitamin-e", None, interpretation="low"), "low"),
        (lab(0, "vitamin-e", None, interpretation="normal"), None),
        (lab(0, "b12", 180), None),
        (lab(0, "b12", 179), "low"),
        (molar(0, "b12", "133", "pmol/L"), None),
        (molar(0, "b12", "132", "pmol/L"), "low"),
        (lab(0, "active-b12", 25), None),
        (lab(0, "active-b12", 24.9), "low"),
        (lab(0, "mma", 271), None),
        (lab(0, "mma", 272), "low"),
        (lab(0, "inr", 1.2), None),
        (lab(0, "inr", 1.21), "low"),
        (lab(0, "inr", 2.5), "low"),
        (lab(0, "inr", 2.51), "high"),
        (lab(0, "pivka-ii", 2.1, ref_high=2.0), "low"),
        (lab(0, "pivka-ii", 2.0, ref_high=2.0), None),
        (lab(0, "pivka-ii", 50), None),
        (lab(0, "vitamin-k1", 0.1, ref_low=0.15), "low"),
        (lab(0, "vitamin-k1", 0.15, ref_low=0.15), None),
        (lab(0, "copper", 60, ref_low=70), "low"),
        (lab(0, "copper", 60), None),
        (lab(0, "folate", 2.9, ref_low=3), "low"),
        (lab(0, "efa-ratio", 0.2), None),
        (lab(0, "efa-ratio", 0.21), "low"),
    ],
)
def test_each_nutrient_is_held_against_its_limit(entry: Entry, severity: str | None) -> None:
    found = low(1, entry)
    assert [f.severity for f in found.values()] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("sex", "fasting", "hour", "limit"),
    [
        ("female", True, 8, 70),
        ("female", False, 8, 66),
        ("female", True, 12, 59),
        ("male", True, 8, 74),
        ("male", False, 8, 70),
        ("male", False, 15, 61),
        (None, None, 8, 74),
    ],
)
def test_zinc_depends_on_sex_fasting_and_the_hour(sex: str, fasting: bool | None, hour: int, limit: float) -> None:
    at = hour / 24
    said = {"fasting": fasting, "precision": "minute"}
    found = low(1, lab(at, "zinc", limit - 0.1, **said), sex=sex)["zinc"]
    assert (found.severity, [t.value for t in found.thresholds]) == ("low", [limit])
    assert "zinc" not in low(1, lab(at, "zinc", limit, **said), sex=sex)


def test_low_zinc_says_when_nobody_recorded_whether_it_was_fasting() -> None:
    assert low(1, lab(0, "zinc", 50))["zinc"].not_recorded == ("fasting state",)
    assert low(1, lab(0, "zinc", 50, fasting=True))["zinc"].not_recorded == ()


def test_the_latest_result_of_each_decides() -> None:
    assert low(400, lab(0, "b12", 150), lab(300, "b12", 300)) == {}
    assert set(low(400, lab(0, "b12", 300), lab(300, "b12", 150), lab(0, "vitamin-d", 15))) == {"b12", "vitamin-d"}
    assert set(low(400, lab(0, "b12", 150), lab(300, "b12", None, text="sent, no result", status="absent"))) == {"b12"}


def test_a_normal_baseline_and_an_indeterminate_value_are_silent() -> None:
    assert low(1, molar(0, "b12", "380", "pmol/L"), lab(0, "active-b12", 50)) == {}
    assert low(1, lab(0, "b12", 200)) == {}


@pytest.mark.parametrize("analyte", ["zinc", "vitamin-a"])
@pytest.mark.parametrize(
    ("beside", "tagged"),
    [
        (lab(14, "crp", 10.1, unit="mg/L"), True),
        (lab(14, "crp", 10, unit="mg/L"), False),
        (lab(15, "crp", 50, unit="mg/L"), False),
        (lab(-14, "crp", 50, unit="mg/L"), True),
        (lab(0, "albumin", 29.9, unit="g/L"), True),
        (lab(0, "albumin", 30, unit="g/L"), False),
    ],
)
def test_inflammation_is_a_tag_and_never_silences(analyte: str, beside: Entry, tagged: bool) -> None:
    found = low(20, lab(0, analyte, 15), beside)[analyte]
    assert ("inflammation lowers it by itself" in found.why) is tagged
    assert (len(found.evidence) == 2) is tagged


def test_inflammation_is_told_by_the_nearest_of_both_signs() -> None:
    crps = [lab(day, "crp", value, unit="mg/L") for day, value in ((-6, 80), (1, 40), (6, 90))]
    zinc = lab(0, "zinc", 50, unit="ug/dL", fasting=True)
    found = low(7, zinc, *crps, lab(0, "albumin", 25, unit="g/L"))["zinc"]
    assert found.why.endswith(
        "inflammation lowers it by itself: CRP 40 mg/L on 2024-01-02 and albumin 25 g/L on 2024-01-01."
    )


def test_what_does_not_fall_with_inflammation_has_no_such_tag() -> None:
    assert "inflammation" not in low(1, lab(0, "vitamin-d", 10), lab(0, "crp", 80, unit="mg/L"))["vitamin-d"].why


@pytest.mark.parametrize(
    ("beside", "judged"),
    [
        ((therapy(-100, "start", drug="warfarin"),), False),
        ((therapy(-100, "start", drug="direct-anticoagulant"),), False),
        ((therapy(-100, "start", drug="warfarin"), therapy(-13, "stop", drug="warfarin")), False),
        ((therapy(-100, "start", drug="warfarin"), therapy(-14, "stop", drug="warfarin")), True),
        ((therapy(1, "start", drug="warfarin"),), True),
        ((coded(-90, "decompensated-cirrhosis"),), False),
        ((coded(-91, "decompensated-cirrhosis"),), True),
        ((), True),
    ],
)
@pytest.mark.parametrize(("analyte", "given"), [("inr", {}), ("pivka-ii", {"ref_high": 1.0})])
def test_clotting_speaks_of_vitamin_k_unless_a_drug_or_the_liver_slows_it(
    beside: tuple[Entry, ...], judged: bool, analyte: str, given: dict[str, float]
) -> None:
    entries = (lab(0, analyte, 2.0, **given), *beside)
    assert (analyte in low(2, *entries)) is judged
    assert (len([s for s in held(2, *entries) if s.what.startswith("vitamin K by")]) == 1) is not judged


@pytest.mark.parametrize(
    ("beside", "why"),
    [
        (therapy(-100, "start", drug="warfarin"), "on an anticoagulant (warfarin)"),
        (coded(-20, "decompensated-cirrhosis"), "decompensated cirrhosis on 2023-12-12"),
    ],
)
def test_why_clotting_does_not_speak_of_vitamin_k_is_said(beside: Entry, why: str) -> None:
    assert held(2, lab(0, "inr", 2, unit="1"), beside) == (
        Suppressed(what="vitamin K by INR 2 of 2024-01-01", why=why),
    )


def test_the_kidney_that_holds_methylmalonic_acid_back_is_named_with_its_value_and_day() -> None:
    acid, kidney = lab(0, "mma", 400, unit="nmol/L"), lab(0, "egfr", 40, unit="mL/min/1.73m2")
    assert held(2, acid, kidney) == (
        Suppressed(what="methylmalonic acid 400 nmol/L of 2024-01-01", why="eGFR 40 mL/min/1.73m2 on 2024-01-01"),
    )


def test_vitamin_e_is_told_in_the_unit_of_its_limit_too() -> None:
    assert low(1, molar(0, "vitamin-e", "10", "umol/L"))["vitamin-e"].why.endswith("; 10 µmol/L.")
    bound = molar(0, "vitamin-e", "12", "umol/L", comparator="<=")
    assert low(1, bound)["vitamin-e"].severity == "low"


def test_all_that_explains_a_low_vitamin_stands_beside_it() -> None:
    given = (therapy(-50, "start", drug="vitamin-a"), therapy(-10, "stop", drug="vitamin-a"))
    why = low(3, lab(0, "vitamin-a", 15), lab(1, "crp", 40, unit="mg/L"), *given)["vitamin-a"].why
    assert "inflammation lowers it by itself: CRP 40 mg/L on 2024-01-02" in why
    assert why.endswith("vitamin A given, last recorded on 2023-11-12.")


@pytest.mark.parametrize(("egfr", "judged"), [(59, False), (60, True)])
def test_methylmalonic_acid_is_not_judged_in_renal_failure(egfr: float, judged: bool) -> None:
    entries = (lab(0, "mma", 400), lab(-10, "egfr", egfr), lab(5, "egfr", 20))
    assert ("mma" in low(6, *entries)) is judged
    assert any("methylmalonic acid" in s.what for s in held(6, *entries)) is not judged
    assert low(1, lab(0, "mma", 400))["mma"].not_recorded == ("eGFR",)


def test_abnormal_lipids_turn_vitamin_e_into_a_ratio() -> None:
    """Reference section 7: 14 µmol/L with cholesterol 3.5 mmol/L is 4.0 µmol/mmol."""
    vitamin = molar(0, "vitamin-e", "14", "umol/L")
    cholesterol = molar(0, "cholesterol", "3.5", "mmol/L", ref_low=155.0)
    assert tocopherol_per_cholesterol(chart(vitamin, cholesterol), vitamin) == pytest.approx(4.0, abs=0.005)  # type: ignore[arg-type]
    in_range = molar(0, "cholesterol", "3.5", "mmol/L", ref_low=100.0)
    assert tocopherol_per_cholesterol(chart(vitamin, in_range), vitamin) is None  # type: ignore[arg-type]


def test_by_the_ratio_a_low_vitamin_e_can_be_enough_and_a_normal_one_too_little() -> None:
    poor_lipids = molar(0, "cholesterol", "2.5", "mmol/L", ref_low=155.0)
    assert low(1, molar(0, "vitamin-e", "11", "umol/L"), poor_lipids) == {}
    rich_lipids = molar(0, "cholesterol", "9", "mmol/L", ref_high=200.0)
    assert "2.11 µmol per mmol" in low(1, molar(0, "vitamin-e", "19", "umol/L"), rich_lipids)["vitamin-e"].why
    fatty = lab(0, "triglycerides", 900, ref_high=150)
    plain = molar(0, "cholesterol", "9", "mmol/L")
    assert "vitamin-e" in low(1, molar(0, "vitamin-e", "19", "umol/L"), plain, fatty)
    other_day = molar(1, "cholesterol", "9", "mmol/L", ref_high=200.0)
    assert low(2, molar(0, "vitamin-e", "19", "umol/L"), other_day) == {}


def test_a_replacement_is_named_and_does_not_silence() -> None:
    found = low(60, lab(0, "b12", 150), therapy(10, "start", drug="b12"))["b12"]
    assert "vitamin B12 given, last recorded on 2024-01-11" in found.why
    assert "vitamin K given" in low(5, lab(0, "inr", 1.6), therapy(-3, "start", drug="vitamin-k"))["inr"].why


def test_a_deficiency_names_limit_source_and_question_and_no_dose() -> None:
    found = low(1, lab(0, "vitamin-d", 11, unit="ng/mL"))["vitamin-d"]
    assert found.why == "Vitamin D 11 ng/mL on 2024-01-01, below 12 ng/mL."
    assert found.title == "Vitamin D severely low"
    assert found.compared_with is not None
    assert (found.compared_with.kind, found.compared_with.value) == ("lower-limit", 12)
    assert [t.name for t in found.thresholds] == ["vitamin_d_severe"]
    assert low(1, lab(0, "inr", 1.6))["inr"].title == "Vitamin K low by INR"
    assert low(1, lab(0, "mma", 400))["mma"].title == "Vitamin B12 low by methylmalonic acid"


START = therapy(0, "start", drug="octreotide-lar", dose=20, unit="mg", interval_days=28)


def b12(day: float, value: float, **given: Any) -> Entry:
    return molar(day, "b12", str(value), "pmol/L", **given)


def test_the_published_fall_from_380_to_172_is_flagged_before_it_is_low() -> None:
    found = findings(730, START, b12(0, 380), b12(730, 172))
    assert found["R36"].severity == "low"
    assert "-55 %" in found["R36"].why
    assert "R20" not in found
    assert "R36" not in findings(0, START, b12(0, 380))


@pytest.mark.parametrize(("value", "flagged"), [(69.3, True), (69.4, False), (100, False), (140, False)])
def test_the_fall_must_reach_the_reference_change_value(value: float, flagged: bool) -> None:
    """exp(-1.645 * sqrt(2) * sqrt(ln(1+0.05^2) + ln(1+0.15^2))) - 1 is -30.65 %."""
    assert ("R36" in findings(300, START, b12(0, 400), b12(300, 4 * value))) is flagged


def test_below_the_limit_it_is_a_deficiency_and_no_trend() -> None:
    found = findings(300, START, b12(0, 380), b12(300, 130))
    assert "R20" in found
    assert "R36" not in found


@pytest.mark.parametrize(
    "entries",
    [
        (b12(-1, 380), b12(300, 170)),
        (START, therapy(200, "stop", drug="octreotide-lar"), b12(-1, 380), b12(300, 170)),
        (START, b12(184, 380), b12(300, 170)),
        (START, b12(300, 170)),
        (START, b12(-1, 380, lab="North"), b12(300, 170, lab="South")),
        (START, b12(-400, 380), b12(-1, 200), b12(300, 170)),
        (START, b12(-5, 380), b12(0, 200), b12(300, 170)),
        (START, b12(300, 170)),
    ],
    ids=[
        *("no analogue", "analogue stopped", "first too late", "no baseline", "another laboratory", "fell before"),
        *("fell by the start", "one result"),
    ],
)
def test_without_an_analogue_or_its_baseline_there_is_no_trend(entries: tuple[Entry, ...]) -> None:
    assert "R36" not in findings(310, *entries)


def test_the_first_result_soon_after_the_start_can_be_the_baseline() -> None:
    assert "R36" in findings(400, START, b12(183, 380), b12(400, 170))


def test_a_fall_that_is_being_replaced_is_held_back_and_shown() -> None:
    given = therapy(100, "start", drug="b12")
    assert "R36" not in findings(300, START, b12(0, 380), b12(300, 170), given)
    replaced = Suppressed(what="R36, vitamin B12 -55 % on 2024-10-27", why="vitamin B12 given on 2024-04-10")
    rows = [START, b12(0, 380), b12(300, 170), given]
    assert held(301, *rows) == (replaced,)
    assert len(held(301, *rows, lab(290, "inr", 2), therapy(280, "start", drug="warfarin"))) == 2
    for nothing in (therapy(-100, "injection", drug="b12"), therapy(100, "stop", drug="b12")):
        assert "R36" in findings(300, START, b12(0, 380), b12(300, 170), nothing)
    same_day = therapy(0, "injection", drug="b12")
    assert "R36" not in findings(300, START, b12(0, 380), b12(300, 170), same_day)


def test_of_several_results_the_latest_is_held_against_the_baseline() -> None:
    found = findings(400, START, b12(0, 380), b12(200, 300), b12(400, 170))["R36"]
    assert told(found)["evidence"] == ["b12@0", "b12@400"]


def test_by_injections_alone_the_analogue_ends_when_three_are_missing_and_the_rule_says_when() -> None:
    injection = therapy(0, "injection", drug="lanreotide", interval_days=28)
    entries = (injection, b12(0, 380), b12(50, 170))
    assert "R36" in findings(82, *entries)
    assert "R36" not in findings(84, *entries)
    (lapse,) = [rule.next_due for rule in registered() if rule.id == "R36"]
    assert lapse is not None
    assert lapse(chart(*entries), PROTOCOL, moment(60)) == moment(84)
    assert lapse(chart(b12(0, 380)), PROTOCOL, moment(60)) is None


def test_all_that_a_severely_low_vitamin_says() -> None:
    found = findings(1, lab(0, "vitamin-d", 11, unit="ng/mL"))["R20"]
    assert told(found) == {
        "severity": "high",
        "subject": "vitamin-d",
        "title": "Vitamin D severely low",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": "Vitamin D 11 ng/mL on 2024-01-01, below 12 ng/mL.",
        "since": 0,
        "evidence": ["vitamin-d@0"],
        "compared": ("lower-limit", 12, "ng/mL", None, None),
        "thresholds": ["vitamin_d_severe"],
    }


def test_all_that_low_zinc_says() -> None:
    found = by_subject("R20", 20, lab(0, "zinc", 50, unit="ug/dL"), lab(14, "crp", 60, unit="mg/L"))["zinc"]
    assert told(found) == {
        "severity": "low",
        "subject": "zinc",
        "title": "Zinc low",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": (
            "Zinc 50 µg/dL on 2024-01-01, below 74 µg/dL; inflammation lowers it by itself: CRP 60 mg/L on 2024-01-15."
        ),
        "since": 0,
        "evidence": ["zinc@0", "crp@14"],
        "compared": ("lower-limit", 74, "ug/dL", None, None),
        "thresholds": ["zinc_low_men"],
        "missing": ["fasting state"],
    }


def test_all_that_a_high_inr_says() -> None:
    found = findings(20, lab(0, "inr", 2.6), therapy(-3, "start", drug="vitamin-k"))["R20"]
    assert told(found) == {
        "severity": "high",
        "subject": "inr",
        "title": "Vitamin K low by INR",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": "INR 2.6 on 2024-01-01, above 2.5; vitamin K given, last recorded on 2023-12-29.",
        "since": 0,
        "evidence": ["inr@0"],
        "compared": ("upper-limit", 2.5, "{INR}", None, None),
        "thresholds": ["inr_severe"],
    }


def test_all_that_pivka_says() -> None:
    found = findings(20, lab(0, "pivka-ii", 2.0, ref_high=1.0))["R20"]
    assert told(found) == {
        "severity": "low",
        "subject": "pivka-ii",
        "title": "Vitamin K low by PIVKA-II",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": "PIVKA-II 2 on 2024-01-01, above 1.",
        "since": 0,
        "evidence": ["pivka-ii@0"],
        "compared": ("upper-limit", 1, None, None, None),
    }


def test_all_that_methylmalonic_acid_says() -> None:
    found = findings(20, lab(0, "mma", 400, unit="nmol/L"))["R20"]
    assert told(found) == {
        "severity": "low",
        "subject": "mma",
        "title": "Vitamin B12 low by methylmalonic acid",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": "Methylmalonic acid 400 nmol/L on 2024-01-01, above 271 nmol/L.",
        "since": 0,
        "evidence": ["mma@0"],
        "compared": ("upper-limit", 271, "nmol/L", None, None),
        "thresholds": ["mma_high"],
        "missing": ["eGFR"],
    }


def test_all_that_essential_fatty_acids_say() -> None:
    found = findings(20, lab(0, "efa-ratio", 0.3))["R20"]
    assert told(found) == {
        "severity": "low",
        "subject": "efa-ratio",
        "title": "Essential fatty acids low",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": "Triene:tetraene ratio 0.3 on 2024-01-01, above 0.2.",
        "since": 0,
        "evidence": ["efa-ratio@0"],
        "compared": ("upper-limit", 0.2, "1", None, None),
        "thresholds": ["efa_ratio_high"],
    }


def test_all_that_a_vitamin_called_low_says() -> None:
    found = findings(20, lab(0, "vitamin-d", None, interpretation="L"))["R20"]
    assert told(found) == {
        "severity": "low",
        "subject": "vitamin-d",
        "title": "Vitamin D low",
        "question": "Cause? Treatment? When to recheck? Malabsorption?",
        "why": 'Vitamin D "L" on 2024-01-01, called below its range by the laboratory.',
        "since": 0,
        "evidence": ["vitamin-d@0"],
        "thresholds": ["vitamin_d_low"],
    }


def test_all_that_vitamin_b12_on_its_way_down_says() -> None:
    found = findings(730, START, *(lab(day, "b12", of, unit="pg/mL") for day, of in ((0, 515), (730, 233))))["R36"]
    assert told(found) == {
        "severity": "low",
        "subject": "b12",
        "title": "Vitamin B12 falling on an analogue",
        "question": "Trend towards deficiency: recheck when?",
        "why": (
            "Vitamin B12 233 pg/mL on 2025-12-31, -55 % from 515 pg/mL on 2024-01-01 (chance alone: -31 %), on "
            "octreotide-lar since 2024-01-01."
        ),
        "since": 730,
        "evidence": ["b12@0", "b12@730"],
        "compared": ("baseline", 515, "pg/mL", 0, None),
        "thresholds": ["b12_low", "b12_cv_within", "b12_cv_analytical"],
    }
