"""Honest edges of the synoptic chart: nothing is guessed, lost or drawn as what it is not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
import pytest

from clinical.chart import Chart, Result
from dashboard.figures.axes import DAY, YEAR
from dashboard.figures.sensor import sensor_traces
from dashboard.figures.series import SensorStretch
from dashboard.figures.synoptic import FIRST_VIEW, reach, synoptic
from dashboard.parts.plotted.channels import sensor_band
from dashboard.parts.plotted.synoptic import synoptic_content
from dashboard.parts.times import wall_ms_of
from dashboard.parts.units import Units
from data.readings import plain_readings
from data.sensor_course import sensor_days
from tests.dashboard.views import CLOCK, chart_of, result, trends_of

BERLIN = ZoneInfo("Europe/Berlin")


def drawn(chart: Chart, *others: str, units: Units | None = None) -> go.Figure:
    return go.Figure(
        synoptic(synoptic_content(trends_of(chart), sensor_days(()), CLOCK, units or Units(), others=others))
    )


def titles(figure: go.Figure) -> str:
    return " ".join(a.text for a in figure.layout.annotations)


def dots(figure: go.Figure, record: str) -> tuple[float, str]:
    """Height and symbol of the point that a record stands as."""
    for trace in figure.data:
        if trace.customdata is not None and record in list(trace.customdata):
            at = list(trace.customdata).index(record)
            symbol = trace.marker.symbol
            return float(trace.y[at]), symbol if isinstance(symbol, str) else symbol[at]
    raise AssertionError(f"{record} is not drawn")


def test_without_a_range_no_band_is_drawn_and_the_title_says_so() -> None:
    figure = drawn(chart_of(result(10, 90, ref_high=None), result(5, 80.0, "zinc", unit="ug/dL")), "zinc")
    assert titles(figure).count("no range") == 2
    assert not [s for s in figure.layout.shapes if s.type == "rect" and s.yref in ("y", "y11")]


def test_results_that_are_all_below_a_bound_are_open_triangles_without_a_line() -> None:
    figure = drawn(chart_of(result(60, 15, comparator="<"), result(10, 15, comparator="<")))
    line, points = figure.data[:2]
    assert len(line.x) == 0
    assert list(points.y) == [15, 15]
    assert points.marker.symbol == "triangle-down-open"


@pytest.mark.parametrize("analyte", ["glucagon", "zinc", "weight", "hba1c", "glucose"])
def test_one_point_is_drawn_as_one_point(analyte: str) -> None:
    assert dots(drawn(chart_of(result(10, 61.5, analyte)), "zinc"), f"{analyte}10")[0] == 61.5


@pytest.mark.parametrize("analyte", ["zinc", "weight", "glucose", "elastase"])
def test_a_zero_stands_at_zero_on_a_linear_axis(analyte: str) -> None:
    figure = drawn(chart_of(result(10, 0.0, analyte), result(5, 10.0, analyte)), "zinc", "elastase")
    assert dots(figure, f"{analyte}10")[0] == 0.0


@pytest.mark.parametrize(("unit", "height"), [("pg/mL", 100_000), ("pmol/L", 28_713)])
def test_a_hundred_thousand_is_on_the_axis_beside_a_small_value_in_either_unit(unit: str, height: float) -> None:
    figure = drawn(chart_of(result(60, 40), result(10, 100_000)), units=Units(glucagon=unit))  # type: ignore[arg-type]
    assert dots(figure, "glucagon10")[0] == pytest.approx(height, rel=1e-3)
    assert 10 ** figure.layout.yaxis.range[1] > height


@pytest.mark.parametrize("analyte", ["glucagon", "zinc"])
def test_two_laboratories_are_two_lines_and_two_bands(analyte: str) -> None:
    both = [result(d, 90 + d, analyte, ref_low=50.0, ref_high=150.0) for d in (90, 60)]
    both += [result(d, 90 + d, analyte, lab="B", method="ELISA", ref_low=60.0, ref_high=209.0) for d in (30, 10)]
    figure = drawn(chart_of(*both), "zinc")
    own = [t for t in figure.data if t.customdata is not None and f"{analyte}10" in list(t.customdata)]
    assert [list(t.customdata) for t in own] == [[f"{analyte}30", f"{analyte}10"]]
    axis = own[0].yaxis
    lines = [list(t.y) for t in figure.data if t.yaxis == axis and t.mode == "lines"]
    assert lines == [[180, 150], [120, 100]]
    assert {s.y1 for s in figure.layout.shapes if s.type == "rect" and s.yref == axis} == {150.0, 209.0}


def test_twenty_years_with_a_gap_of_eight_open_on_the_last_three_and_reach_the_first() -> None:
    years = [y for y in range(20) if not 8 <= y < 16]
    content = synoptic_content(
        trends_of(chart_of(*(result(365 * y + 5, 100 + y) for y in years))), sensor_days(()), CLOCK, Units()
    )
    figure = go.Figure(synoptic(content))
    first, last = reach(content)
    assert last - first == pytest.approx(19 * YEAR, rel=0.02)
    start, end = figure.layout.xaxis.range
    assert (end, end - start) == (last, FIRST_VIEW)
    assert (figure.layout.meta["first"], figure.layout.meta["last"]) == (first, last)


def test_both_passes_of_the_hour_that_comes_twice_are_drawn_and_the_missing_hour_stays_empty() -> None:
    autumn = np.arange(np.datetime64("2026-10-25T00:00", "s"), np.datetime64("2026-10-25T03:00", "s"), 300)
    wall = wall_ms_of(autumn, BERLIN)
    hours = (wall // 3_600_000 % 24).astype(int)
    assert np.bincount(hours)[2] == 24
    spring = np.arange(np.datetime64("2026-03-29T00:00", "s"), np.datetime64("2026-03-29T03:00", "s"), 300)
    assert 2 not in (wall_ms_of(spring, BERLIN) // 3_600_000 % 24).astype(int)


def test_the_wall_clock_of_many_moments_is_that_of_each() -> None:
    moments = [datetime(2026, m, 15, h, 7, tzinfo=UTC) for m in range(1, 13) for h in (0, 13)]
    seconds = np.array([int(m.timestamp()) for m in moments]).astype("datetime64[s]")
    one_by_one = [m.astimezone(BERLIN).replace(tzinfo=UTC).timestamp() * 1000 for m in moments]
    assert wall_ms_of(seconds, BERLIN).tolist() == one_by_one


def test_every_result_is_drawn_where_it_was_and_units_only_scale_it() -> None:
    results = [result(d, v) for d, v in ((90, 200), (60, 90), (60.2, 140), (30, 88))]
    plain, molar = (drawn(chart_of(*results), units=u) for u in (Units(), Units(glucagon="pmol/L")))
    factor = 1 / 3.4828
    for each in results:
        height, symbol = dots(plain, each.record)
        scaled, same = dots(molar, each.record)
        assert height == each.value
        assert scaled == pytest.approx(height * factor, rel=1e-3)
        assert symbol == same
    levels = [[s.y0 for s in f.layout.shapes if s.type == "line" and s.yref == "y"] for f in (plain, molar)]
    assert levels[1] == pytest.approx([v * factor for v in levels[0]], rel=1e-3)


def test_a_result_sent_without_a_value_is_not_drawn_as_one() -> None:
    absent: Result = result(10, None, "zinc", status="absent")
    figure = drawn(chart_of(absent, result(40, 80.0, "zinc")), "zinc")
    with pytest.raises(AssertionError, match="not drawn"):
        dots(figure, absent.record)
    assert dots(figure, "zinc40")[0] == 80


def test_a_sensor_day_alone_has_a_band_a_day_wide() -> None:
    days = sensor_days([plain_readings("s", date(2026, 3, 1), np.arange(3) * 300, np.array([60.0, 120.0, 300.0]))])
    outline = sensor_traces(sensor_band(days, Units()), SensorStretch(), top=320)[0]
    assert np.ptp(outline["x"][:-1].astype(float)) == pytest.approx(DAY, abs=5 * 60_000)
    assert (np.nanmin(outline["y"]), np.nanmax(outline["y"])) == (60, 300)
