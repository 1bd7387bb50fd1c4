"""The course of glucagon: nadir, provisional, confirmed and doubling rises, epochs, assays and validity."""

from __future__ import annotations

import pytest

from clinical.change import MarkerCourse, Rise, marker_course
from clinical.chart import Entry
from tests.clinical.charts import PROTOCOL, chart, glucagon, lab, operation, therapy


def course(*entries: Entry) -> MarkerCourse:
    return marker_course(chart(*entries), PROTOCOL)


def standing(*entries: Entry) -> Rise:
    rise = course(*entries).rise
    assert rise is not None
    return rise


@pytest.mark.parametrize(
    ("comparator", "least"), [("<", None), ("<=", None), (None, 200.0), (">=", 200.0), (">", 200.0)]
)
def test_what_a_result_is_at_least(comparator: str | None, least: float | None) -> None:
    assert course(glucagon(0, 200, comparator=comparator)).samples[0].least == least


def test_98_over_a_nadir_of_60_is_no_rise() -> None:
    assert course(glucagon(0, 60), glucagon(60, 98)).rise is None


def test_99_over_a_nadir_of_60_is_a_provisional_rise() -> None:
    rise = standing(glucagon(0, 60), glucagon(60, 99))
    assert not rise.confirmed
    assert rise.limit == pytest.approx(98.5, abs=0.02)
    assert (rise.nadir.value, rise.nadir.results) == (60, 1)


def test_101_thirty_days_later_confirms_it() -> None:
    rise = standing(glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))
    assert (rise.confirmed, rise.doubling) == (True, False)


@pytest.mark.parametrize(("value", "doubling"), [(125, False), (160, True)])
def test_doubling_is_twice_the_larger_of_nadir_and_limit(value: float, doubling: bool) -> None:
    rise = standing(glucagon(0, 60), glucagon(60, value), glucagon(90, value))
    assert (rise.confirmed, rise.doubling) == (True, doubling)


def test_a_marker_that_never_was_normal_is_compared_with_its_nadir() -> None:
    assert course(glucagon(0, 300), glucagon(60, 490)).rise is None
    confirmed = standing(glucagon(0, 300), glucagon(60, 495), glucagon(90, 495))
    assert (confirmed.confirmed, confirmed.doubling) == (True, False)
    assert standing(glucagon(0, 300), glucagon(60, 600), glucagon(90, 600)).doubling


def test_a_rise_below_the_upper_limit_is_none() -> None:
    assert course(glucagon(0, 20), glucagon(60, 45), glucagon(90, 45)).rise is None


def test_the_nadir_is_the_lowest_median_of_three_not_the_lowest_value() -> None:
    found = course(glucagon(0, 70), glucagon(30, 40), glucagon(60, 68), glucagon(90, 72), glucagon(120, 110))
    nadir = found.samples[-1].nadir
    assert nadir is not None
    assert (nadir.value, nadir.results) == (68, 4)


def test_a_plateau_after_a_rise_stays_a_rise() -> None:
    later = [glucagon(60 + 90 * n, 105) for n in range(6)]
    assert standing(glucagon(0, 60), *later).confirmed


def test_a_sample_in_between_that_is_no_rise_starts_again() -> None:
    rise = standing(glucagon(0, 60), glucagon(60, 99), glucagon(75, 70), glucagon(90, 101))
    assert not rise.confirmed


@pytest.mark.parametrize(("second_day", "confirmed"), [(66, False), (67, True), (260, True), (261, False)])
def test_only_a_sample_7_to_200_days_later_confirms(second_day: int, confirmed: bool) -> None:
    assert standing(glucagon(0, 60), glucagon(60, 99), glucagon(second_day, 101)).confirmed is confirmed


def test_a_second_sample_well_below_the_first_does_not_confirm_it() -> None:
    assert not standing(glucagon(0, 60), glucagon(60, 160), glucagon(90, 140)).confirmed


def test_another_method_starts_a_new_epoch_and_no_rise_is_called_across_it() -> None:
    found = course(
        glucagon(0, 60, lab="A", method="RIA"),
        glucagon(60, 160, upper=159, lab="A", method="ELISA"),
        glucagon(90, 160, upper=159, lab="A", method="ELISA"),
    )
    assert found.rise is None
    assert len(found.epochs) == 2


def test_a_new_limit_of_the_same_named_method_is_the_same_assay() -> None:
    found = course(glucagon(0, 60, lab="A", method="M"), glucagon(60, 120, upper=90, lab="A", method="M"))
    assert found.rise is not None


def test_a_laboratory_in_between_does_not_hide_a_rise() -> None:
    rise = standing(
        glucagon(0, 60, lab="A"),
        glucagon(60, 99, lab="A"),
        glucagon(75, 100, upper=208, lab="B"),
        glucagon(90, 101, lab="A"),
    )
    assert rise.last.result.value == 101


@pytest.mark.parametrize(
    "treatment",
    [
        operation(50),
        operation(50, "prrt"),
        operation(50, "embolisation"),
        therapy(50, "start", drug="everolimus"),
        therapy(50, "start", drug="lanreotide", dose=120, unit="mg"),
    ],
    ids=["resection", "prrt", "embolisation", "systemic drug", "analogue"],
)
def test_a_treatment_starts_a_new_epoch(treatment: Entry) -> None:
    assert course(glucagon(0, 60), treatment, glucagon(60, 99)).rise is None


