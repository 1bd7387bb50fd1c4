"""Reference change value and doubling time: the numbers of the clinical reference, sections 4.1 and 4.2."""

from __future__ import annotations

import math

import numpy as np
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
    [
        (100, 150, 120, 205.1),
        (120, 240, 90, 90.0),
        (0.5, 1, 90, 90.0),
        (100, 200, 0.5, 0.5),
        (100, 100, 90, None),
        (100, 90, 90, None),
        (0, 90, 90, None),
        (100, 200, 0, None),
    ],
)
def test_two_values_double_in_so_many_days(first: float, second: float, days: float, expected: float | None) -> None:
    assert two_point_doubling_days(first, second, days) == (
        None if expected is None else pytest.approx(expected, abs=0.05)
    )


def test_three_values_give_a_doubling_time_with_its_limits() -> None:
    found = doubling_time([(0, 100), (90, 130), (180, 175)], least_rise=0.642)
    assert found is not None
    assert found.days == pytest.approx(223.0, abs=0.1)
    # Slope 0.0031090 a day, standard error 0.00011194, Student's t for one degree of freedom 12.706.
    assert found.lower == pytest.approx(153.0, abs=0.1)
    assert found.upper == pytest.approx(411.0, abs=0.3)
    assert found.samples == 3


def test_four_values_have_two_degrees_of_freedom() -> None:
    # Logarithms 0, 0.9, 2.1, 3 on days 0, 100, 200, 300: slope 510/50 000, squared residuals 0.018.
    points = [(day, math.exp(log)) for day, log in ((0, 0), (100, 0.9), (200, 2.1), (300, 3))]
    found = doubling_time(points, least_rise=0.642)
    assert found is not None
    margin = 4.303 * math.sqrt(0.018 / 2 / 50_000)
    assert found.days == pytest.approx(math.log(2) / 0.0102)
    assert found.lower == pytest.approx(math.log(2) / (0.0102 + margin))
    assert found.upper == pytest.approx(math.log(2) / (0.0102 - margin))
    assert found.samples == 4


@pytest.mark.parametrize(("values", "t"), [(32, 2.042), (33, 2.0)])
def test_beyond_thirty_degrees_of_freedom_the_normal_value_stands_in(values: int, t: float) -> None:
    # A line of slope 0.01 with +0.01 and -0.01 in turn around it.
    points = [(30.0 * n, math.exp(0.3 * n + (0.01 if n % 2 else -0.01))) for n in range(values)]
    found = doubling_time(points, least_rise=0.642)
    assert found is not None
    slope, error = _least_squares([(day, math.log(value)) for day, value in points])
    assert found.lower == pytest.approx(math.log(2) / (slope + t * error), rel=1e-6)


def _least_squares(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and standard error by NumPy's own fit."""
    days, logs = np.array(points).T
    (slope, _), covariance = np.polyfit(days, logs, 1, cov="unscaled")
    residual = logs - np.polyval(np.polyfit(days, logs, 1), days)
    return float(slope), math.sqrt(covariance[0, 0] * float(residual @ residual) / (len(points) - 2))


@pytest.mark.parametrize(
    "points",
    [
        [(0, 100), (45, 141), (90, 200)],
        [(1000, 100), (1045, 141), (1090, 200)],
        [(0, 100), (28, 124), (90, 200)],
        [(0, 0.1), (45, 0.141), (90, 0.2)],
    ],
    ids=["span of 90 days", "days counted from anywhere", "28 days apart", "small numbers"],
)
def test_a_doubling_time_is_estimated_at_the_limits(points: list[tuple[float, float]]) -> None:
    assert doubling_time(points, least_rise=1.0) is not None


@pytest.mark.parametrize(
    "points",
    [
        [(0, 100), (180, 175)],
        [(0, 100), (20, 130), (180, 175)],
        [(0, 100), (40, 130), (80, 175)],
        [(0, 100), (90, 110), (180, 130)],
        [(0, 175), (90, 130), (180, 100)],
        [(0, 100), (90, 300), (180, 170)],
        [(1000, 100), (1040, 130), (1080, 175)],
        [(1000, 100), (1020, 113), (1180, 300)],
        [(0, 100), (90, 130), (91, 175)],
        [(0, 0), (90, 130), (180, 175)],
        [(0, 0.5), (90, 0.6), (180, 0.7)],
    ],
    ids=[
        "two points",
        "too close",
        "too short",
        "rise too small",
        "falling",
        "interval reaches zero",
        "too short, days counted from anywhere",
        "too close, days counted from anywhere",
        "the last two too close",
        "a zero",
        "rise too small in small numbers",
    ],
)
def test_a_doubling_time_is_not_estimated_from(points: list[tuple[float, float]]) -> None:
    assert doubling_time(points, least_rise=0.642) is None


def test_a_flat_line_has_no_doubling_time_however_small_the_rise_asked_for() -> None:
    assert doubling_time([(0, 100), (90, 100), (180, 100)], least_rise=0.0) is None


def test_a_patients_own_variation_leaves_out_what_the_assay_adds() -> None:
    assert own_cv([60, 60, 60], 0.1) == 0
    # Logarithms -0.2, 0, 0.2: variance 0.04, total 20.2 %; without an assay of 10 % 17.55 % is left.
    values = [60 * math.exp(x) for x in (-0.2, 0, 0.2)]
    assert own_cv(values, 0.0) == pytest.approx(0.20202, abs=1e-5)
    assert own_cv(values, 0.1) == pytest.approx(0.17552, abs=1e-5)
    assert own_cv([50, 60, 72], 0.0) > own_cv([50, 60, 72], 0.1) > 0
