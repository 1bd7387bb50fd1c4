"""The patient's page as people use it: tabs, zoom, where a number comes from, units, and data that change meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from data.intake.batch import import_paths
from data.models import Patient
from data.people import Actor
from data.records import list_records
from tests.browser.conftest import Open, Site

PLOT = "document.querySelector('#patient-synoptic .js-plotly-plot')"
DAY_MS = 86_400_000
TABS = {
    "grid": "#patient-grid-table",
    "imaging": "#patient-lesions-table",
    "skin": "#patient-skin",
    "glucose": "#patient-profile",
    "cycle": "#patient-cycle",
    "therapy": "#patient-injections-table",
    "record": "#patient-record-table",
    "course": "#patient-synoptic",
}


def drawn(open_page: Open, mrn: str = "DEMO-008") -> Page:
    page = open_page(f"/p/{mrn}")
    page.wait_for_selector("#patient-synoptic .main-svg .xtick text")
    expect(page.locator("#shell-person")).not_to_be_empty()
    return page


def until(page: Page, script: str) -> None:
    for _ in range(200):
        if page.evaluate(script):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {script}")


def shown_range(page: Page) -> list[float]:
    return page.evaluate(f"{PLOT}._fullLayout.xaxis.range.map(v => {PLOT}._fullLayout.xaxis.r2l(v))")


def test_every_tab_is_reached_with_the_keyboard_stands_in_the_address_and_is_alone(open_page: Open) -> None:
    page = drawn(open_page)
    for tab, sign in TABS.items():
        link = page.locator(f"#patient-tabs a[data-tab={tab}]")
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(sign)
        expect(link).to_have_attribute("aria-current", "page")
        assert page.url.endswith("/p/DEMO-008" if tab == "course" else f"?tab={tab}")
        assert not [other for other, there in TABS.items() if other != tab and page.locator(there).count()]
    page.go_back()
    page.wait_for_selector(TABS["record"])


def test_an_address_with_a_tab_opens_it_at_once(open_page: Open) -> None:
    page = open_page("/p/DEMO-008?tab=glucose&until=2020-01-01")
    expect(page.locator("#patient-tab")).to_contain_text("No reading from")


def test_a_zoom_moves_all_panels_together_and_brings_every_reading_of_the_stretch(open_page: Open) -> None:
    page = drawn(open_page)
    assert page.evaluate(f"Object.keys({PLOT}._fullLayout).filter(k => k.startsWith('xaxis'))") == ["xaxis"]
    last = shown_range(page)[1]
    asked = [last - 20 * DAY_MS, last - 10 * DAY_MS]
    page.evaluate(f"window.Plotly.relayout({PLOT}, {{'xaxis.range': {asked}}})")
    until(page, f"{PLOT}._fullData[3].x.length > 1000")
    expect(page.locator("#patient-dense")).to_contain_text("readings drawn")
    assert shown_range(page) == pytest.approx(asked)
    assert page.evaluate(f"new Set({PLOT}._fullData.map(t => t.xaxis || 'x')).size") == 1
    page.get_by_role("button", name="1 year").click()
    until(page, f"{PLOT}._fullData[2].x.length > 300 && {PLOT}._fullData[3].x.length === 0")
    start, end = shown_range(page)
    assert end - start == pytest.approx(365 * DAY_MS, rel=0.01)


def test_a_zoom_draws_the_chart_once_at_once_and_once_with_the_finer_readings(open_page: Open) -> None:
    page = drawn(open_page)
    page.wait_for_timeout(500)
    page.evaluate(f"window.drawings = 0, {PLOT}.on('plotly_afterplot', () => window.drawings++)")
    last = shown_range(page)[1]
    for days in (20, 30):
        page.evaluate(f"window.Plotly.relayout({PLOT}, {{'xaxis.range': [{last - days * DAY_MS}, {last}]}})")
        until(page, f"{PLOT}._fullData[3].x.length && {PLOT}._fullData[3].x[0] !== window.earliest")
        page.evaluate(f"window.earliest = {PLOT}._fullData[3].x[0]")
    page.wait_for_timeout(500)
    assert page.evaluate("window.drawings") == 4


def listed(site: Site, mrn: str, analyte: str) -> list[float]:
    with site.database.read() as session:
        found = list_records(session, Actor.system("test"), mrn, analyte)
    return sorted(r["canonical_value"] for r in found if r["canonical_value"] is not None)


def read_back(page: Page, name: str) -> list[float]:
    """The heights of every point of the synoptic chart whose words begin with `name`."""
    return sorted(
        page.evaluate(
            f"""{PLOT}._fullData.flatMap(t => t.mode !== 'markers' || !t.text ? [] :
            [...t.text].map((w, i) => [w, t.y[i]]).filter(([w]) => w.startsWith('<b>{name}')).map(([, y]) => y))"""
        )
    )


def test_the_numbers_of_the_chart_and_the_table_are_those_of_the_record_in_every_unit(
    site: Site, open_page: Open
) -> None:
    page = drawn(open_page)
    glucagon, glucose = (listed(site, "DEMO-008", a) for a in ("glucagon", "glucose-fasting"))
    assert read_back(page, "Glucagon") == pytest.approx(glucagon)
    assert read_back(page, "Fasting glucose") == pytest.approx(glucose)
    for name, value in (("glucagon-unit", "pmol/L"), ("glucose-unit", "mmol/L")):
        page.locator(f"[data-unit='{name}={value}']").click()
        until(page, f"{PLOT} && {PLOT}.layout.annotations.some(a => a.text.includes('{value}'))")
    assert read_back(page, "Glucagon") == pytest.approx([v / 3.4828 for v in glucagon], rel=1e-4)
    assert read_back(page, "Fasting glucose") == pytest.approx([v / 18.0156 for v in glucose], rel=1e-4)
    for name, value in (("glucagon-unit", "pg/mL"), ("glucose-unit", "mg/dL")):
        page.locator(f"[data-unit='{name}={value}']").click()
        until(page, f"{PLOT}.layout.annotations.some(a => a.text.includes('{value}'))")
    assert read_back(page, "Glucagon") == pytest.approx(glucagon)
    page.locator("#patient-tabs a[data-tab=record]").click()
    page.wait_for_selector("#patient-record-table")
    rows = page.locator("#patient-record-table tr", has=page.locator("th", has_text="Glucagon")).all_inner_texts()
    assert sorted(float(r.split("\t")[2].split(" ")[0]) for r in rows) == pytest.approx(glucagon)


def point_of(page: Page, record: str) -> dict[str, Any]:
    return page.evaluate(
        f"""(() => {{ const g = {PLOT}, l = g._fullLayout, box = g.getBoundingClientRect();
        const i = g._fullData.findIndex(t => t.customdata && [...t.customdata].includes('{record}'));
        const at = g.calcdata[i][[...g._fullData[i].customdata].indexOf('{record}')];
        const y = l['yaxis' + (g._fullData[i].yaxis || 'y').slice(1)];
        return {{x: box.left + l.xaxis._offset + l.xaxis.c2p(at.x), y: box.top + y._offset + y.c2p(at.y)}}; }})()"""
    )


def test_a_click_on_a_point_opens_where_it_comes_from_and_escape_leads_back(site: Site, open_page: Open) -> None:
    page = drawn(open_page)
    with site.database.read() as session:
        records = list_records(session, Actor.system("test"), "DEMO-008", "glucagon")
    page.evaluate("document.querySelector('#patient-synoptic').scrollIntoView(); window.scrollBy(0, -160)")
    for record in records[-2:]:
        place = point_of(page, record["id"])
        page.mouse.move(place["x"] + 30, place["y"] + 4)
        page.mouse.move(place["x"], place["y"])
        page.wait_for_timeout(150)
        page.mouse.click(place["x"], place["y"])
        panel = page.get_by_role("dialog")
        expect(panel).to_contain_text(f"{record['value']} {record['unit']}")
        expect(panel).to_contain_text(record["source"]["where"])
        expect(panel).to_contain_text("Never corrected")
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)


def test_a_correction_that_came_while_the_page_was_open_is_said_and_then_shown(
    site: Site, open_page: Open, tmp_path: Any
) -> None:
    page = drawn(open_page, "DEMO-021")
    assert page.locator("#patient-changed").inner_text() == ""
    now = datetime.now(UTC)
    sheet = tmp_path / "late.csv"
    sheet.write_text(f"mrn,when,analyte,value,unit,lab\nDEMO-021,{now:%Y-%m-%d},zinc,61.5,ug/dL,Late Laboratory\n")
    import_paths(site.database, Actor.system("test"), [sheet], now=now)
    with site.database.read() as session:
        assert session.scalar(select(Patient.id).where(Patient.mrn == "DEMO-021")) is not None
    page.evaluate("window.dash_clientside.set_props('patient-clock', {n_intervals: 99})")
    expect(page.locator("#patient-changed")).to_contain_text("no longer current")
    page.get_by_role("button", name="Show what is there now").click()
    until(page, f"{PLOT}._fullData.some(t => t.text && [...t.text].some(w => w.includes('Late Laboratory')))")
    expect(page.locator("#patient-changed")).to_be_empty()


def test_the_record_can_be_downloaded_and_its_cells_calculate_nothing(open_page: Open) -> None:
    page = open_page("/p/DEMO-008?tab=record")
    page.wait_for_selector("#patient-record-table")
    with page.expect_download() as waiting:
        page.locator("#patient-csv").click()
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    assert text.startswith("date,what,value,range,details,source,record")
    assert "Glucagon" in text
    assert not [line for line in text.splitlines() if line.startswith(("=", "+", "@"))]