def test_a_sample_on_the_day_of_a_treatment_belongs_before_it() -> None:
    found = course(glucagon(0, 60), glucagon(60, 99), therapy(60, "start", drug="everolimus"))
    assert found.rise is not None


def test_a_higher_dose_starts_an_epoch_and_a_repeated_one_does_not() -> None:
    given = {"drug": "lanreotide", "unit": "mg", "interval_days": 28}
    begun = therapy(0, "start", dose=90, **given)
    again = therapy(85, "injection", dose=90, **given)
    higher = therapy(85, "dose", dose=120, **given)
    samples = [glucagon(30, 60), glucagon(60, 61), glucagon(110, 99)]
    # Only the last sample before injections are recorded has no phase; all are comparable here.
    assert course(begun, again, *samples).rise is not None
    assert course(begun, higher, *samples).rise is None


def test_steps_of_the_analogue_do_not_hide_a_drift() -> None:
    given = {"drug": "lanreotide", "unit": "mg", "interval_days": 28}
    steps = [therapy(day, "dose", dose=dose, **given) for day, dose in ((0, 60), (100, 90), (200, 120))]
    drift = [glucagon(50, 100), glucagon(150, 150), glucagon(250, 205), glucagon(280, 210)]
    found = course(*steps, *drift)
    assert found.rise is None
    assert found.across is not None
    assert found.across.nadir.value == 100
    assert course(*steps, *drift[:-1]).across is None
    assert course(*steps, *drift, glucagon(265, 50, comparator=">")).across is not None, "a bound that tells nothing"
    assert course(*steps, *drift, glucagon(265, 50)).across is None


@pytest.mark.parametrize(
    ("against", "reason"),
    [
        ({"fasting": False}, "not fasting"),
        ({"disqualifiers": ("haemolysed",)}, "haemolysed"),
        ({"disqualifiers": ("wrong-tube",)}, "wrong tube"),
    ],
)
def test_what_is_recorded_against_a_sample_keeps_it_out(against: dict[str, object], reason: str) -> None:
    found = course(glucagon(0, 60), glucagon(60, 99, **against))
    assert found.rise is None
    assert reason in found.samples[-1].invalid_because[0]


def test_a_low_glucose_at_the_draw_keeps_a_sample_out() -> None:
    found = course(glucagon(0, 60), glucagon(60, 99), lab(60, "glucose", 65, unit="mg/dL"))
    assert found.rise is None


@pytest.mark.parametrize(("day", "judged"), [(60, False), (-30, False), (-31, True)])
def test_renal_failure_counts_for_the_samples_of_the_next_ninety_days(day: int, judged: bool) -> None:
    found = course(glucagon(-40, 60), glucagon(60, 99), lab(day, "egfr", 25, unit="mL/min/{1.73_m2}"))
    assert (found.rise is not None) is judged


def test_what_is_not_recorded_does_not_keep_a_sample_out() -> None:
    assert course(glucagon(0, 60), glucagon(60, 99, fasting=None)).rise is not None


def test_a_result_below_x_is_never_x() -> None:
    found = course(glucagon(0, 60), glucagon(30, 15, comparator="<"), glucagon(60, 99))
    assert found.rise is not None
    assert found.rise.nadir.value == 60
    assert course(glucagon(0, 60), glucagon(60, 500, comparator="<")).rise is None


def test_a_result_above_x_is_a_rise_when_x_is_one() -> None:
    assert course(glucagon(0, 60), glucagon(60, 2000, comparator=">")).rise is not None
    assert course(glucagon(0, 60), glucagon(60, 85, comparator=">")).rise is None


def test_samples_are_compared_within_the_same_phase_of_the_injection_cycle() -> None:
    shots = [therapy(28 * n, "injection", drug="lanreotide", dose=120, interval_days=28) for n in range(8)]
    trough = [glucagon(27, 60), glucagon(55, 60), glucagon(83, 60)]
    mid_cycle = course(*shots, *trough, glucagon(84 + 10, 99))
    assert mid_cycle.rise is None
    assert mid_cycle.samples[-1].not_compared is not None
    assert course(*shots, *trough, glucagon(84 + 27, 99)).rise is not None


def test_a_patient_who_varies_more_needs_a_larger_rise() -> None:
    steady = [glucagon(30 * n, value) for n, value in enumerate((60, 61, 59, 60, 60))]
    restless = [glucagon(30 * n, value) for n, value in enumerate((60, 94, 60, 94, 60))]
    assert course(*steady, glucagon(200, 110)).samples[-1].rcv == pytest.approx(0.642, abs=1e-3)
    wider = course(*restless, glucagon(200, 110)).samples[-1].rcv
    assert wider is not None
    assert wider > 0.642


def test_the_baseline_is_the_first_valid_result_six_weeks_into_an_epoch() -> None:
    found = course(operation(0), glucagon(20, 90), glucagon(41, 70), glucagon(44, 65))
    assert found.epochs[-1].baseline is not None
    assert found.epochs[-1].baseline.result.value == 65
