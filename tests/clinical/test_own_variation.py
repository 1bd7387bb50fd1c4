"""How far a marker must rise in a patient whose results vary more than published."""

from __future__ import annotations

import pytest

from tests.clinical.charts import glucagon
from tests.clinical.courses import course

LIVELY = (60, 80, 55, 85, 60)


def last_of(*values: float) -> float:
    """The reference change value that the last of these results, thirty days apart, was compared with."""
    rcv = course(*(glucagon(30 * n, value) for n, value in enumerate(values))).samples[-1].rcv
    assert rcv is not None
    return rcv


def test_a_rise_that_was_taken_back_widens_the_reference_change_value_of_a_lively_marker() -> None:
    assert last_of(*LIVELY, 108, 55, 85, 60) == pytest.approx(0.642, abs=1e-3)
    assert last_of(*LIVELY, 108, 55, 85, 60, 60) == pytest.approx(0.760, abs=1e-3)


def test_a_rise_that_was_confirmed_never_counts_as_variation() -> None:
    assert last_of(*LIVELY, 108, 108, 55, 85, 60, 60) == pytest.approx(0.642, abs=1e-3)
