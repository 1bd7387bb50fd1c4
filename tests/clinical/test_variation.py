"""Reference change value and doubling time: the numbers of the clinical reference, sections 4.1 and 4.2."""

from __future__ import annotations

import pytest

from clinical.variation import (
    doubling_time,
    own_cv,
    rcv_down,
    rcv_symmetric,
    rcv_up,
    two_point_doubling_days,
)


@pytest.mark.parametrize(("analytical", "expected"), [(0.05, 0.573), (0.10, 0.642), (0.15, 0.749)])
def test_the_rise_of_glucagon_that_chance_does_not_explain_depends_on_the_assay(
    analytical: float, expected: float
) -> None:
    assert rcv_up(analytical, 0.19) == pytest.approx(expected, abs=5e-4)


def test_the_symmetric_form_reproduces_published_values() -> None:
    assert rcv_symmetric(0.10, 0.19) == pytest.approx(0.595, abs=5e-4)
    assert rcv_symmetric(0.03, 0.163) == pytest.approx(0.459, abs=5e-4)
    assert rcv_up(0.03, 0.163) == pytest.approx(0.467, abs=5e-4)


def test_a_rise_and_the_fall_that_undoes_it_are_equally_rare() -> None:
    assert (1 + rcv_up(0.1, 0.19)) * (1 + rcv_down(0.1, 0.19)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "second", "days", "expected"),
    [(100, 150, 120, 205.1), (120, 240, 90, 90.0), (100, 100, 90, None), (100, 90, 90, None)],
)
def test_two_values_double_in_so_many_days(first: float, second: float, days: float, expected: float | None) -> None:
    assert two_point_doubling_days(first, second, days) == (
        None if expected is None else pytest.approx(expected, abs=0.05)
    )


def test_three_values_give_a_doubling_time_with_its_limits() -> None:
    found = doubling_time([(0, 100), (90, 130), (180, 175)], least_rise=0.642)
    assert found is not None
    assert found.days == pytest.approx(223.0, abs=0.1)
    assert found.lower < found.days < found.upper


@pytest.mark.parametrize(
    "points",
    [
        [(0, 100), (180, 175)],
        [(0, 100), (20, 130), (180, 175)],
        [(0, 100), (40, 130), (80, 175)],
        [(0, 100), (90, 110), (180, 130)],
        [(0, 175), (90, 130), (180, 100)],
        [(0, 100), (90, 300), (180, 170)],
    ],
    ids=["two points", "too close", "too short", "rise too small", "falling", "interval reaches zero"],
)
def test_a_doubling_time_is_not_estimated_from(points: list[tuple[float, float]]) -> None:
    assert doubling_time(points, least_rise=0.642) is None


def test_a_patients_own_variation_leaves_out_what_the_assay_adds() -> None:
    assert own_cv([60, 60, 60], 0.1) == 0
    assert own_cv([50, 60, 72], 0.0) > own_cv([50, 60, 72], 0.1) > 0
