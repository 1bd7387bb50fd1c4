"""Rises of a marker at their limits: what starts a run, ends it and confirms it, and what the course shows of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinical.chart import Entry
from tests.clinical.charts import glucagon, lab, moment, operation, therapy
from tests.clinical.courses import course, standing

ANALOGUE = {"drug": "lanreotide", "unit": "mg", "interval_days": 28}


# ---- one sample ------------------------------------------------------------------------------------------------------


def test_a_sample_shows_what_it_was_compared_with() -> None:
    first, second = course(glucagon(0, 60), glucagon(60, 99)).samples
    assert (first.nadir, first.limit, first.rcv, first.rise, first.provisional) == (None, None, None, False, False)
    assert second.nadir is not None
    assert (second.nadir.value, second.above, second.upper) == (60, True, 80)
    assert second.limit == pytest.approx(60 * 1.6416, abs=0.01)
    assert (second.rise, second.provisional, second.confirmed, second.doubling) == (True, True, False, False)
    assert (second.valid, second.not_compared, second.first) == (True, None, None)


def test_the_rise_needs_thirty_picograms_as_well() -> None:
    samples = [glucagon(0, 20, upper=30), glucagon(60, 49.9, upper=30)]
    assert course(*samples).rise is None
    assert course(*samples).samples[-1].limit == 50
    assert standing(samples[0], glucagon(60, 50, upper=30)).limit == 50


def test_chromogranin_has_its_own_variation_and_no_absolute_step() -> None:
    found = course(
        lab(0, "chromogranin-a", 10, unit="ng/mL", ref_high=9),
        lab(60, "chromogranin-a", 14.7, unit="ng/mL", ref_high=9),
        analyte="chromogranin-a",
    )
    assert found.rise is not None
    assert found.rise.limit == pytest.approx(14.67, abs=0.01)
    small = [lab(60 * n, "chromogranin-a", value, unit="nmol/L", ref_high=1) for n, value in enumerate((1.5, 2.3))]
    assert course(*small, analyte="chromogranin-a").rise is not None


@pytest.mark.parametrize(
    ("value", "comparator", "upper", "why"),
    [
        (85, ">", 80, "only a lower bound is known"),
        (85, ">=", 80, "only a lower bound is known"),
        (75, ">", 80, None),
        (90, None, 80, None),
        (60, None, 80, None),
        (99, None, None, "its upper limit is not recorded"),
        (90, None, None, None),
    ],
)
def test_why_a_number_could_not_be_compared(
    value: float, comparator: str | None, upper: float | None, why: str | None
) -> None:
    found = course(glucagon(0, 60, upper=upper), glucagon(60, value, upper=upper, comparator=comparator))
    assert found.samples[-1].not_compared == why
    assert found.rise is None


def test_a_sample_of_another_phase_says_that_nothing_compares() -> None:
    shots = [therapy(28 * n, "injection", dose=120, **ANALOGUE) for n in range(8)]
    found = course(*shots, glucagon(27, 60), glucagon(55, 60), glucagon(84 + 10, 99)).samples
    assert [s.phase for s in found] == [27, 27, 10]
    assert found[-1].not_compared == "no earlier result within 7 days of the same phase of the injection cycle"
    assert found[-1].nadir is None


def test_a_sample_on_the_day_of_an_injection_was_drawn_before_it() -> None:
    shots = [therapy(28 * n, "injection", dose=120, **ANALOGUE) for n in range(3)]
    assert [s.phase for s in course(*shots, glucagon(-1, 60), glucagon(28, 60), glucagon(29, 60)).samples] == [
        None,
        28,
        1,
    ]


def test_a_value_not_compared_for_its_phase_may_lower_the_nadir_of_later_ones() -> None:
    shots = [therapy(28 * n, "injection", dose=120, **ANALOGUE) for n in range(8)]
    samples = [glucagon(27, 60), glucagon(84 + 10, 99), glucagon(112 + 10, 165)]
    last = course(*shots, *samples).samples[-1]
    assert last.nadir is not None
    assert (last.nadir.value, last.nadir.at, last.provisional) == (99, moment(94), True)
    trough = course(*shots, *samples, glucagon(112 + 27, 70)).samples[-1]
    assert trough.nadir is not None
    assert (trough.nadir.value, trough.nadir.results) == (60, 1)


def test_results_without_an_outcome_are_no_samples() -> None:
    for status in ("absent", "entered-in-error", "cancelled"):
        assert len(course(glucagon(0, 60), glucagon(30, 20, status=status)).samples) == 1
    assert len(course(glucagon(0, 60), glucagon(30, 20, status="corrected")).samples) == 2


# ---- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "confirmed"),
    [
        (glucagon(75, 70), False),
        (glucagon(75, 79, comparator="<"), False),
        (glucagon(75, None, text="normal"), False),
        (glucagon(75, 120, comparator="<"), True),
        (glucagon(75, None, text="see comment"), True),
        (glucagon(75, 85, comparator=">"), True),
        (glucagon(75, 70, fasting=False), True),
    ],
    ids=["no rise", "below x within", "normal", "below x", "a text", "above x", "invalid"],
)
def test_only_a_valid_sample_that_is_no_rise_ends_a_run(between: Entry, confirmed: bool) -> None:
    assert standing(glucagon(0, 60), glucagon(60, 99), between, glucagon(90, 101)).confirmed is confirmed


def test_a_rise_does_not_lift_the_nadir_and_a_fall_lowers_it() -> None:
    risen = course(glucagon(0, 60), glucagon(60, 99), glucagon(90, 101), glucagon(120, 102)).samples[-1]
    assert risen.nadir is not None
    assert (risen.nadir.value, risen.nadir.results) == (60, 1)
    fallen = course(glucagon(0, 60), glucagon(60, 99), glucagon(90, 50), glucagon(120, 90)).samples[-1]
    assert fallen.nadir is not None
    assert (fallen.nadir.value, fallen.nadir.results) == (50, 2)


def test_the_first_sample_of_a_run_stays_the_first_of_every_later_one() -> None:
    samples = course(glucagon(0, 60), glucagon(60, 99), glucagon(90, 101), glucagon(120, 102)).samples
    assert samples[1].first is None
    assert samples[2].first is samples[3].first is samples[1]
    rise = standing(glucagon(0, 60), glucagon(60, 99), glucagon(90, 101), glucagon(120, 102))
    assert (rise.first.result.value, rise.last.result.value) == (99, 102)


@pytest.mark.parametrize(("second", "confirmed"), [(144, True), (143.9, False)])
def test_the_confirming_sample_reaches_nine_tenths_of_the_first(second: float, confirmed: bool) -> None:
    assert standing(glucagon(0, 60), glucagon(60, 160), glucagon(90, second)).confirmed is confirmed


def test_a_later_sample_may_confirm_any_earlier_one_of_the_run() -> None:
    assert standing(glucagon(0, 60), glucagon(60, 200), glucagon(90, 110), glucagon(120, 105)).confirmed
    assert standing(glucagon(0, 60), glucagon(60, 110), glucagon(64, 111), glucagon(68, 112)).confirmed


def test_a_run_once_confirmed_stays_confirmed_until_it_ends() -> None:
    samples = [glucagon(0, 60), glucagon(60, 150), glucagon(90, 150), glucagon(120, 100)]
    assert standing(*samples).confirmed
    ended = standing(*samples, glucagon(150, 61), glucagon(180, 150))
    assert (ended.confirmed, ended.first.result.value) == (False, 150)


@pytest.mark.parametrize(
    ("nadir", "upper", "first", "second", "doubling"),
    [
        (60, 80, 160, 160, True),
        (60, 80, 159.9, 160, False),
        (60, 80, 160, 159.9, False),
        (100, 80, 200, 200, True),
        (100, 80, 199.9, 200, False),
    ],
)
def test_both_samples_of_a_doubling_reach_twice_the_larger_of_nadir_and_limit(
    nadir: float, upper: float, first: float, second: float, doubling: bool
) -> None:
    rise = standing(glucagon(0, nadir, upper), glucagon(60, first, upper), glucagon(90, second, upper))
    assert (rise.confirmed, rise.doubling) == (True, doubling)


def test_two_doubled_samples_too_close_together_are_no_doubling_until_a_third() -> None:
    samples = [glucagon(0, 60), glucagon(50, 110), glucagon(60, 160), glucagon(66, 165)]
    assert (standing(*samples).confirmed, standing(*samples).doubling) == (True, False)
    assert standing(*samples, glucagon(67, 166)).doubling


def test_a_doubling_stays_one_until_the_run_ends() -> None:
    samples = [glucagon(0, 60), glucagon(60, 160), glucagon(90, 160), glucagon(120, 110)]
    assert standing(*samples).doubling
    assert not standing(*samples, glucagon(150, 60), glucagon(180, 110), glucagon(200, 110)).doubling


# ---- invalid samples -------------------------------------------------------------------------------------------------


def test_an_invalid_sample_is_compared_and_never_provisional() -> None:
    last = course(glucagon(0, 60), glucagon(60, 99, fasting=False)).samples[-1]
    assert (last.rise, last.provisional, last.valid) == (True, False, False)
    assert last.invalid_because == ("not fasting",)


def test_invalid_samples_are_held_against_each_other_where_no_valid_one_is_there() -> None:
    found = course(glucagon(0, 60, fasting=False), glucagon(60, 99, fasting=False), glucagon(90, 99)).samples
    assert [s.rise for s in found] == [False, True, False]
    assert (found[-1].nadir, found[-1].limit, found[-1].not_compared) == (None, None, None)


def test_an_invalid_sample_without_a_number_is_nothing_to_compare_with() -> None:
    found = course(glucagon(0, None, text="high", fasting=False), glucagon(60, 99, fasting=False)).samples
    assert (found[-1].limit, found[-1].rise) == (None, False)


def test_an_invalid_rise_sets_no_nadir_for_later_invalid_samples() -> None:
    values = (60, 150, 99)
    found = course(*(glucagon(30 * n, value, fasting=False) for n, value in enumerate(values))).samples
    assert [s.rise for s in found] == [False, True, True]


# ---- which rise stands -----------------------------------------------------------------------------------------------


def test_no_samples_no_rise_no_epochs() -> None:
    found = course()
    assert (found.samples, found.epochs, found.rise, found.across, found.analyte) == ((), (), None, None, "glucagon")


def test_a_rise_of_an_earlier_epoch_does_not_stand_once_the_next_was_sampled() -> None:
    samples = [glucagon(0, 60), glucagon(60, 99), glucagon(90, 101)]
    assert standing(*samples, operation(100)).confirmed
    assert course(*samples, operation(100), glucagon(110, 200)).rise is None


def test_a_normal_result_of_another_laboratory_ends_a_rise_and_a_raised_one_does_not() -> None:
    rising = [glucagon(0, 60, lab="A"), glucagon(60, 99, lab="A"), glucagon(90, 101, lab="A")]
    assert course(*rising, glucagon(100, 70, lab="B")).rise is None
    assert course(*rising, glucagon(100, 90, lab="B")).rise is not None
    assert course(*rising, glucagon(100, None, lab="B", text="normal")).rise is None


def test_of_rises_in_two_laboratories_the_confirmed_one_stands() -> None:
    samples = [glucagon(0, 60, lab="A"), glucagon(10, 60, lab="B"), glucagon(60, 99, lab="A")]
    rise = standing(*samples, glucagon(90, 101, lab="A"), glucagon(95, 120, lab="B"))
    assert (rise.confirmed, rise.last.result.value) == (True, 101)


def test_a_rise_of_the_latest_epoch_stands_whatever_came_before() -> None:
    for after in (60, 100):
        later = [glucagon(20, after), glucagon(80, 170), glucagon(110, 170)]
        assert standing(glucagon(0, 300), operation(10), *later).confirmed


@pytest.mark.parametrize(
    ("last", "stands"),
    [
        (glucagon(120, 90), False),
        (glucagon(120, 85, comparator=">"), True),
        (glucagon(120, 120, comparator="<"), True),
        (glucagon(120, None, text="see comment"), True),
        (glucagon(120, None, text="high"), True),
        (glucagon(120, None, text="normal"), False),
    ],
    ids=["raised but no rise", "above x", "below x", "a text", "high", "normal"],
)
def test_a_rise_stands_until_a_sample_tells_otherwise(last: Entry, stands: bool) -> None:
    found = course(glucagon(0, 60), glucagon(60, 99), glucagon(90, 101), last).rise
    assert (found is not None) is stands


def test_a_later_invalid_sample_does_not_end_a_rise() -> None:
    samples = [glucagon(0, 60), glucagon(60, 99), glucagon(90, 101)]
    assert standing(*samples, glucagon(120, 60, fasting=False)).last.result.value == 101


# ---- epochs ----------------------------------------------------------------------------------------------------------


def test_the_epochs_with_their_reasons_assays_baselines_and_nadirs() -> None:
    found = course(
        glucagon(-20, 300, lab="A"),
        operation(0),
        glucagon(20, 70, lab="A"),
        glucagon(42, 60, lab="A"),
        glucagon(60, 65, lab="B", method="M"),
    ).epochs
    assert [(e.number, e.reason, e.assay) for e in found] == [
        (0, "before the first recorded treatment", "A"),
        (1, "resection", "A"),
        (1, "resection", "B, M"),
    ]
    assert (found[0].start, found[1].start) == (None, moment(1) - timedelta(microseconds=1))
    assert [e.baseline.result.value if e.baseline else None for e in found] == [300, None, 65]
    assert [e.nadir.value if e.nadir else None for e in found] == [300, 60, 65]


def test_every_epoch_has_the_reason_of_the_treatment_before_it() -> None:
    samples = [glucagon(20, 60), glucagon(50, 60), glucagon(80, 60)]
    found = course(operation(0), therapy(30, "start", drug="everolimus"), operation(60, "prrt"), *samples).epochs
    assert [e.reason for e in found] == ["resection", "everolimus started", "prrt"]


def test_an_invalid_result_is_no_baseline() -> None:
    (epoch,) = course(glucagon(0, 50, fasting=False), glucagon(10, 60)).epochs
    assert epoch.baseline is not None
    assert epoch.baseline.result.value == 60


def test_treatments_of_one_day_start_one_epoch_with_both_reasons() -> None:
    found = course(operation(0), therapy(0, "start", drug="everolimus"), glucagon(50, 60)).epochs
    assert [e.reason for e in found] == ["everolimus started and resection"]
