"""From a chart to a figure: nothing is joined, dropped or trusted that must not be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clinical.change import marker_course
from clinical.chart import Chart, Result, SkinAssessment, Therapy
from clinical.protocol import bundled_protocol
from dashboard.parts.plotted.channels import skin_panel
from dashboard.parts.plotted.marker import marker_panel
from dashboard.parts.plotted.therapy import lanes
from dashboard.parts.readouts import glucose_readout, marker_readout
from dashboard.parts.times import Clock, age_text, brief_age, when_text
from dashboard.parts.units import Units

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLOCK = Clock(NOW, BERLIN)


def glucagon(days_ago: int, value: float | None, **more: object) -> Result:
    when = NOW - timedelta(days=days_ago)
    fields = {"unit": "pg/mL", "ref_high": 150.0, "lab": "A", "method": "RIA", "fasting": True, **more}
    return Result(record=f"g{days_ago}", effective=when, known_at=when, analyte="glucagon", value=value, **fields)


def panel(*results: Result):
    chart = Chart(patient="p", results=tuple(sorted(results, key=lambda r: r.effective)))
    return marker_panel(marker_course(chart, bundled_protocol()), CLOCK)


def test_another_method_is_another_run_and_says_so() -> None:
    made = panel(glucagon(90, 100), glucagon(60, 110), glucagon(30, 180, method="ELISA", ref_high=209.0))
    assert [len(run.points) for run in made.runs] == [2, 1]
    assert any("ELISA" in mark.label for mark in made.breaks)
    assert {span.high for span in made.ranges} == {150.0, 209.0}


def test_nadir_and_limit_are_those_the_next_sample_was_held_against() -> None:
    made = panel(*(glucagon(d, v) for d, v in ((200, 100), (150, 90), (100, 95), (50, 240))))
    assert made.limits[-1].high == pytest.approx(max(95 * 1.642, 95 + 30), rel=0.02)
    assert "a significant rise begins at" in made.limits[-1].label


def test_comparators_and_words_keep_their_meaning() -> None:
    made = panel(glucagon(60, 15, comparator="<"), glucagon(30, None, text="high"), glucagon(10, 20))
    assert made.runs[0].marks == ("below", "words", "valid")
    assert "&lt;15 pg/mL" in made.runs[0].points.label[0]


def test_markup_in_a_laboratory_name_stays_text() -> None:
    made = panel(glucagon(10, 100, lab='<a href="https://evil.example">x</a><b>'))
    assert not re.search(r"<(?!/?b>)", made.runs[0].points.label[0])
    assert made.runs[0].points.label[0].count("<b>") == 1


def test_an_assessment_in_words_is_no_score() -> None:
    when = NOW - timedelta(days=3)
    words = SkinAssessment(record="s", effective=when, known_at=when, overall="active")
    made = skin_panel([words], CLOCK)
    assert len(made.iga) == 0
    assert [m.text for m in made.words] == ["active"]


def test_regimen_bars_follow_each_other_and_the_last_goes_on() -> None:
    def step(days_ago: int, kind: str, dose: float) -> Therapy:
        when = NOW - timedelta(days=days_ago)
        return Therapy(
            record=f"t{days_ago}",
            effective=when,
            known_at=when,
            kind=kind,  # type: ignore[arg-type]
            drug="lanreotide",
            dose=dose,
            unit="mg",
            interval_days=28,
        )

    bars = lanes(Chart(patient="p", therapy=(step(300, "start", 90), step(100, "dose", 120))), [], CLOCK).analogue
    assert [b.brief for b in bars] == ["90 mg", "120 mg"]
    assert bars[0].end == bars[1].start
    assert [b.ongoing for b in bars] == [False, True]


def test_the_marker_tile_says_never_measured_waiting_and_not_above_range() -> None:
    protocol = bundled_protocol()

    def tile(*results: Result):
        chart = Chart(patient="p", results=results)
        return marker_readout(marker_course(chart, protocol), chart, CLOCK)

    assert tile().latest is None
    assert "never measured" in tile().sentence
    assert "sent 9 days ago, no result" in tile(glucagon(9, None, status="absent")).sentence
    assert tile(glucagon(9, 100)).state == "not above range"
    assert tile(glucagon(9, 400)).arrow == "↑↑"
    assert tile(glucagon(9, 100, ref_high=None)).state == "no range"


def test_an_old_value_carries_its_age_and_no_range_is_not_normal() -> None:
    when = NOW - timedelta(days=800)
    old = Result(record="h", effective=when, known_at=when, analyte="hba1c", value=6.0, unit="%")
    made = glucose_readout(Chart(patient="p", results=(old,)), CLOCK, Units())
    assert made.state == "no range"
    assert any("2.2 years ago" in line for line in made.lines)


def test_a_date_without_time_stays_that_date_in_every_zone() -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert when_text(midnight, "day", ZoneInfo("America/New_York")) == "2 Mar 2026"
    assert when_text(midnight, "minute", ZoneInfo("America/New_York")) == "1 Mar 2026 19:00"
    assert when_text(midnight, "month", BERLIN) == "Mar 2026"


@pytest.mark.parametrize(
    ("days", "long", "short"),
    [
        (0, "today", "today"),
        (1, "1 day ago", "1 d"),
        (20, "2 weeks ago", "2 wk"),
        (200, "7 months ago", "7 mo"),
        (900, "2.5 years ago", "2.5 y"),
    ],
)
def test_ages_in_words_and_in_brief(days: int, long: str, short: str) -> None:
    then = NOW - timedelta(days=days)
    assert age_text(then, NOW) == long
    assert brief_age(then, NOW) == short
