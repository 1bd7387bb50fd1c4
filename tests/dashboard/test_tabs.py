"""The tabs of the patient's page: what is known is said as it is known, and what is not is said too."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from dash.development.base_component import Component
from plotly.io.json import to_json_plotly

from clinical.agp import profile
from clinical.chart import Chart, Lesion, SensorDay, SkinAssessment, Therapy
from dashboard.figures.lesion_spider import spider
from dashboard.parts.readouts import absorption_readout
from dashboard.parts.tabs.course import course
from dashboard.parts.tabs.cycle import cycle
from dashboard.parts.tabs.glucose_tab import content, fortnight, glucose_tab
from dashboard.parts.tabs.grid import DATES, grid
from dashboard.parts.tabs.imaging import imaging, lesion_lines
from dashboard.parts.tabs.skin_tab import regions, skin_tab
from dashboard.parts.tabs.therapy_tab import therapy_tab
from dashboard.parts.tabs.view import View, parsed
from dashboard.parts.units import Units
from data.db import Database
from data.exports.sheet_cells import harmless
from data.people import Actor
from data.readings import plain_readings, store_days
from tests.dashboard.views import CLOCK, NOW, chart_of, result, view_of
from tests.data.ward import Ward, lab

SYSTEM = Actor.system("test")
OCTOBER = date(2026, 10, 25)
MARCH = date(2026, 3, 29)


def said(made: Component) -> str:
    return json.dumps(json.loads(to_json_plotly(made)), ensure_ascii=False)


def tables(made: Component) -> list[dict[str, Any]]:
    found = []

    def look(part: Any) -> None:
        if isinstance(part, Component):
            held = getattr(part, "data-table", None)
            found.extend([json.loads(held)] if held else [])
            look(getattr(part, "children", None))
        elif isinstance(part, list | tuple):
            for one in part:
                look(one)

    look(made)
    return found


def texts(row: dict[str, Any]) -> list[str]:
    return ["".join(p if isinstance(p, str) else p["text"] for p in c["parts"]) for c in row["cells"]]


def when(days_ago: float) -> dict[str, Any]:
    at = NOW - timedelta(days=days_ago)
    return {"effective": at, "known_at": at}


def injection(days_ago: float, interval: int | None = 28) -> Therapy:
    fields: dict[str, Any] = {"drug": "lanreotide", "dose": 120.0, "unit": "mg", "interval_days": interval}
    return Therapy(record=f"i{days_ago}", kind="injection", **when(days_ago), **fields)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        (grid, "No result is recorded"),
        (imaging, "Never scanned"),
        (skin_tab, "never recorded"),
        (glucose_tab, "No sensor was ever worn"),
        (cycle, "No depot injection is recorded"),
        (therapy_tab, "No analogue regimen is in force"),
        (course, "never measured"),
    ],
)
def test_a_patient_with_nothing_has_every_tab_and_each_says_so(tab: Callable[[View], Component], words: str) -> None:
    text = said(tab(view_of(Chart(patient="p"))))
    assert words in text
    assert "all clear" not in text.lower()


def test_the_grid_keeps_signs_arrows_both_results_of_a_day_and_each_laboratorys_own_range() -> None:
    view = view_of(
        chart_of(
            result(10, 400),
            result(10.01, 15, comparator="<"),
            result(40, 170, lab="B", method="ELISA", ref_high=209.0),
            result(70, None, status="absent"),
            result(5, 52.0, "zinc", unit="ug/dL", ref_low=70.0),
        )
    )
    made = tables(grid(view))[0]
    glucagon, zinc = (texts(r) for r in made["rows"])
    assert made["columns"][1:] == ["23 Nov 2026", "18 Nov 2026", "19 Oct 2026", "19 Sep 2026"]
    assert glucagon[1:] == ["", "<15; 400 ↑↑", "170", "sent, no result"]
    assert zinc[1].strip() == "52 ↓"


def test_a_long_record_is_turned_page_by_page_and_the_address_says_where() -> None:
    chart = chart_of(*(result(30 * i + 1, 100 + i) for i in range(DATES + 3)))
    first = grid(view_of(chart))
    assert len(tables(first)[0]["columns"]) == DATES + 1
    oldest_shown = (NOW - timedelta(days=30 * (DATES - 1) + 1)).date()
    assert f"before={oldest_shown.isoformat()}" in said(first)
    second = grid(view_of(chart, before=oldest_shown.isoformat()))
    assert len(tables(second)[0]["columns"]) == 3 + 1
    assert len(tables(grid(view_of(chart, before="nonsense")))[0]["columns"]) == DATES + 1


def test_units_change_what_is_shown_and_never_an_arrow() -> None:
    chart = chart_of(result(10, 302), result(9, 120.0, "glucose-fasting", unit="mg/dL", ref_high=100.0))
    shown = {}
    for units in (Units(), Units(glucagon="pmol/L", glucose="mmol/L")):
        made = tables(grid(view_of(chart, units=units)))[0]
        shown[units.glucagon] = [texts(r) for r in made["rows"]]
    assert shown["pg/mL"][0][2] == "302 ↑↑"
    assert shown["pmol/L"][0][2] == "86.71 ↑↑"
    assert "(≤ 43.07)" in shown["pmol/L"][0][0]
    assert shown["pmol/L"][1][1] == "6.66 ↑"


def lesion(name: str, days_ago: float, tenths: int | None, **more: Any) -> Lesion:
    fields = {"role": "target", "organ": "liver", **more}
    return Lesion(record=f"{name}{days_ago}", lesion=name, diameter_tenths=tenths, **when(days_ago), **fields)


def test_imaging_shows_each_lesion_its_change_and_the_reasons() -> None:
    lesions = (
        lesion("L1", 200, 400),
        lesion("L2", 200, 200),
        lesion("L1", 100, 300),
        lesion("L2", 100, None, state="not-evaluable"),
        lesion("N1", 100, 120, role="new"),
    )
    view = view_of(chart_of(lesions=lesions))
    changes = {line.name: line.points.value.tolist() for line in lesion_lines(view)}
    assert changes == {"L1": [0.0, -25.0], "L2": [0.0]}
    lesion_table, responses = tables(imaging(view))
    assert texts(lesion_table["rows"][1])[1:] == ["not evaluable", "20"]
    assert "new lesion" in texts(responses["rows"][0])[3]
    figure = go.Figure(spider(lesion_lines(view), sums=lesion_lines(view)[0].points))
    assert {a.text for a in figure.layout.annotations} >= {"L1", "L2"}


def test_a_lesion_that_was_zero_at_baseline_has_no_percentage() -> None:
    view = view_of(chart_of(lesions=(lesion("L1", 200, 0, state="absent"), lesion("L1", 100, 120))))
    assert len(lesion_lines(view)[0].points) == 0
    assert (
        "none measured"
        in go.Figure(spider(lesion_lines(view), sums=lesion_lines(view)[0].points)).layout.annotations[0].text
    )


def test_regions_of_the_skin_stand_by_how_often_they_were_affected() -> None:
    seen = (
        SkinAssessment(record="a", sites=("groin",), iga=2, **when(30)),
        SkinAssessment(record="b", sites=("perioral", "groin"), iga=3, **when(10)),
    )
    found = regions(view_of(chart_of(skin=seen)))
    assert [(name, len(points)) for name, points in found] == [("groin", 2), ("perioral", 1)]


def test_a_cycle_counts_days_from_its_injection_and_leaves_out_what_came_before() -> None:
    itch = [result(d, v, "itch") for d, v in ((80, 9.0), (50, 1.0), (30, 6.0), (3, 2.0))]
    chart = chart_of(*itch, therapy=(injection(56), injection(28), injection(4)))
    made = next(t for t in tables(cycle(view_of(chart))) if t["id"] == "patient-cycle-table")
    rows = [texts(r) for r in made["rows"] if texts(r)[0].startswith("Itch")]
    assert [(r[2], r[3]) for r in rows] == [("1", "2"), ("6", "1"), ("26", "6")]


def test_injections_are_held_against_the_plan_and_an_unstated_interval_is_not_passed_off_as_stated() -> None:
    chart = chart_of(therapy=(injection(100), injection(70), injection(42, None), injection(10)))
    made = next(t for t in tables(therapy_tab(view_of(chart))) if t["id"] == "patient-injections-table")
    assert [texts(r)[3] for r in made["rows"]] == ["4 days late of the usual interval", "on the day", "2 days late", ""]


def test_the_absorption_tile_names_the_lowest_and_what_was_never_measured() -> None:
    chart = chart_of(
        result(10, 52.0, "zinc", unit="ug/dL", ref_low=70.0),
        result(5, 34.0, "albumin", unit="g/L", ref_low=35.0),
        result(2, 300.0, "b12", unit="pg/mL", ref_low=200.0),
    )
    readout = absorption_readout(chart, CLOCK)
    assert (readout.latest, readout.arrow, readout.state) == ("52", "↓", "2 below range")
    assert any(line.startswith("also low: Albumin 34 g/L") for line in readout.lines)
    assert any("never measured" in line and "Vitamin A" in line for line in readout.lines)


@pytest.fixture
def worn(sqlite_database: Database) -> Database:
    """Five-minute readings of 100 mg/dL from 15 October to 5 November and around 29 March 2026, all of P1."""
    days = [date(2026, 10, 15) + timedelta(days=i) for i in range(22)] + [MARCH + timedelta(days=i) for i in (-1, 0, 1)]
    with sqlite_database.write() as session:
        patient_id = Ward.open(session).patient("P1", lab("zinc", 80.0, "ug/dL", "2026-02-01"))
        batch = session.connection().exec_driver_sql("SELECT id FROM batch").scalar_one()
        seconds = np.arange(288) * 300
        stored = [plain_readings("sensor", day, seconds, np.full(288, 100.0)) for day in sorted(days)]
        store_days(session, batch_id=batch, patient_id=patient_id, days=stored, actor=SYSTEM, now=NOW)
    return sqlite_database


def sensor_chart() -> Chart:
    counts: dict[str, Any] = dict.fromkeys(
        ("below_54", "below_70", "above_180", "above_250", "low_marks", "high_marks"), 0
    )
    numbers = {"count": 288, "total": 28_800.0, "total_squared": 2_880_000.0, "minimum": 100.0, "maximum": 100.0}
    day = SensorDay(record="sensor:sensor:2026-11-05", device="sensor", **when(23), **numbers, **counts)
    return chart_of(sensor_days=(day,))


def test_a_fortnight_is_whole_days_of_the_sites_clock_through_both_clock_changes(worn: Database) -> None:
    with worn.read() as session:
        view = view_of(sensor_chart(), session=session)
        autumn, spring = fortnight(view, OCTOBER), fortnight(view, MARCH)
    that_day = autumn.kept.wall.astype("datetime64[D]") == np.datetime64(OCTOBER)
    assert that_day.sum() == 25 * 12
    assert (autumn.kept.where(that_day).minute_of_day // 60 == 2).sum() == 24
    that_day = spring.kept.wall.astype("datetime64[D]") == np.datetime64(MARCH)
    assert that_day.sum() == 23 * 12
    assert (spring.kept.where(that_day).minute_of_day // 60 == 2).sum() == 0
    assert autumn.kept.wall.min() >= np.datetime64(OCTOBER - timedelta(days=13))


def test_the_profile_says_when_the_days_do_not_suffice_and_keeps_its_unit(worn: Database) -> None:
    with worn.read() as session:
        enough = said(glucose_tab(view_of(sensor_chart(), session=session, until="2026-11-01")))
        scarce = said(glucose_tab(view_of(sensor_chart(), session=session, until=MARCH.isoformat())))
        none = said(glucose_tab(view_of(sensor_chart(), session=session, until="2026-06-01")))
        view = view_of(sensor_chart(), units=Units(glucose="mmol/L"), session=session)
        made = content(view, profile(fortnight(view, date(2026, 11, 1)).kept))
    assert "enough for a profile" in enough
    assert "Not enough readings" in scarce
    assert "No reading from" in none
    assert made.target == (3.9, 10.0)
    assert np.nanmedian(made.median) == pytest.approx(5.55, abs=0.01)


def test_a_cell_that_a_spreadsheet_would_calculate_is_text() -> None:
    assert harmless('=HYPERLINK("x")') == '\'=HYPERLINK("x")'
    out = io.StringIO()
    csv.writer(out).writerow([harmless("-5"), harmless("5")])
    assert out.getvalue().strip() == "'-5,5"


def test_an_address_of_any_kind_asks_for_nothing_harmful() -> None:
    assert parsed("?tab=grid&tab=x&before=%00") == {"tab": "grid", "before": "\x00"}
    assert parsed("?" + "a" * 5000) == {}
    assert parsed(None) == {}
