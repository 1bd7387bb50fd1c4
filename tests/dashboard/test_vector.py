"""A figure on paper stands where the figure on the screen stands: positions are read back as the numbers drawn."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from dashboard.figures.axes import DAY
from dashboard.figures.ink import SEVERITY_SIGNS
from dashboard.figures.runs import SYMBOLS
from dashboard.figures.series import MarkerPanel, Points, Run, Span, Synoptic, floats
from dashboard.figures.synoptic import synoptic
from dashboard.figures.vector import Undrawable, as_svg
from dashboard.figures.vector_marks import symbol
from dashboard.figures.vector_text import runs
from dashboard.figures.vector_ticks import linear_ticks, time_ticks

START = 1_700_000_000_000.0
WIDTH, HEIGHT = 800.0, 900.0


def spec(values: list[float], marks: tuple[str, ...]) -> dict[str, object]:
    at = floats([START + 30 * i * DAY for i in range(len(values))])
    points = Points(at=at, value=floats(values), label=tuple(map(str, values)))
    marker = MarkerPanel(
        name="Glucagon",
        unit="pg/mL",
        runs=(Run(points=points, marks=marks),),  # type: ignore[arg-type]
        limits=(Span(start=START, end=START + 90 * DAY, high=400.0),),
    )
    return synoptic(Synoptic(as_of=START + 100 * DAY, marker=marker))


def drawn(figure: dict[str, object]) -> str:
    return as_svg(figure, width=WIDTH, height=HEIGHT, title="Course", font="sans-serif")


def test_every_sample_stands_at_its_value_and_its_day() -> None:
    values = [60.0, 150.0, 999.5, 100_000.0]
    figure = spec(values, ("valid",) * 4)
    layout = figure["layout"]
    low, high = layout["yaxis"]["range"]
    foot, head = layout["yaxis"]["domain"]
    start, end = layout["xaxis"]["range"]
    margin = layout["margin"]
    plot = HEIGHT - margin["t"] - margin["b"]
    found = []
    for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn(figure)):
        share = (HEIGHT - margin["b"] - float(y)) / plot
        value = 10 ** (low + (share - foot) / (head - foot) * (high - low))
        day = start + (float(x) - margin["l"]) / (WIDTH - margin["l"] - margin["r"]) * (end - start)
        found.append((value, (day - START) / DAY))
    assert [v for v, _ in found] == [pytest.approx(v, rel=2e-3) for v in values]
    assert [d for _, d in found] == [pytest.approx(30 * i, abs=0.2) for i in range(4)]


def test_a_censored_result_is_an_open_triangle_and_a_zero_a_cross_on_the_edge() -> None:
    made = drawn(spec([15.0, 0.0], ("below", "valid")))
    assert re.search(r'<polygon points="[^"]+" fill="#fff"', made)
    assert "translate(" in made


def test_each_symbol_of_the_figures_has_a_drawing() -> None:
    names = {*SYMBOLS.values(), *(s.symbol for s in SEVERITY_SIGNS.values()), "x-thin", "cross", "star", "line-ns"}
    assert all(symbol(name, 0, 0, size=8, colour="#000000", line={}) for name in names)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("a trace", {"type": "heatmap"}),
        ("a symbol", {"marker": {"symbol": "pentagon", "color": "#000000"}, "mode": "markers"}),
        ("a fill", {"fill": "tonexty", "mode": "lines"}),
        ("a line", {"line": {"dash": "wavy"}, "mode": "lines"}),
    ],
)
def test_what_has_no_drawing_is_refused_and_never_left_out(part: str, change: dict[str, object]) -> None:
    figure = spec([60.0, 70.0], ("valid", "valid"))
    figure["data"] = [{**figure["data"][0], **change}]
    with pytest.raises(Undrawable, match=part):
        drawn(figure)


def test_the_drawing_is_xml_and_texts_of_records_are_only_text() -> None:
    ElementTree.fromstring(drawn(spec([60.0], ("valid",))))  # our own SVG
    assert runs("<b>A</b> <script>&lt;i&gt;") == '<tspan font-weight="600">A</tspan> &lt;script&gt;&lt;i&gt;'


def test_ticks_are_round_and_within_the_axis() -> None:
    assert [t for t, _ in linear_ticks(0, 194, most=5)] == [0, 50, 100, 150]
    assert all(low <= t <= high for low, high in ((3.1, 3.9), (-1, 4.3)) for t, _ in linear_ticks(low, high, most=5))
    years = time_ticks(START, START + 20 * 365.25 * DAY, most=8)
    assert 4 <= len(years) <= 10
    assert all(words.startswith("Jan") for _, words in years)
    days = time_ticks(START, START + 10 * DAY, most=8)
    assert len(days) >= 3
    assert not any(math.isnan(at) for at, _ in days)
