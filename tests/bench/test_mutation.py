"""Counting what mutmut lists."""

from __future__ import annotations

from collections import Counter

from bench.mutation import killed, outcomes

LISTING = """
    clinical.units.x_convert__mutmut_1: killed
    clinical.units.x_convert__mutmut_2: survived
    clinical.recist.xǁ_Seriesǁassess__mutmut_1: timeout
    clinical.recist.xǁ_Seriesǁassess__mutmut_2: no tests
"""


def test_mutants_are_counted_by_module() -> None:
    assert outcomes(LISTING) == {
        "clinical.units": Counter(killed=1, survived=1),
        "clinical.recist": Counter({"timeout": 1, "no tests": 1}),
    }


def test_a_mutant_that_never_ends_was_noticed_and_one_without_tests_was_not() -> None:
    assert killed(outcomes(LISTING)["clinical.recist"]) == 0.5
