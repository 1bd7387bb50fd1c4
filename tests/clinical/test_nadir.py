"""The nadir of an epoch, its phase of the injection cycle, and the variation a patient shows by himself."""

from __future__ import annotations

import pytest

from clinical.nadir import Nadir, Pool
from tests.clinical.charts import moment


def pool(*values: float, phases: tuple[int | None, ...] = ()) -> Pool:
    """Results thirty days apart, with their days of the injection cycle where those are known."""
    kept = Pool()
    for n, value in enumerate(values):
        kept.add(value, moment(30 * n), phases[n] if phases else None)
    return kept


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
    assert pool(60, 70, 60, 70).stable_cv(5, 0.1, within) is None
    assert pool(60, 70, 60, 70, 65).stable_cv(5, 0.0, within) == pytest.approx(0.0771, abs=1e-3)
    assert pool(60, 70, 60, 70, 98.6).stable_cv(5, 0.1, within) is None
    assert pool(60, 70, 60, 70, 98.4).stable_cv(5, 0.1, within) is not None
    assert pool(300, 60, 70, 60, 70, 65).stable_cv(5, 0.1, within) is not None


def test_the_highest_may_reach_the_limit_exactly() -> None:
    assert pool(50, 75, 50, 75, 50).stable_cv(5, 0.1, 0.5) is not None


def test_results_of_zero_show_no_variation_and_small_ones_do() -> None:
    assert pool(0, 0, 0, 0, 0).stable_cv(5, 0.1, 0.642) is None
    assert pool(0.6, 0.7, 0.6, 0.7, 0.65).stable_cv(5, 0.0, 0.642) == pytest.approx(0.0771, abs=1e-3)
