"""Glucose metrics: means, ranges, indices, MAGE, episodes, wear and profile (clinical reference section 8)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clinical.agp import PERCENTILES, profile
from clinical.glucose_episodes import episodes
from clinical.glucose_excursions import excursion_amplitude, mage
from clinical.glucose_readings import HIGH_MARK, LOW_MARK, Readings, ReadingsError, readings
from clinical.glucose_risk import hbgi, hbgi_band, lbgi, lbgi_band, symmetrised
from clinical.glucose_wear import interval_minutes, wear
from clinical.glycaemia import glycaemia, gmi, ranges

START = np.datetime64("2026-03-02T00:00:00", "s")
LOW, HIGH = "LO", "HI"


def clock(minutes: Any) -> NDArray[np.datetime64]:
    return START + (np.asarray(minutes, dtype=np.float64) * 60).astype("timedelta64[s]")


def record(values: list[Any], *, every: float = 5, minutes: Any = None, **more: Any) -> Readings:
    """Readings at a steady interval; `LO` and `HI` stand where the sensor gave no number."""
    at = clock(np.arange(len(values)) * every if minutes is None else minutes)
    marks = np.array([{LOW: LOW_MARK, HIGH: HIGH_MARK}.get(v, 0) if isinstance(v, str) else 0 for v in values], np.int8)
    numbers = np.array([np.nan if isinstance(v, str) else v for v in values], dtype=np.float64)
    return readings(at, numbers, marks=marks, **more)


def test_gmi_of_the_reference_means() -> None:
    assert [round(gmi(mean), 2) for mean in (120, 154, 180)] == [6.18, 6.99, 7.62]


def test_the_risk_indices_of_the_reference_set() -> None:
    numbers = np.array([54, 70, 112.5, 180, 250])
    assert symmetrised(np.array([112.5, 54, 250])) == pytest.approx([0.000, -1.359, 1.498], abs=5e-4)
    assert lbgi(numbers) == pytest.approx(5.243, abs=5e-4)
    assert hbgi(numbers) == pytest.approx(6.033, abs=5e-4)


def test_risk_bands_hold_their_upper_limit() -> None:
    assert [lbgi_band(x) for x in (1.1, 1.2, 2.5, 5.0, 5.1)] == ["minimal", "low", "low", "moderate", "high"]
    assert [hbgi_band(x) for x in (4.5, 9.0, 9.1)] == ["low", "moderate", "high"]


def test_the_limits_of_the_ranges_belong_to_the_range_itself() -> None:
    found = ranges(record([53.9, 54, 69.9, 70, 180, 180.1, 250, 250.1, 100, 100]))
    assert found is not None
    assert (found.below_54, found.below_70, found.within, found.above_180, found.above_250) == (10, 30, 40, 30, 10)


def test_a_sensor_in_mmol_is_counted_at_the_limits_it_shows() -> None:
    found = glycaemia(record([2.9, 3.0, 3.8, 3.9, 10.0, 10.1, 13.9, 14.0], unit="mmol/L"))
    assert found.ranges is not None
    assert (found.ranges.below_54, found.ranges.below_70, found.ranges.within) == (12.5, 37.5, 25)
    assert (found.ranges.above_180, found.ranges.above_250) == (37.5, 12.5)
    assert found.mean == pytest.approx(7.7 * 18.0156)


def test_marks_are_counted_in_the_ranges_and_never_become_numbers() -> None:
    found = glycaemia(record([LOW, LOW, 100, 110, 120, HIGH, HIGH, HIGH]))
    assert found.ranges is not None
    assert (found.readings, found.low_marks, found.high_marks) == (8, 2, 3)
    assert (found.ranges.below_54, found.ranges.within, found.ranges.above_250) == (25, 37.5, 37.5)
    assert found.mean == pytest.approx(110)
    assert (found.minimum, found.lower_quartile, found.median, found.maximum) == (None, None, 115, None)
    assert found.sd == pytest.approx(10)


def test_a_record_of_marks_alone_has_ranges_and_no_number() -> None:
    found = glycaemia(record([HIGH] * 300))
    assert found.ranges is not None and found.ranges.above_250 == 100
    assert (found.mean, found.sd, found.cv, found.gmi, found.lbgi, found.hbgi, found.mage) == (None,) * 7


def test_an_empty_record_and_a_single_reading_say_what_is_unknown() -> None:
    empty = glycaemia(record([]))
    assert (empty.readings, empty.mean, empty.ranges, empty.active_percent, empty.sufficient) == (0, *[None] * 3, False)
    single = glycaemia(record([120]))
    assert (single.mean, single.sd, single.median, single.active_percent) == (120, None, 120, None)
    assert wear(record([])).days == 0.0 and episodes(record([120]), "below", 130) == ()
    assert mage(record([])) is None
    assert np.isnan(profile(record([])).percentiles).all()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"values": np.array([1.0])}, "lengths differ"),
        ({"values": np.array([100.0, np.nan])}, "no reading"),
        ({"values": np.array([100.0, -5.0])}, "no reading"),
        ({"values": np.array([100.0, np.inf])}, "no reading"),
        ({"marks": np.array([0, 1], np.int8)}, "no reading"),
        ({"values": np.array([100.0, np.nan]), "marks": np.array([0, 2], np.int8)}, "no reading"),
        ({"at": np.array([START, np.datetime64("NaT")])}, "no time"),
        ({"unit": "mg/L"}, "not a glucose unit"),
    ],
)
def test_what_is_no_reading_is_refused(change: dict[str, Any], cause: str) -> None:
    arguments: dict[str, Any] = {"at": clock([0, 5]), "values": np.array([100.0, 101.0])} | change
    with pytest.raises(ReadingsError, match=cause):
        readings(arguments.pop("at"), arguments.pop("values"), **arguments)


def test_active_percent_counts_what_is_missing_gap_by_gap() -> None:
    worn = wear(record([100.0] * 6, minutes=[0, 5, 10, 30, 35, 40]))
    assert (worn.interval_min, worn.active_percent) == (5, pytest.approx(100 * 6 / 9))
    extra = wear(record([100.0] * 7, minutes=[0, 2, 5, 10, 30, 35, 40]))
    assert extra.active_percent == pytest.approx(100 * 6 / 9)


def test_the_interval_is_the_commonest_gap() -> None:
    assert interval_minutes(record([100.0] * 5, minutes=[0, 15, 30, 90, 105.2])) == 15


@pytest.mark.parametrize(("share", "enough"), [(0.69, False), (0.71, True)])
def test_sufficient_is_seventy_percent_of_fourteen_days(share: float, enough: bool) -> None:
    kept = np.arange(round(14 * 288 * share)) * 5
    assert wear(record([120.0] * len(kept), minutes=kept)).sufficient is enough


def test_two_good_weeks_of_long_ago_do_not_make_the_last_two_sufficient() -> None:
    old, late = np.arange(14 * 288) * 5, 60 * 1440 + np.arange(288) * 5
    assert not wear(record([120.0] * (len(old) + len(late)), minutes=np.r_[old, late])).sufficient


def test_mage_takes_swings_beyond_one_deviation_in_the_direction_of_the_first() -> None:
    up_first = np.array([100, 200, 100, 180, 90, 95, 90.0])
    assert excursion_amplitude(up_first) == pytest.approx((100 + 80) / 2)
    assert excursion_amplitude(up_first[1:]) == pytest.approx((100 + 90) / 2)
    assert excursion_amplitude(np.array([100.0, 100.0, 100.0])) is None
    assert excursion_amplitude(np.array([100.0, 200.0])) is None


def test_mage_of_days_leaves_out_days_that_are_short_or_hide_a_height() -> None:
    day = (120 - 60 * np.cos(np.arange(288) * 2 * np.pi / 96)).tolist()
    whole = mage(record(day))
    assert whole is not None and whole == pytest.approx(120, rel=0.05)
    assert mage(record(day + day[:100])) == whole
    assert mage(record([*day, HIGH, *day[1:]])) == whole
    assert mage(record([HIGH, *day[1:]])) is None
    assert mage(record([120.0] * 288)) is None


def test_an_episode_takes_fifteen_minutes_to_begin_and_to_end() -> None:
    low, fine = [60.0], [100.0]
    assert episodes(record(fine * 5 + low * 2 + fine * 5), "below", 70) == ()
    (one,) = episodes(record(fine * 5 + low * 3 + fine * 2 + low + fine * 5), "below", 70)
    assert (one.minutes, one.readings, one.extreme) == (30, 6, 60)
    assert one.begins == START + np.timedelta64(25, "m")
    assert len(episodes(record(fine * 5 + low * 3 + fine * 3 + low * 3), "below", 70)) == 2
    assert episodes(record(fine * 5 + low + fine + low + fine + low), "below", 70) == ()


def test_marks_belong_to_an_episode_and_hide_its_extreme() -> None:
    (one,) = episodes(record([100.0] * 5 + [60.0, LOW, 62.0] + [100.0] * 5), "below", 54) or (None,)
    assert one is None
    (deep,) = episodes(record([100.0] * 5 + [60.0, LOW, 62.0] + [100.0] * 5), "below", 70)
    assert deep.extreme is None
    (high,) = episodes(record([100.0] * 5 + [260.0, 300.0, 270.0] + [100.0] * 5), "above", 250)
    assert (high.extreme, high.minutes) == (300, 15)


def test_a_gap_over_which_nothing_is_known_ends_an_episode() -> None:
    minutes = [0, 5, 10, 15, 65, 70, 75]
    both = episodes(record([100.0] + [60.0] * 6, minutes=minutes), "below", 70)
    assert [e.minutes for e in both] == [15, 15]


def test_the_profile_gives_the_percentiles_of_each_quarter_of_an_hour() -> None:
    days = np.arange(14)[:, None] * 1440 + np.array([0, 15])
    values = np.tile([[100.0, 200.0]], (14, 1)) + np.arange(14)[:, None]
    found = profile(record(values.ravel().tolist(), minutes=days.ravel()))
    assert found.counts.tolist()[:3] == [14, 14, 0] and found.minute.tolist()[:3] == [0, 15, 30]
    expected = np.percentile(100 + np.arange(14.0), PERCENTILES)
    assert found.percentiles[:, 0] == pytest.approx(expected)
    assert found.percentiles[:, 1] == pytest.approx(expected + 100)
    assert np.isnan(found.percentiles[:, 2]).all()


def test_a_percentile_that_falls_on_a_mark_is_not_a_number() -> None:
    found = profile(record([LOW, 80, 90, 100, HIGH], minutes=np.arange(5) * 1440.0))
    five, _, median, _, ninety_five = found.percentiles[:, 0]
    assert np.isnan(five) and np.isnan(ninety_five) and median == 90


def test_the_profile_speaks_of_the_wearers_clock() -> None:
    at = clock(np.arange(4) * 5)
    shifted = readings(at, np.full(4, 100.0), wall=at + np.timedelta64(120, "m"))
    assert profile(shifted).counts[8] == 3
    assert len(shifted.between_hours(0, 2)) == 0 and len(shifted.between_hours(2, 3)) == 4


def test_a_bin_that_does_not_divide_the_day_is_refused() -> None:
    with pytest.raises(ValueError, match="7 minutes"):
        profile(record([100.0]), bin_minutes=7)


def test_two_years_of_readings_are_one_quick_call() -> None:
    count = 2 * 365 * 288
    walk = 130 + 60 * np.sin(np.arange(count) / 37) + np.random.default_rng(7).normal(0, 8, count)
    two_years = readings(clock(np.arange(count) * 5.0), walk)
    began = time.process_time()
    found = glycaemia(two_years)
    profile(two_years, days=730)
    episodes(two_years, "above", 180)
    assert found.readings == count and found.sufficient
    assert time.process_time() - began < 5


@st.composite
def any_record(draw: st.DrawFn) -> list[Any]:
    number = st.floats(min_value=40, max_value=400).map(lambda x: round(x, 1))
    return draw(st.lists(st.one_of(number, number, number, st.sampled_from([LOW, HIGH])), min_size=2, max_size=120))


@given(any_record(), st.randoms(use_true_random=False), st.sampled_from([5, 15]))
def test_the_order_of_readings_changes_no_metric(values: list[Any], chance: Any, every: int) -> None:
    order = list(range(len(values)))
    chance.shuffle(order)
    straight = record(values, every=every)
    shuffled = record([values[i] for i in order], minutes=np.array(order) * every)
    assert glycaemia(straight) == glycaemia(shuffled)
    assert episodes(straight, "below", 70) == episodes(shuffled, "below", 70)


@given(any_record())
def test_below_within_and_above_make_a_hundred_percent(values: list[Any]) -> None:
    found = ranges(record(values))
    assert found is not None
    assert found.below_70 + found.within + found.above_180 == pytest.approx(100)
    assert found.below_54 <= found.below_70 and found.above_250 <= found.above_180


@given(any_record())
def test_a_mark_never_moves_a_mean_or_an_index(values: list[Any]) -> None:
    with_marks, without = glycaemia(record(values)), glycaemia(record([v for v in values if not isinstance(v, str)]))
    for name in ("mean", "sd", "cv", "gmi", "lbgi", "hbgi"):
        assert getattr(with_marks, name) == getattr(without, name)
