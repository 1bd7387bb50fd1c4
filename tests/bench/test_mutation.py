"""Counting what mutmut lists."""

from __future__ import annotations

from collections import Counter

from bench.mutation import killed, outcomes, selecting, undecorated

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


RULES = """
@dataclass(frozen=True)
class Shape:
    side: int


@rule(
    "R01",
    question="Why?",
)
def first(chart):
    return chart


def second(chart):
    return first(chart)
"""


def test_a_rule_is_registered_behind_its_function_so_that_mutmut_changes_it() -> None:
    assert (
        undecorated(RULES)
        == """
@dataclass(frozen=True)
class Shape:
    side: int


def first(chart):
    return chart


rule(
    "R01",
    question="Why?",
)(first)


def second(chart):
    return first(chart)
"""
    )


def test_one_module_is_changed_and_judged_by_its_own_tests() -> None:
    settings = """[tool.mutmut]
only_mutate = [
    "clinical/recist.py",
]
pytest_add_cli_args_test_selection = ["tests/clinical"]
also_copy = ["data"]
"""
    assert (
        selecting(settings, ["clinical/rules/skin.py"], ["tests/clinical/test_skin_rules.py"])
        == """[tool.mutmut]
only_mutate = ["clinical/rules/skin.py"]
pytest_add_cli_args_test_selection = ["tests/clinical/test_skin_rules.py"]
also_copy = ["data"]
"""
    )
