"""R21 and R22: glucose too high and too low, by laboratory, HbA1c, sensor, events and treatment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.chart import Entry, SensorDay
from clinical.finding import SEVERITIES, Finding, Suppressed
from clinical.glucose_course import hyperglycaemia_grade
from clinical.rules import judge_chart
from clinical.sensor_window import window_now
from tests.clinical.charts import PROTOCOL, chart, coded, findings, lab, moment, sensor, symptom, therapy, told


def fasting(day: float, value: float, **given: object) -> Entry:
    return lab(day, "glucose-fasting", value, unit="mg/dL", **given)


def glucose(day: float, value: float, **given: object) -> Entry:
    return lab(day, "glucose", value, unit="mg/dL", **given)


def hba1c(day: float, value: float, **given: object) -> Entry:
    return lab(day, "hba1c", value, unit="%", **given)


def high(day: float, *entries: Entry) -> str | None:
    found = findings(day, *entries)
    return found["R21"].severity if "R21" in found else None


def low(day: float, *entries: Entry) -> str | None:
    found = findings(day, *entries)
    return found["R22"].severity if "R22" in found else None


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ((126, 126), "medium"),
        ((126, 125), None),
        ((125, 126), None),
        ((100, 126, 130), "medium"),
        ((126, 130, 120), None),
        ((126,), None),
        ((126, 120, 126, 126), "medium"),
    ],
)
def test_fasting_glucose_at_the_diagnostic_limit_twice_in_a_row_is_flagged(
    values: tuple[float, ...], severity: str | None
) -> None:
    assert high(100, *(fasting(10 * n, value) for n, value in enumerate(values))) == severity


def test_two_results_of_one_day_are_one() -> None:
    assert high(10, fasting(0.1, 130), fasting(0.6, 131)) is None
    assert high(10, fasting(0.1, 130), fasting(1.1, 131)) == "medium"


def test_only_fasting_glucose_counts_towards_the_diagnosis() -> None:
    assert high(10, glucose(0, 140), glucose(5, 150)) is None
    assert high(10, glucose(0, 140, fasting=True), glucose(5, 150, fasting=True)) == "medium"
    assert high(10, fasting(0, 140, fasting=False), fasting(5, 150, fasting=False)) is None


@pytest.mark.parametrize(
    "earlier",
    [
        therapy(-100, "start", drug="metformin"),
        therapy(-100, "start", drug="insulin"),
        lab(-200, "hba1c", 6.5, unit="%"),
    ],
    ids=["metformin", "insulin", "HbA1c 6.5 %"],
)
def test_known_diabetes_is_not_new(earlier: Entry) -> None:
    assert high(10, earlier, fasting(0, 130), fasting(10, 131)) is None


def test_an_hba1c_just_below_the_diagnostic_one_makes_no_known_diabetes() -> None:
    assert high(10, hba1c(-200, 6.4), fasting(0, 130), fasting(10, 131)) == "medium"


def test_new_diabetes_is_new_for_half_a_year_and_the_rule_says_until_when() -> None:
    entries = (fasting(0, 130), fasting(10, 131), hba1c(0, 6.0))
    assert high(192, *entries) == "medium"
    assert high(193, *entries) is None
    assert judge_chart(chart(*entries), PROTOCOL, moment(20)).next_due == moment(193)


def test_only_the_first_time_is_new() -> None:
    first = (fasting(0, 130), fasting(10, 131), fasting(100, 110))
    assert high(420, *first, fasting(400, 130), fasting(410, 131)) is None


@pytest.mark.parametrize(
    ("rise", "days", "severity"),
    [
        (0.5, 90, "medium"),
        (0.49, 90, None),
        (0.5, 75, "medium"),
        (0.5, 74, None),
        (0.5, 200, "medium"),
        (0.5, 201, None),
        (-0.8, 90, None),
    ],
)
def test_hba1c_half_a_point_up_in_three_to_six_months_is_flagged(rise: float, days: int, severity: str | None) -> None:
    assert high(days, hba1c(0, 5.4), hba1c(days, 5.4 + rise)) == severity


def test_the_mean_drift_on_an_analogue_is_not_flagged() -> None:
    assert high(90, hba1c(0, 5.6), therapy(1, "start", drug="lanreotide"), hba1c(90, 5.6 + 3.35 / 10.929)) is None


def test_a_risen_hba1c_is_current_for_half_a_year() -> None:
    assert high(272, hba1c(0, 5.4), hba1c(90, 6.2)) == "medium"
    assert high(273, hba1c(0, 5.4), hba1c(90, 6.2)) is None


def test_hba1c_is_held_against_the_lowest_of_the_window() -> None:
    assert high(180, hba1c(0, 5.4), hba1c(90, 5.7), hba1c(180, 5.9)) == "medium"
    assert high(270, hba1c(0, 5.4), hba1c(90, 5.9), hba1c(180, 5.9), hba1c(270, 5.9)) is None


@pytest.mark.parametrize(
    ("entry", "trusted"),
    [
        (lab(85, "haemoglobin", 110, unit="g/L", ref_low=120), False),
        (lab(85, "haemoglobin", 130, unit="g/L", ref_low=120), True),
        (lab(-1, "haemoglobin", 110, unit="g/L", ref_low=120), True),
        (coded(40, "transfusion"), False),
        (coded(-1, "transfusion"), True),
    ],
)
def test_anaemia_or_transfusion_lower_the_trust_in_hba1c(entry: Entry, trusted: bool) -> None:
    why = findings(90, hba1c(0, 5.4), hba1c(90, 6.2), entry)["R21"].why
    assert ("low trust" in why) is not trusted


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        (fasting(0, 160), None),
        (fasting(0, 161), "medium"),
        (fasting(0, 250), "medium"),
        (fasting(0, 251), "high"),
        (fasting(0, 500), "high"),
        (fasting(0, 501), "urgent"),
        (glucose(0, 250), None),
        (glucose(0, 251), "high"),
        (glucose(0, 501), "urgent"),
        (glucose(0, 170), None),
        (glucose(0, 170, fasting=True), "medium"),
        (fasting(0, 170, fasting=False), None),
        (fasting(0, 500, comparator=">"), "urgent"),
        (fasting(0, 600, comparator="<"), None),
    ],
)
def test_glucose_is_graded_by_ctcae_6(entry: Entry, severity: str | None) -> None:
    assert high(1, entry) == severity


@given(st.floats(min_value=20, max_value=1500), st.floats(min_value=0, max_value=400))
def test_a_higher_glucose_never_has_a_lower_grade(value: float, more: float) -> None:
    one, other = (lab(0, "glucose-fasting", v, unit="mg/dL") for v in (value, value + more))
    assert hyperglycaemia_grade(one) <= hyperglycaemia_grade(other)


def test_the_highest_of_the_latest_day_counts_and_a_later_day_replaces_it() -> None:
    assert high(1, fasting(0.2, 300), glucose(0.6, 180)) == "high"
    assert high(6, fasting(0.2, 300), glucose(5, 180)) is None


def test_a_graded_glucose_is_current_for_half_a_year() -> None:
    assert high(182, fasting(0, 300)) == "high"
    assert high(183, fasting(0, 300)) is None


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        (symptom(0, "ketoacidosis"), "urgent"),
        (symptom(0, "ketoacidosis", present=False), None),
        (coded(0, "ketoacidosis"), "urgent"),
        (lab(0, "ketones", 3.0, unit="mmol/L"), "urgent"),
        (lab(0, "ketones", 2.9, unit="mmol/L"), None),
        (lab(0, "ketones", 3.0, unit="mmol/L", comparator=">"), "urgent"),
        (lab(0, "ketones", 2.0, unit="mmol/L", comparator=">"), None),
        (lab(0, "ketones", 3.5, unit="mmol/L", comparator="<"), None),
    ],
)
def test_ketoacidosis_is_urgent_whatever_the_glucose(entry: Entry, severity: str | None) -> None:
    assert high(1, entry, fasting(0, 95)) == severity
    assert high(30, entry) is None
    assert high(29, entry) == severity


def test_a_drug_for_diabetes_newly_started_or_started_again_is_a_sign_for_a_month() -> None:
    start = therapy(0, "start", drug="insulin")
    assert high(29, start) == "medium"
    assert high(30, start) is None
    stop, again = therapy(50, "stop", drug="insulin"), therapy(120, "start", drug="insulin")
    assert high(120, start, stop, again) == "medium"
    assert high(120, start, again) is None, "it was running all along"
    assert high(51, start, stop) is None
    assert high(5, therapy(0, "start", drug="octreotide-lar")) is None


def test_the_sentence_names_what_else_raises_glucose() -> None:
    why = findings(
        5,
        therapy(-200, "start", drug="lanreotide", interval_days=28),
        therapy(-100, "start", drug="everolimus"),
        therapy(-50, "start", drug="dexamethasone"),
        therapy(-10, "stop", drug="dexamethasone"),
        fasting(0, 260),
    )["R21"].why
    assert "lanreotide" in why
    assert "everolimus since 2023-09-23" in why
    assert "dexamethasone" not in why


def worn(days: int, last: int = 13, *, of: int = 288, **given: int) -> list[SensorDay]:
    """Whole days of a sensor, the last of them `last`."""
    return [sensor(day, count=of, **given) for day in range(last - days + 1, last + 1)]


def test_a_sensor_above_250_for_a_twentieth_of_the_fortnight_is_flagged() -> None:
    assert high(14, *worn(14, above_250=15)) == "medium"
    assert high(14, *worn(14, above_250=14)) is None
    assert high(14, *worn(14, of=270, above_250=0, high_marks=18)) == "medium"


def test_a_sensor_worn_too_little_is_not_judged_and_the_page_says_so() -> None:
    assert high(14, *worn(10, above_250=30)) == "medium"
    assert high(14, *worn(9, above_250=30)) is None
    judged = judge_chart(chart(*worn(9, above_250=30)), PROTOCOL, moment(14.5))
    held = Suppressed(
        what="time in ranges of the sensor up to 2024-01-14 (0.0 % below 54 and 10.4 % above 250 mg/dL)",
        why="64 % of the readings due in 14 days are there",
    )
    assert judged.suppressed == (held,)
    assert findings(14, *worn(9, above_250=30), fasting(13, 300))["R21"].suppressed == (held,)
    all_high = judge_chart(chart(*worn(9, above_250=288)), PROTOCOL, moment(14.5)).suppressed
    assert "100.0 % above 250 mg/dL" in all_high[0].what
    enough = judge_chart(chart(*worn(14, above_250=30)), PROTOCOL, moment(14.5))
    assert enough.suppressed == ()


def test_a_sensor_every_quarter_of_an_hour_is_known_as_one() -> None:
    assert high(14, *worn(10, of=96, above_250=10)) == "medium"
    assert high(14, *worn(9, of=96, above_250=10)) is None


def test_two_devices_of_one_day_are_one_day() -> None:
    both = [sensor(d, count=144, device=name, above_250=20) for d in range(9) for name in ("left", "right")]
    longer = [sensor(d, count=288, device=name) for d in (-40, -39) for name in ("left", "right")]
    assert high(14, *both, *longer) is None


def test_a_sensor_finding_rests_on_the_fortnight_it_began_with() -> None:
    entries = [*worn(14, 13), *worn(60, 73, above_250=40)]
    first = findings(74, *entries)["R21"]
    later = findings(60, *entries)["R21"]
    assert first.evidence == later.evidence
    assert max(e.effective for e in first.evidence) < moment(25)


def test_every_midnight_is_due_while_a_sensor_is_in_the_window() -> None:
    whole = chart(*worn(14))
    assert judge_chart(whole, PROTOCOL, moment(14.5)).next_due == moment(15)
    assert judge_chart(whole, PROTOCOL, moment(27.5)).next_due == moment(28)
    assert judge_chart(whole, PROTOCOL, moment(28)).next_due is None


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        (glucose(0, 53.9), "high"),
        (glucose(0, 54), None),
        (fasting(0, 53), "high"),
        (glucose(0, 50, comparator="<"), "high"),
        (glucose(0, 54, comparator="<"), "high"),
        (glucose(0, 60, comparator="<"), None),
        (glucose(0, 50, comparator=">"), None),
        (symptom(0, "severe-hypoglycaemia"), "urgent"),
        (symptom(0, "severe-hypoglycaemia", present=False), None),
    ],
)
def test_hypoglycaemia_by_laboratory_and_by_event(entry: Entry, severity: str | None) -> None:
    assert low(29, entry) == severity
    assert low(30, entry) is None


def test_a_normal_glucose_afterwards_does_not_undo_a_hypoglycaemia() -> None:
    assert low(5, glucose(0, 45), glucose(1, 100)) == "high"


@pytest.mark.parametrize(
    ("lows", "of", "severity"),
    [
        ((3, 3), 288, "high"),
        ((3, 2), 288, None),
        ((3,), 288, None),
        ((1, 1), 96, "high"),
        ((1, 0), 96, None),
    ],
)
def test_a_sensor_below_54_for_a_quarter_of_an_hour_on_two_days_is_flagged(
    lows: tuple[int, ...], of: int, severity: str | None
) -> None:
    days = [sensor(d, count=of, below_54=lows[d] if d < len(lows) else 0) for d in range(14)]
    assert low(14, *days) == severity


def test_low_marks_count_as_low() -> None:
    days = [sensor(d, count=285 if d < 2 else 288, low_marks=3 if d < 2 else 0) for d in range(14)]
    assert low(14, *days) == "high"


def test_one_per_cent_below_54_needs_a_sensor_worn_enough() -> None:
    assert low(14, sensor(13, below_54=41), *worn(13, 12)) == "high"
    assert low(14, sensor(13, below_54=40), *worn(13, 12)) is None
    assert low(14, sensor(13, below_54=41), *worn(8, 12)) is None


def test_two_low_days_need_no_sufficiency() -> None:
    assert low(14, sensor(3, below_54=3), sensor(13, below_54=3)) == "high"


def test_the_window_is_fourteen_days() -> None:
    entries = (sensor(0, below_54=3), sensor(13, below_54=3))
    assert low(14, *entries) == "high"
    assert low(15, *entries) is None


def test_today_is_not_judged_before_it_is_over() -> None:
    assert low(13, sensor(12, below_54=3), sensor(13, below_54=3)) is None


def test_a_sensor_alone_asks_for_a_fingerstick() -> None:
    alone = findings(14, sensor(3, below_54=3), sensor(13, below_54=3))["R22"]
    assert "fingerstick" in alone.not_recorded[0]
    beside = findings(14, sensor(3, below_54=3), sensor(13, below_54=3), glucose(10, 50))["R22"]
    assert beside.not_recorded == ()


def test_a_hypoglycaemia_names_the_drugs_that_can_do_it() -> None:
    drugs = [therapy(-300, "start", drug=d) for d in ("insulin", "metformin", "lanreotide")]
    why = findings(1, glucose(0, 40), *drugs)["R22"].why
    assert "insulin since" in why
    assert "lanreotide since" in why
    assert "metformin" not in why


def test_an_implausible_glucose_is_no_emergency_of_glucose() -> None:
    assert low(1, glucose(0, 5)) is None
    assert high(1, glucose(0, 3000)) is None


def test_an_ordinary_patient_on_an_analogue_is_silent() -> None:
    quiet = [
        therapy(0, "start", drug="lanreotide", interval_days=28),
        *(fasting(d, 98 + d % 7) for d in range(0, 720, 90)),
        *(hba1c(d, 5.5 + (d % 4) / 20) for d in range(0, 720, 90)),
        *worn(14, 719, above_180=20, below_70=3),
    ]
    assert high(721, *quiet) is None
    assert low(721, *quiet) is None


_SOME = st.one_of(
    st.builds(fasting, st.integers(0, 100), st.integers(30, 600)),
    st.builds(hba1c, st.integers(0, 100), st.integers(40, 110).map(lambda v: v / 10)),
    st.builds(sensor, st.integers(0, 100), below_54=st.integers(0, 30), above_250=st.integers(0, 100)),
    st.builds(symptom, st.integers(0, 100), st.sampled_from(["ketoacidosis", "severe-hypoglycaemia"])),
    st.builds(lambda d: therapy(d, "start", drug="insulin"), st.integers(0, 100)),
)


@given(st.lists(_SOME, max_size=12, unique_by=lambda e: e.record), st.integers(0, 120))
def test_between_two_due_moments_nothing_changes(entries: list[Entry], day: int) -> None:
    whole = chart(*entries)
    judged = judge_chart(whole, PROTOCOL, moment(day + 0.5))
    until = judged.next_due or moment(day + 400)
    late = judge_chart(whole, PROTOCOL, until - timedelta(microseconds=1))
    assert _told(judged.findings) == _told(late.findings)


@given(st.lists(_SOME, max_size=12, unique_by=lambda e: e.record))
def test_the_severity_is_that_of_the_gravest_sign(entries: list[Entry]) -> None:
    found = {f.rule: f for f in judge_chart(chart(*entries), PROTOCOL, moment(101)).findings}
    urgent = any(getattr(e, "name", "") == "ketoacidosis" and e.effective > moment(71) for e in entries)
    if urgent:
        assert found["R21"].severity == "urgent"
    assert all(f.severity in SEVERITIES for f in found.values())


def _told(found: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return [(f.rule, f.severity, f.subject) for f in found if f.rule in ("R21", "R22")]


def test_scans_beside_historic_values_neither_add_wear_nor_share() -> None:
    historic = [sensor(d, count=96, device="Libre") for d in range(14)]
    scans = [sensor(d, count=20, below_54=20, device="Libre scan") for d in range(14)]
    assert low(14, *historic, *scans) is None
    half = [sensor(d, count=96 if d == 0 else 48, device="Libre", below_54=4) for d in range(14)]
    beside = [sensor(d, count=48, device="Libre scan", below_54=4) for d in range(14)]
    window, alone = (window_now(chart(*days), PROTOCOL, moment(14)) for days in ([*half, *beside], half))
    assert window == alone


def test_scans_of_a_day_without_historic_values_count() -> None:
    days = [sensor(d, count=20, below_54=20, device="Libre scan") for d in range(14)]
    window = window_now(chart(*days), PROTOCOL, moment(14))
    assert window is not None and window.low == 1


def test_all_that_high_glucose_says() -> None:
    found = findings(
        100,
        fasting(80, 126),
        fasting(90, 130),
        hba1c(-30, 6.0),
        hba1c(95, 6.6),
        therapy(-200, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28),
        therapy(-100, "start", drug="everolimus"),
        therapy(-90, "start", drug="dexamethasone"),
    )["R21"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucose-high",
        "title": "Glucose high",
        "question": "Analogue, tumour or everolimus? Review of the glucose treatment?",
        "why": (
            "Fasting glucose 126 mg/dL on 2024-03-21 and 130 mg/dL on 2024-03-31, 126 mg/dL or more for the "
            "first time twice in a row; HbA1c 6.6% on 2024-04-05, 0.6 points above 6% on 2023-12-02; on "
            "lanreotide since 2023-06-15, everolimus since 2023-09-23 and dexamethasone since 2023-10-03."
        ),
        "since": -30,
        "evidence": [
            "therapy@-100",
            "therapy@-90",
            "hba1c@-30",
            "glucose-fasting@80",
            "glucose-fasting@90",
            "hba1c@95",
        ],
        "compared": ("upper-limit", 126, "mg/dL", None, "diabetes"),
        "thresholds": [
            "fasting_glucose_diabetic",
            "glucose_new_window",
            "hba1c_rise",
            "hba1c_rise_earliest",
            "hba1c_rise_latest",
            "glucose_current",
        ],
    }


def test_all_that_dangerously_high_glucose_says() -> None:
    found = findings(10, glucose(5, 520))["R21"]
    assert told(found) == {
        "severity": "urgent",
        "subject": "glucose-high",
        "title": "Glucose dangerously high or ketoacidosis",
        "question": "Same-day assessment? Analogue, tumour or everolimus? Review of the glucose treatment?",
        "why": "Glucose 520 mg/dL on 2024-01-06, CTCAE v6.0 grade 4.",
        "since": 5,
        "evidence": ["glucose@5"],
        "thresholds": ["glucose_ctcae_grade", "glucose_current"],
        "missing": ["HbA1c"],
    }


def test_all_that_a_high_glucose_on_pasireotide_says() -> None:
    found = findings(10, glucose(5, 300), therapy(-200, "start", drug="pasireotide-lar", interval_days=28))["R21"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucose-high",
        "title": "Glucose high",
        "question": "Analogue, tumour or everolimus? Review of the glucose treatment?",
        "why": "Glucose 300 mg/dL on 2024-01-06, CTCAE v6.0 grade 3; on pasireotide-lar since 2023-06-15.",
        "since": 5,
        "evidence": ["therapy@-200", "glucose@5"],
        "thresholds": ["glucose_ctcae_grade", "glucose_current"],
        "missing": ["HbA1c"],
    }


def test_all_that_high_sensor_glucose_says() -> None:
    found = findings(14, *worn(14, above_250=20))["R21"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucose-high",
        "title": "Glucose high",
        "question": "Analogue, tumour or everolimus? Review of the glucose treatment?",
        "why": "Sensor above 250 mg/dL 6.9 % of 14 days worn, so since the fortnight up to 2024-01-10.",
        "since": 0,
        "evidence": [
            "sensor@0",
            "sensor@1",
            "sensor@2",
            "sensor@3",
            "sensor@4",
            "sensor@5",
            "sensor@6",
            "sensor@7",
            "sensor@8",
            "sensor@9",
        ],
        "thresholds": ["sensor_high", "sensor_days", "sensor_active"],
        "missing": ["HbA1c"],
    }


def test_all_that_hypoglycaemia_says() -> None:
    found = findings(
        20,
        glucose(18, 50),
        therapy(-200, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28),
        therapy(-100, "start", drug="insulin"),
        therapy(-90, "start", drug="metformin"),
    )["R22"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucose-low",
        "title": "Hypoglycaemia",
        "question": "Hypoglycaemia: antidiabetic drugs and the timing of the analogue reviewed?",
        "why": ("Glucose 50 mg/dL on 2024-01-19; on insulin since 2023-09-23 and lanreotide since 2023-06-15."),
        "since": 18,
        "evidence": ["therapy@-100", "glucose@18"],
        "compared": ("lower-limit", 54, "mg/dL", None, "glucose below this is a finding"),
        "thresholds": ["glucose_low", "glucose_event_window"],
    }


def test_all_that_severe_hypoglycaemia_says() -> None:
    assert told(findings(1, symptom(0, "severe-hypoglycaemia"))["R22"]) == {
        "severity": "urgent",
        "subject": "glucose-low",
        "title": "Severe hypoglycaemia",
        "question": ("Same-day assessment? Hypoglycaemia: antidiabetic drugs and the timing of the analogue reviewed?"),
        "why": "Severe hypoglycaemia (level 3) on 2024-01-01.",
        "since": 0,
        "evidence": ["symptom@0"],
        "thresholds": ["glucose_event_window"],
    }


def test_all_that_low_sensor_glucose_says() -> None:
    found = findings(14, sensor(3, below_54=3), sensor(13, below_54=3))["R22"]
    assert told(found) == {
        "severity": "high",
        "subject": "glucose-low",
        "title": "Hypoglycaemia",
        "question": "Hypoglycaemia: antidiabetic drugs and the timing of the analogue reviewed?",
        "why": (
            "Sensor below 54 mg/dL 1.0 % of 2 days worn, 15 minutes or more on 2 of them, so since the "
            "fortnight up to 2024-01-14."
        ),
        "since": 3,
        "evidence": ["sensor@3", "sensor@13"],
        "thresholds": ["sensor_low_minutes", "sensor_low_days", "sensor_low", "sensor_days", "sensor_active"],
        "suppressed": [
            (
                ("time in ranges of the sensor up to 2024-01-14 (1.0 % below 54 and 0.0 % above 250 mg/dL)"),
                "14 % of the readings due in 14 days are there",
            )
        ],
        "missing": ["a fingerstick glucose beside the sensor"],
    }
