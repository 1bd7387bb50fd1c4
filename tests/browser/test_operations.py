"""Operations in a browser: nothing in the way of anybody, no scrolling sideways, and one stays on the button."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from data.feeds import list_feeds
from data.job_plan import save_plan
from data.models import Feed
from tests.browser.conftest import Open, Site


@pytest.fixture
def planned(site: Site) -> Site:
    """A site with a plan and a feed."""
    now = datetime.now(UTC)
    with site.database.write() as session:
        save_plan(session, [("sweep", "every 20 s", now), ("digest", "daily 07:00 Europe/Berlin", now)])
        if not list_feeds(session, now=now):
            session.add(
                Feed(application="LAB", facility="", last_heard_at=now, last_control_id="1", last_peer="10.1.2.3")
            )
    return site


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_needs_no_scrolling(planned: Site, open_page: Open, scheme: str) -> None:
    page = open_page("/ops", role="admin", scheme=scheme, size=(375, 812))
    page.wait_for_selector("#ops-jobs-table")
    expect(page.locator("#shell-person")).not_to_be_empty()
    page.get_by_text("The mails written last").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_a_run_is_asked_for_by_keyboard_and_one_stays_on_the_button(planned: Site, open_page: Open) -> None:
    page = open_page("/ops", role="admin")
    button = page.locator("#ops-jobs-table button").first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ops-said")).to_contain_text("sked for")
    expect(page.locator("#ops-jobs-table")).to_contain_text("waits for the scheduler")
    page.wait_for_timeout(5500)
    assert "ops-run" in page.evaluate("document.activeElement.id")
