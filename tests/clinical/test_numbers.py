"""parse_number takes exactly one finite decimal number, or says why not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.numbers import NumberError, ParsedNumber, exceeds, parse_number, reaches


@pytest.mark.parametrize(
    ("text", "value", "comparator"),
    [
        ("118", "118", None),
        (" 118.00 ", "118.00", None),
        ("1.18e2", "118", None),
        ("-3.5", "-3.5", None),
        ("<15", "15", "<"),
        ("<= 15", "15", "<="),
        ("≤15", "15", "<="),
        (">2000", "2000", ">"),
        (">=0.5", "0.5", ">="),
    ],
)
def test_a_plain_number_is_read_exactly_with_its_comparator(text: str, value: str, comparator: str | None) -> None:
    parsed = parse_number(text)
    assert str(parsed.value) == value
    assert parsed.comparator == comparator


@pytest.mark.parametrize("text", ["1,234", "1.234,5", "12,5", "1,234.5", "1,2,3"])
def test_a_comma_is_refused_because_it_could_mean_two_numbers(text: str) -> None:
    with pytest.raises(NumberError, match="two numbers"):
        parse_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "inf",
        "-Infinity",
        "1e999",
        "1e-999",
        "１２",
        "١٢",
        "1 234",
        "1_000",
        "0x10",
        "12 pg/mL",
        "high",
        "1.2.3",
        "--1",
        "<>5",
        "+",
        ".",
        "e5",
        "5-10",
        "X12",
        "\u00a012",
        "\x0c12",
        "9" * 41,
        "1e99999999999999999999",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NumberError):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" ", "the number is empty"),
        ("9" * 41, f"'{'9' * 40}'... is too long for a number"),
        ("high", "'high' is not a number"),
        ("1e999", "'1e999' is outside the range of numbers Nadir can hold"),
        ("1e-999", "'1e-999' is outside the range of numbers Nadir can hold"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(NumberError) as refused:
        parse_number(text)
    assert str(refused.value) == why


def test_forty_characters_are_not_too_long() -> None:
    assert parse_number("9" * 40).value == Decimal("9" * 40)


@pytest.mark.parametrize(
    ("value", "limit", "at_it"), [(1.8, 1.5 * 1.2, True), (99, 0.9 * 110, True), (98.9, 99, False)]
)
def test_a_boundary_is_a_boundary_whatever_rounding_does_to_a_product(value: float, limit: float, at_it: bool) -> None:
    assert reaches(value, limit) is at_it
    assert not exceeds(value, limit)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_every_plain_decimal_is_read_back_exactly(value: Decimal) -> None:
    assert parse_number(str(value)) == ParsedNumber(value, None)


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise_than_with_its_own_error(text: str) -> None:
    try:
        parsed = parse_number(text)
    except NumberError:
        return
    assert parsed.value.is_finite()


def test_a_number_with_a_comma_is_refused_in_full() -> None:
    with pytest.raises(NumberError) as refused:
        parse_number("1,234")
    assert str(refused.value) == ("'1,234' could mean two numbers: write a decimal point and no thousands separator")
