"""The audit trail in a browser: nothing in the way of anybody, no scrolling sideways, and pages of rows by keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Open


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_needs_no_scrolling(open_page: Open, scheme: str) -> None:
    open_page("/p/DEMO-008").wait_for_selector("#shell-page h1")
    page = open_page("/audit?patient=DEMO-008", role="auditor", scheme=scheme, size=(375, 812))
    page.wait_for_selector("#audit-who tbody tr")
    expect(page.locator("#shell-person")).not_to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_a_search_is_sent_by_keyboard_and_stays_in_the_address(open_page: Open) -> None:
    page = open_page("/audit", role="auditor")
    page.wait_for_selector("#audit-table tbody tr")
    page.locator("#audit-person").focus()
    page.keyboard.type("auditor@")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit?*person=auditor*")
    expect(page.locator("#audit-table tbody tr").first).to_contain_text("auditor@demo.example")
    expect(page.locator("#audit-person")).to_have_value("auditor@")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_that_erases_is_sound(open_page: Open, scheme: str) -> None:
    page = open_page("/erasure", role="admin", scheme=scheme, size=(375, 812))
    page.wait_for_selector("#password")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
