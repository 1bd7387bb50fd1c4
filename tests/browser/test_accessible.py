"""Nobody is kept out: axe-core finds nothing serious on any page in either scheme, and a phone needs no scrolling."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Open, Site

# The rows of a table are made by one line of code: axe takes a minute for the fourteen hundred of the longest record.
FIRST_ROWS = {"exclude": [["tbody tr:nth-child(n+61)"]]}
TABS = ("grid", "imaging", "skin", "glucose", "cycle", "therapy", "record")
PATHS = (
    *("/login", "/", "/patients", "/patients?tab=swimmer", "/patients?tab=waterfall", "/patients?tab=spider"),
    *("/p/DEMO-008", "/p/DEMO-030", "/me", "flag R03", "flag R11", "flag R18"),
    *(f"/p/DEMO-008?tab={tab}" for tab in TABS),
)


def opened(open_page: Open, site: Site, path: str, **how: object) -> Page:
    """The page, complete: its heading there and its chart, if it has one, drawn."""
    if path == "/login":
        return open_page(path, role=None, **how)
    if path.startswith("flag"):
        path = f"/flag/{site.flag(path.removeprefix('flag '))[0]}"
    page = open_page(path, **how)
    page.wait_for_selector("#shell-page h1")
    if page.locator(".grid-frame:visible").count():
        page.wait_for_selector(".ag-cell .cell > *")
    if path.startswith("/p/"):
        page.wait_for_selector("#patient-tab > * header")
    if page.locator(".chart").count():
        page.locator(".main-svg .xtick text:visible, .main-svg .x2tick text:visible").first.wait_for()
    expect(page.locator("#shell-person")).not_to_be_empty()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious(path: str, scheme: str, site: Site, open_page: Open) -> None:
    page = opened(open_page, site, path, scheme=scheme)
    violations = Axe().run(page, context=FIRST_ROWS).response["violations"]
    grave = [
        f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:150]} {v['nodes'][0].get('failureSummary', '')[:200]}"
        for v in violations
        if v["impact"] in ("serious", "critical")
    ]
    assert not grave


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_never_scrolls_sideways_below_the_one_heading_of_the_first_rank(
    path: str, site: Site, open_page: Open
) -> None:
    page = opened(open_page, site, path, size=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert page.locator("h1").count() == 1


def test_the_banner_stays_in_sight_however_far_the_page_is_scrolled(open_page: Open, site: Site) -> None:
    page = opened(open_page, site, "/p/DEMO-008")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert page.locator(".banner h1").bounding_box()["y"] >= 0
    assert page.evaluate("document.elementFromPoint(200, 15).closest('.banner') !== null")
