"""The plots of the cohort: the numbers of the traces are the numbers that went in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.chart import Chart, Lesion, Response, Result, Therapy
from clinical.protocol import load_protocol
from clinical.recist import VisitAssessment
from dashboard.figures.ink import BLUE, GREEN, VERMILLION
from dashboard.figures.spider import SpiderLine, ending_colour, spider
from dashboard.figures.swimmer import SwimBar, SwimEvent, SwimLane, swimmer
from dashboard.figures.waterfall import CUT, WaterfallBar, waterfall
from dashboard.parts.plotted.cohort import spider_lines, swim_lanes, swimmer_told, waterfall_bars, waterfall_told
from dashboard.parts.times import Clock
from data.cohort import Course
from data.glance import best_change

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROTOCOL = load_protocol()
CLOCK = Clock(NOW, ZoneInfo("UTC"))


def bar(percent: float, name: str = "A") -> WaterfallBar:
    return WaterfallBar(name=name, percent=percent, label=name)


@settings(deadline=None)
@given(st.lists(st.floats(-100, 1000), min_size=1, max_size=60))
def test_the_waterfall_falls_and_a_bar_cut_off_keeps_its_number(percents: list[float]) -> None:
    (trace,) = go.Figure(waterfall([bar(p) for p in percents])).data
    assert list(trace.customdata) == sorted(percents, reverse=True)
    assert list(trace.y) == [min(p, CUT) for p in sorted(percents, reverse=True)]
    for percent, text in zip(trace.customdata, trace.text, strict=True):
        assert percent <= CUT or text == f"{percent:+.0f}"


def test_colours_of_the_waterfall_follow_sides_and_the_partial_response() -> None:
    (trace,) = go.Figure(waterfall([bar(10), bar(-29.9), bar(-30.0)])).data
    assert list(trace.marker.color) == [VERMILLION, BLUE, GREEN]


def line(*percent: float) -> SpiderLine:
    return SpiderLine(
        name="A", months=tuple(float(n) for n in range(len(percent))), percent=percent, labels=("",) * len(percent)
    )


def test_the_spider_draws_sums_above_and_glucagon_below_from_the_same_months() -> None:
    figure = go.Figure(spider([line(100, 60)], [line(100, 250, 90)]))
    assert [(t.yaxis, tuple(t.x), tuple(t.y)) for t in figure.data] == [
        ("y", (0.0, 1.0), (100, 60)),
        ("y2", (0.0, 1.0, 2.0), (100, 250, 90)),
    ]
    assert figure.layout.yaxis2.type == "log" and figure.layout.xaxis.matches == "x2"
    assert [ending_colour(p) for p in (70, 70.1, 119.9, 120)] == [GREEN, BLUE, BLUE, VERMILLION]


def test_a_line_without_a_label_for_each_point_is_refused() -> None:
    with pytest.raises(ValueError, match="one label for each"):
        SpiderLine(name="A", months=(0.0,), percent=(100.0,), labels=())


def test_the_swimmer_puts_analogues_above_and_others_below_the_middle_of_the_lane() -> None:
    lane = SwimLane(
        name="A",
        bars=(
            SwimBar(kind="analogue", start=0.0, end=2.0, ongoing=True, label="a"),
            SwimBar(kind="other", start=1.0, end=1.5, ongoing=False, label="o"),
        ),
        events=(SwimEvent(kind="progression", at=1.2, label="PD"),),
    )
    figure = go.Figure(swimmer([lane]))
    analogue, other, ongoing, *events = figure.data
    assert (analogue.base[0], analogue.x[0]) == (0.0, 2.0) and analogue.y[0] < 0 < other.y[0]
    assert (other.base[0], other.x[0]) == (1.0, 0.5)
    assert list(ongoing.x) == [2.0]
    assert [(t.name, tuple(t.x)) for t in events if len(t.x)] == [("progression read", (1.2,))]
    assert list(figure.layout.yaxis.ticktext) == ["A"]


def visit(day: int, total: float | None, baseline: float | None, target: str | None = "SD") -> VisitAssessment:
    return VisitAssessment(
        scan_date=date(2025, 1, 1) + timedelta(days=day),
        sum_mm=total,
        baseline=baseline,
        nadir=baseline,
        target=target,  # type: ignore[arg-type]
        non_target=None,
        new="no",
        overall=None,
        reason="",
        signed=True,
        records=(),
    )


def test_the_best_change_is_the_deepest_of_the_running_series_and_leaves_out_what_was_not_read() -> None:
    first = visit(0, 100.0, None, None)
    assert best_change([]) is None and best_change([first]) is None
    found = best_change([first, visit(60, 70.0, 100.0), visit(90, 10.0, 100.0, "NE"), visit(120, 90.0, 100.0)])
    assert found is not None and (found.percent, found.on) == (-30.0, date(2025, 3, 2))
    later = best_change([first, visit(60, 20.0, 100.0), visit(200, 55.0, 50.0)])
    assert later is not None and later.percent == pytest.approx(10.0)
    assert best_change([first, visit(60, 0.0, 0.0)]) is None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def entry(text: str, record: str = "1") -> dict[str, object]:
    return {"record": record, "effective": at(text), "known_at": at(text), "precision": "day"}


def lesion(text: str, tenths: int) -> Lesion:
    return Lesion(**entry(text), lesion="L1", role="target", modality="CT", diameter_tenths=tenths)  # type: ignore[arg-type]


def glucagon(text: str, value: float, **more: object) -> Result:
    return Result(**entry(text), analyte="glucagon", value=value, unit="pg/mL", lab="N", method="RIA", **more)  # type: ignore[arg-type]


def course(**fields: object) -> Course:
    return Course(mrn="M1", name="A <b>", chart=Chart(patient="u", **fields))  # type: ignore[arg-type]


def test_lines_are_percent_of_the_own_baseline_and_a_disqualified_sample_is_left_out() -> None:
    (sums,), (values,) = spider_lines(
        [
            course(
                lesions=(lesion("2025-01-01", 500), lesion("2025-04-02", 400), lesion("2025-07-02", 450)),
                results=(
                    glucagon("2024-01-01", 900.0, comparator="<"),
                    glucagon("2025-01-01", 200.0),
                    glucagon("2025-03-01", 5000.0, fasting=False),
                    glucagon("2025-07-02", 300.0),
                ),
            )
        ],
        PROTOCOL,
        CLOCK,
    )
    assert sums.percent == pytest.approx((100.0, 80.0, 90.0))
    assert sums.months == pytest.approx((0.0, 91 / 30.44, 182 / 30.44))
    assert values.percent == pytest.approx((100.0, 150.0))
    assert sums.name == "A &lt;b&gt;"


def test_glucagon_of_another_method_starts_no_line() -> None:
    other = Result(**entry("2025-01-01"), analyte="glucagon", value=50.0, unit="pg/mL", lab="N", method="ELISA")  # type: ignore[arg-type]
    assert spider_lines([course(results=(other, glucagon("2025-07-01", 300.0)))], PROTOCOL, CLOCK) == ([], [])


def test_a_lane_starts_with_the_first_treatment_and_ends_with_death() -> None:
    given = Therapy(
        **entry("2024-03-01"),  # type: ignore[arg-type]
        kind="start",
        drug="lanreotide",
        dose=120.0,
        unit="mg",
        interval_days=28,
    )
    responses = (Response(**entry("2025-03-01"), response="PD"), Response(**entry("2023-01-01"), response="PR"))  # type: ignore[arg-type]
    (lane,) = swim_lanes([course(therapy=(given,), responses=responses)], CLOCK)
    (drawn,) = lane.bars
    assert (drawn.start, drawn.ongoing) == (0.0, True) and drawn.end == pytest.approx(2.0, abs=0.01)
    assert [(e.kind, round(e.at, 1)) for e in lane.events] == [("progression", 1.0)]
    (dead,) = swim_lanes([course(therapy=(given,), deceased=at("2025-03-01"))], CLOCK)
    assert not dead.bars[0].ongoing and dead.bars[0].end == pytest.approx(1.0, abs=0.01)
    assert [e.kind for e in dead.events] == ["death"]
    assert swim_lanes([course()], CLOCK) == []
    assert swimmer_told([lane], 3).summary.startswith("1 of the 3 patients")


def test_the_words_of_the_waterfall_count_what_it_draws() -> None:
    changes: list[tuple[str, str | None, str | None, float]] = [
        ("M1", "A", "PR", -30.0),
        ("M2", None, None, 0.0),
        ("M3", "C", "PD", 5.0),
    ]
    told = waterfall_told(changes, 9)
    assert told.summary.startswith("3 of 9 patients") and "in 1 it fell by 30 %" in told.summary
    assert [b.name for b in waterfall_bars(changes)] == ["A", "M2", "C"]
    assert len(told.rows) == 3
