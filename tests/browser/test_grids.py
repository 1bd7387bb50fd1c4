"""The two grids in a browser: filters and sorts of the server, the address that keeps them, columns, file and paper."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Site

NARROW = (375, 812)
ROWS = ".ag-center-cols-container .ag-row"


def grid(open_page: Open, path: str, **how: object) -> Page:
    """A page whose grid has its first rows."""
    page = open_page(path, **how)
    page.wait_for_selector(".ag-cell .cell > *")
    return page


def cells(page: Page, column: str) -> list[str]:
    """What a column says, from the top."""
    found = page.eval_on_selector_all(
        f".ag-row [col-id='{column}'] .cell",
        "c => c.map(e => [Number(e.closest('.ag-row').getAttribute('row-index')), e.innerText])",
    )
    return [text for _, text in sorted(found)]


def test_a_chip_leaves_only_its_rows_keeps_them_in_the_address_and_pressed_again_shows_all(open_page: Open) -> None:
    page = grid(open_page, "/")
    total = page.locator("#worklist-shown").inner_text()
    page.locator("[data-set='severity:high']").click()
    expect(page.locator("#worklist-shown")).not_to_have_text(total)
    expect(page.locator(ROWS).first).to_contain_text("High")
    assert set(cells(page, "severity")) == {"High"}
    assert page.url.endswith("/?severity=high")
    page.reload()
    page.wait_for_selector(".ag-cell .cell > *")
    assert set(cells(page, "severity")) == {"High"}
    expect(page.locator("[data-set='severity:high']")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-set='severity:high']").click()
    expect(page.locator("#worklist-shown")).to_have_text(total)
    assert "?" not in page.url


def test_back_from_a_flag_the_filters_are_as_they_were(open_page: Open) -> None:
    page = grid(open_page, "/?severity=high")
    page.locator("[col-id=what] a").first.click()
    expect(page.locator(".flag-page h1")).to_be_visible()
    page.go_back()
    page.wait_for_selector(".ag-cell .cell > *")
    assert set(cells(page, "severity")) == {"High"}
    assert page.url.endswith("/?severity=high")


def test_a_head_sorts_on_the_server_both_ways_and_unknown_values_stay_last(open_page: Open) -> None:
    page = grid(open_page, "/patients")
    head = page.locator(".ag-header-cell[col-id=glucagon]")
    for direction, turn in (("ascending", 1), ("descending", -1)):
        head.click()
        expect(head).to_have_attribute("aria-sort", direction)
        expect(page).to_have_url(re.compile(f"sort=glucagon.{direction[: 3 if turn == 1 else 4]}"))
        page.wait_for_function("!document.querySelector('.ag-row-loading')")
        page.wait_for_timeout(300)
        numbers = [turn * float(m[0]) for text in cells(page, "glucagon") if (m := re.match(r"[\d.]+(?= ×)", text))]
        assert len(numbers) > 3 and numbers == sorted(numbers)


def test_finding_asks_for_names_numbers_and_drugs_and_stays_out_of_the_address(open_page: Open) -> None:
    page = grid(open_page, "/patients")
    page.get_by_label("Find").fill("demo-021")
    expect(page.locator("#cohort-shown")).to_have_text("1 patient")
    assert "021" not in page.url
    page.get_by_label("Find").fill("lanreotide")
    expect(page.locator("#cohort-shown")).not_to_have_text("1 patient")
    page.wait_for_timeout(300)
    assert page.locator(ROWS).count() > 1


def test_a_column_can_be_put_away_and_the_address_remembers_it(open_page: Open) -> None:
    page = grid(open_page, "/patients")
    page.get_by_text("Columns", exact=True).click()
    page.locator("[data-column=flags]").click()
    expect(page.locator(".ag-header-cell[col-id=flags]")).to_have_count(0)
    page.locator("[data-column=best]").click()
    page.reload()
    page.wait_for_selector(".ag-cell .cell > *")
    expect(page.locator(".ag-header-cell[col-id=flags]")).to_have_count(0)
    assert "flags" in page.url and "best" not in page.url
    page.get_by_text("Columns", exact=True).click()
    page.locator("[data-column=flags]").click()
    page.locator("[data-column=in-range]").click()
    page.reload()
    page.wait_for_selector(".ag-cell .cell > *")
    assert page.url.endswith("hide=none") and page.locator("[data-column][aria-pressed=false]").count() == 0


def test_the_file_holds_the_rows_of_the_view(open_page: Open, tmp_path: Path) -> None:
    page = grid(open_page, "/patients?state=ned-resected")
    shown = int(page.locator("#cohort-shown").inner_text().split()[0])
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as file").click()
    file = tmp_path / "patients.csv"
    download.value.save_as(file)
    rows = list(csv.DictReader(file.open(encoding="utf-8-sig")))
    assert len(rows) == shown and {row["state"] for row in rows} == {"ned-resected"}


def test_the_tabs_draw_the_view_and_say_it_in_words(open_page: Open) -> None:
    page = grid(open_page, "/patients")
    for tab in ("swimmer", "waterfall", "spider"):
        page.locator(f"[data-set='tab:{tab}']").click()
        page.wait_for_selector(f"#cohort-{tab} .main-svg .xtick text, #cohort-{tab} .main-svg .x2tick text")
        expect(page.locator(f"#cohort-{tab}-summary")).to_contain_text("patients")
        expect(page.locator("#cohort-grid")).to_be_hidden()
        assert f"tab={tab}" in page.url
    page.locator("[data-set='tab:list']").click()
    expect(page.locator("#cohort-grid")).to_be_visible()


def test_the_waterfall_draws_the_numbers_that_stand_in_its_table(open_page: Open) -> None:
    page = open_page("/patients?tab=waterfall")
    page.wait_for_selector("#cohort-waterfall .main-svg .xtick text")
    drawn = page.evaluate("document.querySelector('#cohort-waterfall .js-plotly-plot').data[0].customdata")
    page.get_by_text("The numbers of this plot as a table").click()
    listed = page.locator("#cohort-waterfall-table tbody tr td:nth-child(3)")
    expect(listed).to_have_text([f"{value:+.1f} %" for value in drawn], use_inner_text=True)


def test_a_phone_shows_flags_as_cards_and_one_touch_opens_one(site: Site, open_page: Open) -> None:
    page = grid(open_page, "/", size=NARROW)
    expect(page.locator(".ag-header-cell:visible")).to_have_count(0)
    card = page.locator(".ag-cell[col-id=card]").first
    for said in ("Urgent", "DEMO-027", "Biliary complication"):
        expect(card).to_contain_text(said)
    assert card.bounding_box()["width"] <= NARROW[0]
    card.locator("a").click()
    expect(page.locator(".flag-page h1")).to_be_visible()


@pytest.mark.parametrize(("path", "head"), [("/", "What and why"), ("/patients", "Glucagon × limit")])
def test_paper_gets_a_plain_table_with_every_row_loaded(path: str, head: str, open_page: Open) -> None:
    page = grid(open_page, path)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator(".grid-frame")).to_be_hidden()
    table = page.locator(".grid-paper table")
    expect(table.locator("th", has_text=head)).to_be_visible()
    shown = int(page.locator("#worklist-shown, #cohort-shown").first.inner_text().split()[0])
    expect(table.locator("tbody tr")).to_have_count(shown)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(table).to_have_count(0)


def test_the_patient_page_does_not_load_the_script_of_the_grid(open_page: Open) -> None:
    page = open_page("/p/DEMO-008")
    page.wait_for_selector("#patient-synoptic .main-svg .xtick text")
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map(r => r.name).filter(n => n.includes('ag_grid'))"
    )
    assert asked == []
