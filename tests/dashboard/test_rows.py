"""Tables as data: a closed set of parts in which nothing is markup and no link leads away."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.parts import rows
from dashboard.parts.quantities import arrows, range_text, unit_text
from dashboard.parts.sparkline import sparkline


@pytest.mark.parametrize(
    "address", ["https://elsewhere.example", "//elsewhere.example", "javascript:alert(1)", "", "p/1"]
)
def test_a_link_that_leads_out_of_the_application_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="does not lead into"):
        rows.link("x", address)


@given(st.text())
def test_whatever_a_cell_says_comes_back_as_it_was(text: str) -> None:
    made = rows.table("t", ["A"], [rows.row([rows.cell(text)])], caption="c", css="dense")
    content = json.loads(made.to_plotly_json()["props"]["data-table"])
    assert content["rows"][0]["cells"][0]["parts"] == [text]


def test_severity_carries_its_word_beside_its_shape() -> None:
    assert rows.severity("high") == {"text": "High", "css": "severity high"}


def test_arrows_are_spoken_as_words() -> None:
    assert rows.arrow("↑↑") == {"text": "↑↑", "css": "arrow", "spoken": "above the range, 2 times the limit or more"}


def test_a_sparkline_carries_words_and_stays_within_its_frame() -> None:
    made = sparkline([0.0, 1.0, 2.0], [80.0, 0.0, 900.0], words="3 values")
    assert isinstance(made, dict)
    points = [tuple(map(float, point.split(","))) for point in made["line"].split()]
    assert len(points) == 3 and [x for x, _ in points] == sorted(x for x, _ in points)
    assert all(0 <= x <= made["width"] and 0 <= y <= made["height"] for x, y in points)
    assert points[2][1] < points[0][1] < points[1][1], "larger is higher, zero is lowest"
    assert made["words"] == "3 values"


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (159.0, 50.0, 159.0, ""),
        (160.0, 50.0, 159.0, "↑"),
        (318.0, 50.0, 159.0, "↑↑"),
        (5000.0, 50.0, 159.0, "↑↑↑"),
        (49.0, 50.0, 159.0, "↓"),
        (0.0, 50.0, 159.0, "↓↓↓"),
        (400.0, None, None, ""),
        (None, 50.0, 159.0, ""),
    ],
)
def test_arrows_count_how_many_times_the_limit_is_passed(
    value: float | None, low: float | None, high: float | None, expected: str
) -> None:
    assert arrows(value, low, high) == expected


def test_a_missing_range_is_said_and_never_taken_for_normal() -> None:
    assert range_text(None, None) == "no range"
    assert range_text(None, 80.0) == "≤ 80"
    assert range_text(50.0, 150.0) == "50-150"


def test_units_are_spelled_for_readers() -> None:
    assert unit_text("ug/dL") == "µg/dL"
    assert unit_text("%{BSA}") == "%"
    assert unit_text(None) == ""
