"""The protocol in a browser: a change from the rule's page into force, read on a phone and in the dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, WIDE, Open, Site

PAGES = ("/protocol", *(f"/protocol?tab={tab}" for tab in ("change", "burden", "mutes", "history")), "/protocol/R03")


@pytest.mark.parametrize(("scheme", "size"), [("light", PHONE), ("dark", WIDE)])
def test_every_part_is_accessible_and_fits_a_phone(open_page: Open, scheme: str, size: tuple[int, int]) -> None:
    page = open_page(PAGES[0], scheme=scheme, size=size)
    for address in PAGES:
        page.goto(f"{page.url.split('/protocol')[0]}{address}")
        page.wait_for_selector(".protocol-page h1")
        page.wait_for_load_state("networkidle")
        assert grave(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address


@pytest.mark.alone
def test_a_change_is_proposed_tried_in_another_process_and_put_in_force(site: Site, open_page: Open) -> None:
    page = open_page("/protocol/R12")
    page.get_by_text("Propose another value").click()
    page.locator("#protocol-name input").first.check()
    page.fill("#protocol-value", "4")
    page.fill("#protocol-source", "Our own cohort")
    page.fill("#protocol-reason", "Too many flags of little weight")
    page.click("#protocol-propose")
    expect(page.locator("#protocol-said")).to_contain_text("stands in the draft")
    page.goto(f"{site.url}/protocol?tab=change")
    page.click("#protocol-try")
    expect(page.locator("#protocol-activate")).to_be_visible(timeout=60_000)
    expect(page.locator("#protocol-draft")).to_contain_text("30")
    assert grave(page) == []
    page.fill("#protocol-why", "Agreed in the tumour board")
    page.click("#protocol-activate")
    expect(page.locator("#protocol-said")).to_contain_text("type your password once more")
    assert page.input_value("#protocol-why") == "Agreed in the tumour board"
    page.fill("#protocol-password", site.people["oncologist"][1])
    page.click("#protocol-activate")
    expect(page.locator("#protocol-said")).to_contain_text("is in force")
    page.goto(f"{site.url}/protocol?tab=history")
    expect(page.locator("#protocol-part")).to_contain_text("Agreed in the tumour board")


def grave(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:150]}" for v in found if v["impact"] in ("serious", "critical")]
