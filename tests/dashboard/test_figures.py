"""The figures say what their inputs say: no point lost, nothing joined that must not be, one time axis for all."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.figures.axes import DAY, YEAR
from dashboard.figures.cycle import CycleLine, CyclePanel, cycle_figure
from dashboard.figures.drawing import Spec
from dashboard.figures.evidence import evidence
from dashboard.figures.ink import SEVERITY_SIGNS
from dashboard.figures.lesion_spider import LesionLine, spider
from dashboard.figures.profile import ProfileContent, profile_figure
from dashboard.figures.sensor import drawn_of, sensor_traces
from dashboard.figures.sent import sent
from dashboard.figures.series import (
    AnalytePanel,
    Bar,
    FlagMark,
    GlucosePanel,
    Lanes,
    LesionPanel,
    Mark,
    MarkerPanel,
    Points,
    Run,
    SensorBand,
    SensorStretch,
    Shown,
    SkinPanel,
    Span,
    Synoptic,
    TimesLimitPanel,
    floats,
)
from dashboard.figures.skin_course import skin_course
from dashboard.figures.synoptic import synoptic
from dashboard.figures.thinning import thinned

START = 1_700_000_000_000.0
NOW = START + 400 * DAY


def points(days: list[float], values: list[float]) -> Points:
    return Points(
        at=floats([START + d * DAY for d in days]), value=floats(values), label=tuple(f"{v:g}" for v in values)
    )


def run(days: list[float], values: list[float], *marks: str) -> Run:
    return Run(points=points(days, values), marks=marks or ("valid",) * len(days))  # type: ignore[arg-type]


def band(days: list[float], *, lowest: float = 60, highest: float = 250) -> SensorBand:
    def all_(value: float) -> object:
        return floats([value] * len(days))

    return SensorBand(
        day=floats([START + d * DAY for d in days]),
        lowest=all_(lowest),
        p5=all_(80),
        median=all_(120),
        p95=all_(190),
        highest=all_(highest),
        count=all_(288),
        low_marks=all_(0),
        high_marks=all_(0),
    )


def content(**changes: object) -> Synoptic:
    base = Synoptic(
        as_of=NOW,
        marker=MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run([0, 30, 60], [300, 120, 80]),)),
    )
    return replace(base, **changes)


def as_sent(spec: Spec) -> dict[str, Any]:
    return json.loads(orjson.dumps(sent(spec)))  # type: ignore[no-any-return]


def drawn_y(figure: object, name: str) -> list[float]:
    return [float(v) for t in figure.data if t.mode == name for v in t.y if v is not None]  # type: ignore[attr-defined]


def test_every_panel_shares_the_one_time_axis_so_that_one_hover_box_shows_them_all() -> None:
    figure = go.Figure(synoptic(content(weight=(run([0, 90], [61, 63]),), skin=SkinPanel(iga=points([0], [2])))))
    assert {t.xaxis for t in figure.data} == {"x"}
    assert figure.layout.hovermode == "x unified"
    assert figure.layout.hoversubplots == "axis"
    assert "xaxis2" not in figure.layout.to_plotly_json()


def test_times_are_sent_as_milliseconds_in_binary_not_as_text() -> None:
    trace = as_sent(synoptic(content()))["data"][1]
    assert trace["x"]["dtype"] == "f8"


def test_the_glucagon_axis_is_logarithmic_and_holds_every_sample_and_every_limit() -> None:
    panel = MarkerPanel(
        name="Glucagon",
        unit="pg/mL",
        runs=(run([0, 60], [12, 40_000]),),
        limits=(Span(start=START, end=NOW, high=60_000),),
    )
    axis = go.Figure(synoptic(content(marker=panel))).layout.yaxis
    assert axis.type == "log"
    assert 10 ** axis.range[0] < 12
    assert 10 ** axis.range[1] > 60_000


def test_a_method_change_breaks_the_line() -> None:
    panel = MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run([0, 30], [100, 90]), run([60, 90], [150, 160])))
    lines = [t for t in go.Figure(synoptic(content(marker=panel))).data if t.mode == "lines"]
    assert [list(t.y) for t in lines] == [[100, 90], [150, 160]]


def test_a_censored_value_is_an_open_triangle_at_its_limit_and_the_line_does_not_pass_through_it() -> None:
    panel = MarkerPanel(
        name="Glucagon", unit="pg/mL", runs=(run([0, 30, 60], [100, 15, 90], "valid", "below", "valid"),)
    )
    line, dots = go.Figure(synoptic(content(marker=panel))).data[:2]
    assert list(line.y) == [100, 90]
    assert list(dots.y) == [100, 15, 90]
    assert dots.marker.symbol[1] == "triangle-down-open"


def test_a_sample_that_is_not_valid_is_hollow() -> None:
    panel = MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run([0, 30], [100, 400], "valid", "not-valid"),))
    assert list(go.Figure(synoptic(content(marker=panel))).data[1].marker.symbol) == ["circle", "circle-open"]


def test_a_zero_is_drawn_on_the_bottom_edge_with_its_own_sign_and_its_label_still_says_zero() -> None:
    panel = MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run([0, 30], [0, 100]),))
    figure = go.Figure(synoptic(content(marker=panel)))
    line, dots = figure.data[:2]
    assert list(line.y) == [100]
    assert dots.marker.symbol[0] == "x-thin"
    assert dots.y[0] == pytest.approx(10 ** figure.layout.yaxis.range[0])
    assert dots.text[0] == "0"


def test_two_samples_of_one_day_are_both_drawn() -> None:
    panel = MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run([0, 30, 30], [100, 90, 140]),))
    assert list(go.Figure(synoptic(content(marker=panel))).data[1].y) == [100, 90, 140]


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1e6, allow_nan=False), min_size=1, max_size=60))
def test_no_sample_is_ever_lost(values: list[float]) -> None:
    panel = MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run(list(range(len(values))), values),))
    figure = go.Figure(synoptic(content(marker=panel)))
    assert list(figure.data[1].y) == values
    low, high = (10**r for r in figure.layout.yaxis.range)
    assert low < min(values)
    assert max(values) < high


def test_the_axis_starts_at_the_first_entry_so_no_empty_years_are_shown() -> None:
    figure = go.Figure(synoptic(content()))
    first, last = figure.layout.xaxis.range
    assert START - 20 * DAY < first < START
    assert NOW < last < NOW + 20 * DAY


def test_a_long_history_opens_on_its_last_three_years_and_keeps_the_rest_within_reach() -> None:
    old = MarkerPanel(name="Glucagon", unit="pg/mL", runs=(run([0, 3000], [300, 120]),))
    figure = go.Figure(synoptic(content(marker=old, as_of=START + 3001 * DAY)))
    first, last = figure.layout.xaxis.range
    assert last - first == pytest.approx(3 * YEAR)
    assert figure.layout.meta["first"] < START
    assert len(figure.data[1].y) == 2


def test_what_was_never_measured_is_said() -> None:
    empty = Synoptic(as_of=NOW, marker=MarkerPanel(name="Glucagon", unit="pg/mL"))
    titles = [a.text for a in go.Figure(synoptic(empty)).layout.annotations]
    assert sum("never measured" in t for t in titles) == 5
    assert any("none recorded" in t for t in titles)


def test_sensor_days_are_a_band_that_does_not_bridge_missing_days() -> None:
    days = [*range(10), *range(40, 50)]
    figure = go.Figure(synoptic(content(glucose=GlucosePanel(sensor=band(days)))))
    for outline in figure.data[:2]:
        assert outline.fill == "toself"
        assert np.flatnonzero(np.isnan(outline.x)).tolist() == [24, 49]
    assert np.flatnonzero(np.isnan(figure.data[2].y)).tolist() == [10, 21]


def test_the_sensor_is_always_the_same_five_traces_and_comes_first_so_that_a_zoom_finds_it() -> None:
    days = list(range(30))
    whole = go.Figure(synoptic(content(glucose=GlucosePanel(sensor=band(days), readings=run([1], [99])))))
    assert whole.layout.meta["dense"] is True
    assert [t.yaxis for t in whole.data[:5]] == ["y3"] * 5
    stretch = SensorStretch(at=START + np.arange(50.0) * 300_000, value=np.full(50, 120.0), mark=np.zeros(50))
    assert len(sensor_traces(SensorBand(), stretch, top=300)) == 5
    assert go.Figure(synoptic(content())).layout.meta["dense"] is False


def test_the_lowest_and_the_highest_reading_of_a_day_are_in_the_band_and_on_the_axis() -> None:
    figure = go.Figure(synoptic(content(glucose=GlucosePanel(sensor=band([0, 1], lowest=41, highest=398)))))
    edge = figure.data[0].y[np.isfinite(figure.data[0].y)]
    assert (edge.min(), edge.max()) == (41, 398)
    assert figure.layout.yaxis3.range[1] > 398


def test_a_long_stretch_of_readings_keeps_every_peak_and_never_joins_across_a_gap() -> None:
    values = 100 + 10 * np.sin(np.arange(20_000) / 50)
    values[[5_000, 15_000]] = 402.0, 39.0
    at = START + np.arange(20_000.0) * 300_000
    at[10_000:] += 5 * DAY
    stretch = SensorStretch(at=at, value=values, mark=np.zeros(20_000))
    line = sensor_traces(SensorBand(), stretch, top=450)[3]
    assert {np.float32(402), np.float32(39)} <= set(line["y"])
    assert np.count_nonzero(np.isnan(line["x"])) == 1
    assert drawn_of(stretch) == 2_000
    assert np.count_nonzero(np.isfinite(line["x"])) == 2_000


def test_up_to_a_fortnight_of_readings_every_one_is_drawn() -> None:
    stretch = SensorStretch(at=START + np.arange(4_032.0) * 300_000, value=np.full(4_032, 120.0), mark=np.zeros(4_032))
    assert drawn_of(stretch) == len(sensor_traces(SensorBand(), stretch, top=300)[3]["x"]) == 4_032


def test_a_hi_and_a_lo_are_open_triangles_and_never_numbers() -> None:
    stretch = SensorStretch(
        at=START + np.arange(3.0) * 300_000, value=floats([np.nan, 120, np.nan]), mark=floats([-1, 0, 1])
    )
    *_, line, marks = sensor_traces(SensorBand(), stretch, top=300)
    assert line["y"].tolist() == [120]
    assert marks["marker"]["symbol"] == ["triangle-down-open", "triangle-up-open"]
    assert marks["text"] == ("Sensor LO: no number", "Sensor HI: no number")


def test_a_dense_series_is_thinned_without_losing_its_peak_and_says_so() -> None:
    values = np.full(20_000, 100.0)
    values[12_345] = 480.0
    points_ = Points(at=START + np.arange(20_000.0) * 300_000, value=values, label=("",) * 20_000)
    many = Run(points=points_, marks=("valid",) * 20_000)
    assert 480.0 in thinned(many).points.value
    figure = go.Figure(synoptic(content(glucose=GlucosePanel(readings=many), as_of=START + 90 * DAY)))
    assert any("1500 of 20000 points drawn" in a.text for a in figure.layout.annotations)


def test_an_assessment_in_words_never_stands_at_a_score() -> None:
    panel = SkinPanel(words=(Mark(at=START, text="active", label="Skin active"),))
    words = next(t for t in go.Figure(synoptic(content(skin=panel))).data if t.text == ("Skin active",))
    assert words.y[0] < 0


def test_flags_differ_in_shape_and_not_in_colour_alone() -> None:
    marks = tuple(FlagMark(at=START, severity=s, label=s) for s in SEVERITY_SIGNS)
    figure = go.Figure(synoptic(content(lanes=Lanes(flags=marks))))
    symbols = [t.marker.symbol for t in figure.data if t.text and t.text[0] in SEVERITY_SIGNS]
    assert len(set(symbols)) == 5


def test_each_injection_is_a_tick_and_a_bar_carries_its_dose_and_interval() -> None:
    lanes = Lanes(
        analogue=(Bar(start=START, end=NOW, text="lanreotide 120 mg / 28 d", brief="120 mg", label="lanreotide"),),
        injections=points([0, 28, 56], [120, 120, 120]),
    )
    figure = go.Figure(synoptic(content(lanes=lanes)))
    assert next(len(t.x) for t in figure.data if t.marker.symbol == "line-ns") == 3
    assert any(a.text == "lanreotide 120 mg / 28 d" for a in figure.layout.annotations)


def test_response_letters_and_new_lesions_stand_with_the_sum() -> None:
    panel = LesionPanel(
        sums=points([0, 90], [60, 74]),
        responses=(Mark(at=START + 90 * DAY, text="PD", label="PD"),),
        new=(Mark(at=START + 90 * DAY, text="L4", label="New lesion L4"),),
    )
    figure = go.Figure(synoptic(content(lesions=panel)))
    assert any(a.text == "<b>PD</b>" for a in figure.layout.annotations)
    assert any(t.marker.symbol == "star" for t in figure.data)


def test_the_evidence_chart_shows_only_its_channels_and_rings_the_values_used() -> None:
    zinc = AnalytePanel(
        name="Zinc",
        unit="ug/dL",
        runs=(run([0, 30], [80, 52]),),
        levels=(Span(start=START, end=NOW, high=60, label="lower limit 60"),),
    )
    figure = go.Figure(evidence([Shown(panel=zinc, rings=points([30], [52]))], start=START, end=NOW))
    assert [t.marker.symbol for t in figure.data] == [None, "circle", "circle-open"]
    low, high = figure.layout.yaxis.range
    assert low < 52
    assert high > 80


def test_an_analyte_breaks_at_a_method_change_and_draws_censored_results_as_open_triangles() -> None:
    panel = AnalytePanel(
        name="Zinc",
        unit="ug/dL",
        runs=(run([0, 30], [80, 40], "valid", "below"), run([60], [70])),
        ranges=(
            Span(start=START, end=START + 60 * DAY, high=120, low=70),
            Span(start=START + 60 * DAY, end=NOW, high=130, low=60),
        ),
    )
    figure = go.Figure(synoptic(content(others=(panel,))))
    axis = next(t.yaxis for t in figure.data if 40.0 in list(t.y))
    drawn = [t for t in figure.data if t.yaxis == axis]
    assert [list(t.y) for t in drawn] == [[80], [80, 40], [70], [70]]
    assert list(drawn[1].marker.symbol) == ["circle", "triangle-down-open"]
    bands = [s for s in figure.layout.shapes if s.yref == axis and s.type == "rect"]
    assert [(s.y0, s.y1) for s in bands] == [(70, 120), (60, 130)]


def test_liver_tests_stand_as_multiples_of_their_own_limits_and_say_what_has_none() -> None:
    panel = TimesLimitPanel(name="Liver", runs=(("ALP", (run([0], [1.5]),)), ("GGT", (run([0], [4.0]),))), left_out=2)
    figure = go.Figure(synoptic(content(others=(panel,))))
    assert any("2 without a range not drawn" in a.text for a in figure.layout.annotations)
    symbols = {t.marker.symbol for t in figure.data if t.mode == "markers" and list(t.y) in ([1.5], [4.0])}
    assert symbols == {"circle", "diamond"}


def test_an_evidence_chart_without_a_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one panel"):
        evidence([], start=START, end=NOW)


def test_points_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 times, 1 values"):
        Points(at=floats([1, 2]), value=floats([1]), label=("a",))


def test_what_is_sent_is_what_plotly_knows_and_would_send() -> None:
    days = list(range(30))
    panel = TimesLimitPanel(name="Liver", runs=(("ALP", (run([0], [1.5]),)),))
    zinc = AnalytePanel(name="Zinc", unit="ug/dL", runs=(run([0, 30], [80, 40], "valid", "below"),))
    full = content(
        glucose=GlucosePanel(sensor=band(days), readings=run([1], [99]), hba1c=(run([2], [6.1]),)),
        skin=SkinPanel(iga=points([0], [2]), bsa=points([0], [4])),
        lesions=LesionPanel(sums=points([0, 90], [60, 74]), responses=(Mark(at=START, text="PD", label="PD"),)),
        weight=(run([0], [60]),),
        others=(zinc, panel),
        lanes=Lanes(flags=tuple(FlagMark(at=START, severity=s, label=s) for s in SEVERITY_SIGNS)),
    )
    alone = spider([LesionLine(name="L1", points=points([0, 90], [0, 20]))], points([0, 90], [0, 20]))
    hours = floats([0.125, 12])
    profile = ProfileContent(
        unit="mg/dL", target=(70, 180), hour=hours, p5=hours, p25=hours, median=hours, p75=hours, p95=hours, count=hours
    )
    third_day = Points(at=floats([3]), value=floats([2]), label=("itch",))
    cycles = CyclePanel(name="Itch", unit="", lines=(CycleLine(name="a", points=third_day, running=True),))
    skin = skin_course(full.skin, run([0], [2]), run([0], [3]), [("groin", points([0], [1]))], as_of=NOW)
    for spec in (synoptic(full), alone, profile_figure(profile), cycle_figure([cycles], interval=28), skin):
        assert as_sent(spec) == json.loads(go.Figure(spec).to_json(engine="json"))


def test_a_property_that_plotly_does_not_know_would_be_found() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        go.Figure({"data": [{"type": "scatter", "nonsense": 1}], "layout": {}})


@pytest.mark.parametrize(
    ("numbers", "dtype", "drawn"),
    [
        (np.array([1, -2]), "i1", [1, -2]),
        (np.array([1, 300]), "i2", [1, 300]),
        (np.array([1, 70_000]), "i4", [1, 70_000]),
        (np.array([1, 3_000_000_000]), "f8", [1, 3_000_000_000]),
        (np.array([1.5, np.nan], dtype="float32"), "f4", [1.5, np.nan]),
    ],
)
def test_numbers_are_sent_as_the_shortest_typed_array_that_holds_them(
    numbers: np.ndarray, dtype: str, drawn: list[float]
) -> None:
    found = as_sent({"x": numbers})["x"]
    assert found["dtype"] == dtype
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(found["bdata"]), found["dtype"]), drawn)


def test_what_json_has_no_word_for_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        sent({"x": Decimal("1.5")})
