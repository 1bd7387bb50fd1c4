"""The regimen of a patient as people use it: a decision is recorded, the dates move, the calendar file comes along."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Nurse, Open
from tests.browser.test_visit import NARROW, picture

ON_A_DEPOT = "DEMO-008"
# The last table of each page to be drawn.
LAST = {f"/p/{ON_A_DEPOT}/regimen": "#regimen-steps tbody tr", "/injections": "#injections-coming tbody tr"}


def serious(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:150]) for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", LAST)
def test_axe_finds_nothing_serious(scheme: str, path: str, open_page: Open) -> None:
    page = open_page(path, scheme=scheme)
    page.wait_for_selector(LAST[path])
    picture(page, f"{path.strip('/').replace('/', '-')}-{scheme}")
    assert not serious(page)


def test_a_phone_never_scrolls_sideways(open_page: Open) -> None:
    for path in LAST:
        page = open_page(path, size=NARROW)
        page.wait_for_selector(LAST[path])
        picture(page, f"{path.strip('/').replace('/', '-')}-phone")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_a_decision_asks_for_what_it_needs_moves_the_dates_and_hands_out_a_calendar(nurse: Nurse) -> None:
    page = nurse("DEMO-012", "regimen")
    dose = page.locator('[data-about="analogue.dose"]')
    expect(dose).to_be_hidden()
    page.locator('[data-field="analogue.what"][value="dose"]').check()
    expect(dose).to_be_visible()
    page.locator('[data-field="analogue.dose"]').fill("90")
    page.locator('[data-field="analogue.what"][value="interval"]').check()
    expect(dose).to_be_hidden()
    page.locator('[data-field="analogue.interval_days"]').fill("21")
    page.locator('[data-field="decided_by"]').fill("Dr Ada Weiss")
    page.keyboard.press("Control+s")
    expect(page.locator('[data-about="analogue.reason"] .entry-wrong')).to_contain_text("say why")
    picture(page, "regimen-form")
    page.locator('[data-field="analogue.reason"]').fill("Itch at the end of the interval")
    page.keyboard.press("Control+s")
    expect(page.locator(".entry-said .done")).to_contain_text("1 entries")
    expect(page.locator(".injection-dates")).to_have_count(0)
    page.reload()
    expect(page.locator("#regimen-steps tbody tr").first).to_contain_text("Itch at the end of the interval")
    expect(page.locator("#regimen-steps tbody tr").first).to_contain_text("Dr Ada Weiss")
    with page.expect_download() as download:
        page.get_by_role("link", name="Calendar file").click()
    assert download.value.suggested_filename == "injections.ics"
