"""Which results are of one assay, and whether a result lies above its limit."""

from __future__ import annotations

import pytest

from clinical.assay import above_limit, assays_of, below_limit
from clinical.chart import Result
from tests.clinical.charts import glucagon, lab


def series_of(*results: Result) -> list[int]:
    """For each result the number of its assay, counted in the order they turn up."""
    assays = [assay for assay, _ in assays_of(results)]
    met = list(dict.fromkeys(assays))
    return [met.index(assay) for assay in assays]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([{"lab": "A"}, {"lab": "A"}], [0, 0]),
        ([{"lab": "A"}, {"lab": "B"}], [0, 1]),
        ([{"lab": "A"}, {"lab": None}], [0, 0]),
        ([{"lab": "A", "method": "RIA"}, {"lab": "A", "method": "ELISA"}], [0, 1]),
        ([{"lab": "A", "method": "RIA"}, {"lab": "A"}], [0, 0]),
        ([{"lab": None}, {"lab": "A"}, {"lab": "B"}], [0, 0, 1]),
        ([{"lab": "A", "method": None}, {"lab": "A", "method": "RIA"}, {"lab": "A", "method": "ELISA"}], [0, 0, 1]),
        ([{"lab": "A"}, {"lab": "B"}, {"lab": "A"}, {"lab": "B"}], [0, 1, 0, 1]),
    ],
)
def test_one_assay_is_one_laboratory_and_one_method(given: list[dict[str, str]], expected: list[int]) -> None:
    assert series_of(*(glucagon(10 * n, 60, **names) for n, names in enumerate(given))) == expected


def test_another_limit_is_another_method_unless_the_method_is_named() -> None:
    assert series_of(glucagon(0, 60, 80, lab="A"), glucagon(10, 60, 159, lab="A")) == [0, 1]
    named = {"lab": "A", "method": "M"}
    assert series_of(glucagon(0, 60, 80, **named), glucagon(10, 60, 159, **named)) == [0, 0]
    assert series_of(glucagon(0, 60, 80, **named), glucagon(10, 60, 159, lab="A")) == [0, 1]


def test_another_unit_is_another_assay_and_an_unknown_one_is_not() -> None:
    units = ("pg/mL", None, "nmol/L")
    assert series_of(*(lab(n, "chromogranin-a", 60, unit=unit) for n, unit in enumerate(units))) == [0, 0, 1]


def test_a_result_without_names_belongs_to_the_assay_met_last() -> None:
    results = (glucagon(0, 60, None, lab="A"), glucagon(10, 60, None, lab="B"), glucagon(20, 60, None))
    assert series_of(*results) == [0, 1, 1]
    back = (*results[:2], glucagon(15, 60, None, lab="A"), glucagon(20, 60, None))
    assert series_of(*back) == [0, 1, 0, 0]


def test_a_limit_that_a_result_does_not_carry_is_the_last_of_its_assay() -> None:
    named = {"lab": "A", "method": "M"}
    own = [glucagon(n, 60, upper, **named) for n, upper in enumerate((None, 80, 90, None))]
    found = assays_of([*own, glucagon(4, 60, None, lab="B", method="M")])
    assert [upper for _, upper in found] == [None, 80, 90, 90, None]


def test_an_assay_is_named_by_what_is_known_of_it() -> None:
    (assay, _), *_ = assays_of([glucagon(0, 60, lab="A"), glucagon(1, 60, lab="A", method="RIA")])
    assert assay.named() == "A, RIA"
    (unknown, _), *_ = assays_of([glucagon(0, 60)])
    assert unknown.named() == "laboratory and method not recorded"


@pytest.mark.parametrize(
    ("value", "comparator", "above"),
    [
        (80, None, False),
        (80.1, None, True),
        (80, "<", False),
        (81, "<", None),
        (80, "<=", False),
        (81, "<=", None),
        (80, ">", True),
        (79, ">", None),
        (80, ">=", True),
        (79, ">=", None),
    ],
)
def test_above_the_limit_by_its_number(value: float, comparator: str | None, above: bool | None) -> None:
    assert above_limit(glucagon(0, value, comparator=comparator), 80) is above


@pytest.mark.parametrize(
    ("value", "comparator", "below"),
    [
        (59, None, True),
        (60, None, False),
        (60, "<", True),
        (61, "<", None),
        (60, "<=", True),
        (61, "<=", None),
        (60, ">", False),
        (59, ">", None),
        (60, ">=", False),
        (59, ">=", None),
    ],
)
def test_below_the_limit_by_its_number(value: float, comparator: str | None, below: bool | None) -> None:
    assert below_limit(glucagon(0, value, comparator=comparator), 60) is below


@pytest.mark.parametrize(
    ("said", "above"),
    [
        ({"interpretation": "H"}, True),
        ({"interpretation": "HH"}, True),
        ({"text": " Elevated "}, True),
        ({"interpretation": "N"}, False),
        ({"interpretation": "L"}, False),
        ({"text": "within normal range"}, False),
        ({"text": "see comment"}, None),
        ({"text": "see comment", "interpretation": "N"}, False),
        ({"text": "normal", "interpretation": "H"}, True),
        ({}, None),
    ],
)
def test_above_the_limit_in_the_words_of_the_laboratory(said: dict[str, str], above: bool | None) -> None:
    assert above_limit(glucagon(0, None, **said), 80) is above
    assert above_limit(glucagon(0, 500, None, **said), None) is above
