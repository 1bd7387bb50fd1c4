"""The nadir of an epoch, its phase of the injection cycle, and the variation a patient shows by himself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.nadir import Nadir, Pool
from tests.clinical.charts import moment


def pool(*values: float, phases: tuple[int | None, ...] = ()) -> Pool:
    """Results thirty days apart, with their days of the injection cycle where those are known."""
    kept = Pool()
    for n, value in enumerate(values):
        kept.add(value, moment(30 * n), phases[n] if phases else None)
    return kept


def own_cv(results: Pool, least: int, cv_analytical: float, within: float) -> float | None:
    return results.stable_cv(least, cv_analytical, within, after=3, outlying=3)


def test_nothing_has_no_nadir() -> None:
    assert pool().nadir() is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((70,), Nadir(70, moment(0), 1)),
        ((70, 60), Nadir(60, moment(30), 2)),
        ((60, 70), Nadir(60, moment(0), 2)),
        ((40, 70, 60), Nadir(60, moment(60), 3)),
        ((40, 70, 60, 65), Nadir(60, moment(60), 4)),
        ((70, 40, 68, 41, 72), Nadir(41, moment(90), 5)),
        ((70, 70, 70), Nadir(70, moment(30), 3)),
    ],
)
def test_the_nadir_is_the_lowest_median_of_three_in_a_row(values: tuple[float, ...], expected: Nadir) -> None:
    assert pool(*values).nadir() == expected


def test_an_equal_median_later_does_not_move_the_nadir() -> None:
    nadir = pool(50, 60, 70, 60, 50, 60).nadir()
    assert nadir == Nadir(60, moment(30), 6)


@pytest.mark.parametrize(
    ("phase", "window", "expected"),
    [
        (27, 7, Nadir(70, moment(0), 3)),
        (20, 7, Nadir(70, moment(0), 3)),
        (19, 7, Nadir(80, moment(90), 1)),
        (10, 7, Nadir(50, moment(60), 1)),
        (3, 7, Nadir(50, moment(60), 1)),
        (2, 7, None),
        (None, 7, Nadir(60, moment(30), 4)),
    ],
)
def test_only_results_of_the_same_phase_are_compared(phase: int | None, window: float, expected: Nadir | None) -> None:
    assert pool(70, 60, 50, 80, phases=(27, 27, 10, 26)).nadir(phase, window) == expected


def test_a_result_of_unknown_phase_is_compared_with_all() -> None:
    assert pool(70, 60, phases=(27, None)).nadir(5, 7) == Nadir(60, moment(30), 1)
    assert pool(70, 60).nadir(5, 7) == Nadir(60, moment(30), 2)


def test_the_own_variation_needs_five_results_close_together() -> None:
    within = 0.642
    assert own_cv(pool(60, 70, 60, 70), 5, 0.1, within) is None
    assert own_cv(pool(60, 70, 60, 70, 65), 5, 0.0, within) == pytest.approx(0.0771, abs=1e-3)
    assert own_cv(pool(60, 70, 60, 70, 98.6), 5, 0.1, within) is None
    assert own_cv(pool(60, 70, 60, 70, 98.4), 5, 0.1, within) is not None
    assert own_cv(pool(300, 60, 70, 60, 70, 65), 5, 0.1, within) is not None


def test_the_own_variation_is_that_of_all_stable_results_and_not_of_the_last_ones() -> None:
    quiet_of_late = pool(80, 55, 85, 52, 80, 60, 61, 60, 61, 60)
    assert own_cv(quiet_of_late, 5, 0.1, 0.642) == pytest.approx(0.140, abs=1e-3)


def test_results_from_before_a_fall_are_no_scatter_about_the_level_after_it() -> None:
    settled = (60, 70, 60, 70, 65)
    assert own_cv(pool(800, 400, 200, *settled), 5, 0.0, 0.642) == own_cv(pool(*settled), 5, 0.0, 0.642)


def test_the_highest_may_reach_the_limit_exactly() -> None:
    assert own_cv(pool(50, 75, 50, 75, 50), 5, 0.1, 0.5) is not None


def test_results_of_zero_show_no_variation_and_small_ones_do() -> None:
    assert own_cv(pool(0, 0, 0, 0, 0), 5, 0.1, 0.642) is None
    assert own_cv(pool(0.6, 0.7, 0.6, 0.7, 0.65), 5, 0.0, 0.642) == pytest.approx(0.0771, abs=1e-3)


def rise_taken_back(rise: float, *after: float) -> Pool:
    """Five calm results, one unconfirmed rise, and what came after it."""
    kept = pool(60, 70, 60, 70, 65)
    kept.take_back(rise)
    for n, value in enumerate(after, start=6):
        kept.add(value, moment(30 * n), None)
    return kept


def test_a_rise_that_was_taken_back_is_own_variation_once_three_results_followed() -> None:
    calm = own_cv(pool(60, 70, 60, 70, 65, 60, 70), 5, 0.0, 0.642)
    assert own_cv(rise_taken_back(110, 60, 70), 5, 0.0, 0.642) == calm
    told = own_cv(rise_taken_back(110, 60, 70, 65), 5, 0.0, 0.642)
    assert told == own_cv(pool(60, 70, 60, 70, 65, 60, 70, 65, 110), 5, 0.0, 1.0)
    assert told == pytest.approx(0.190, abs=1e-3)


def test_a_rise_that_was_taken_back_sets_no_nadir_and_is_none_of_the_five() -> None:
    four = pool(60, 70, 60, 70)
    four.take_back(110)
    assert four.nadir() == pool(60, 70, 60, 70).nadir()
    late = pool()
    late.take_back(110)
    for n, value in enumerate((60, 70, 60, 70)):
        late.add(value, moment(30 * n), None)
    assert own_cv(late, 5, 0.0, 0.642) is None


def test_three_times_the_nadir_for_once_is_an_error_or_an_event_and_no_variation() -> None:
    calm = own_cv(pool(60, 70, 60, 70, 65, 60, 70, 65), 5, 0.0, 0.642)
    assert own_cv(rise_taken_back(180, 60, 70, 65), 5, 0.0, 0.642) == calm
    assert own_cv(rise_taken_back(179.9, 60, 70, 65), 5, 0.0, 0.642) > calm


@given(st.lists(st.tuples(st.integers(1, 9), st.none() | st.integers(0, 27)), max_size=9), st.integers(0, 27))
def test_a_pool_says_what_its_definition_says(results: list[tuple[int, int | None]], phase: int) -> None:
    kept = Pool()
    for day, (value, at_phase) in enumerate(results):
        kept.add(float(value), moment(day), at_phase)
    near = [(v, day) for day, (v, other) in enumerate(results) if other is None or abs(other - phase) <= 5]
    assert kept.nadir(phase, 5) == _defined(near)
    assert kept.nadir() == _defined([(value, day) for day, (value, _) in enumerate(results)])


def _defined(results: list[tuple[int, int]]) -> Nadir | None:
    """The lowest median of three in a row, as the sample it is; of fewer than three the lowest."""
    medians = [sorted(results[at : at + 3], key=lambda r: r[0])[1] for at in range(len(results) - 2)]
    lowest = min(medians or results, key=lambda r: r[0], default=None)
    return None if lowest is None else Nadir(float(lowest[0]), moment(lowest[1]), len(results))
