"""What the browser does by itself: ranges of time, schemes, filters, sorting, searching - and the record on demand."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

YEAR_MS = 365 * 86_400_000


def shown(page: Page) -> tuple[float, float]:
    """The stretch of time the synoptic chart shows, in ms."""
    start, end = page.evaluate(
        "document.querySelector('#patient-synoptic .js-plotly-plot').layout.xaxis.range.map(v => +new Date(v))"
    )
    return start, end


def synoptic(open_page: Open, **how: object) -> Page:
    page = open_page("/p/DEMO-008", **how)
    page.wait_for_selector("#patient-synoptic .main-svg .xtick text")
    return page


def test_the_range_buttons_set_the_stretch_of_time_shown(open_page: Open) -> None:
    page = synoptic(open_page)
    first, last = shown(page)
    page.get_by_role("button", name="1 year").click()
    start, end = shown(page)
    assert end == last
    assert end - start == pytest.approx(YEAR_MS, rel=0.01)
    expect(page.get_by_role("button", name="1 year")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="All").click()
    assert shown(page)[0] < first


def test_a_range_chosen_while_the_chart_is_still_being_drawn_stays(open_page: Open) -> None:
    page = open_page("/p/DEMO-008")
    page.wait_for_selector("#patient-synoptic .js-plotly-plot .main-svg", state="attached")
    for _ in range(5):
        page.get_by_role("button", name="1 year").click()
        page.get_by_role("button", name="3 months").click()
    page.get_by_role("button", name="All").click()
    page.wait_for_selector("#patient-synoptic:not(:has(.dash-graph--pending))")
    first = page.evaluate("document.querySelector('#patient-synoptic .js-plotly-plot').layout.meta.first")
    assert shown(page)[0] == first


def test_the_library_that_draws_is_of_the_version_the_figures_are_made_for(open_page: Open) -> None:
    from plotly.offline import get_plotlyjs_version

    assert synoptic(open_page).evaluate("window.Plotly.version") == get_plotlyjs_version()


def test_the_text_of_a_chart_is_light_in_the_dark_and_dark_in_the_light(open_page: Open) -> None:
    inks = {}
    for scheme in ("light", "dark"):
        page = synoptic(open_page, scheme=scheme)
        inks[scheme] = page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
    assert inks == {"light": "rgb(27, 36, 48)", "dark": "rgb(233, 237, 242)"}


def test_the_record_is_loaded_when_it_is_opened_and_holds_the_numbers_of_the_chart(open_page: Open) -> None:
    page = synoptic(open_page)
    assert page.locator("#patient-record-table").count() == 0
    page.locator("#patient-record-open").click()
    page.wait_for_selector("#patient-record-table")
    samples = page.evaluate(
        """document.querySelector('#patient-synoptic .js-plotly-plot')._fullData.flatMap(t => [...(t.text || [])])
        .filter(t => t.includes('<b>Glucagon')).map(t => t.match(/Glucagon ([0-9.]+)/)[1])"""
    )
    listed = page.locator("#patient-record-table tr", has=page.locator("th", has_text="Glucagon")).all_inner_texts()
    assert samples
    for value in samples:
        assert any(f"{value} pg/mL" in row for row in listed)
    page.locator("[data-filter='kind:Skin']").click()
    kinds = page.eval_on_selector_all("#patient-record-table tbody tr:not([hidden])", "r => r.map(x => x.dataset.kind)")
    assert set(kinds) == {"Skin"}
