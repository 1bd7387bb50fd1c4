"""The dose review by keyboard alone: from the worklist to a signed decision, the list for the visit on the way."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from data.models import FlagDecision
from tests.browser.conftest import PHONE, Open, Site
from tests.browser.test_main_path import drawn


def test_a_decision_is_reached_by_keyboard_and_recorded_only_with_the_password(site: Site, open_page: Open) -> None:
    page = open_page("/")
    page.wait_for_selector("#worklist-grid .ag-cell .cell > *")
    page.locator("#worklist-find").focus()
    press_until(page, "Tab", ".ag-header-cell, .ag-cell")
    press_until(page, "ArrowDown", ".ag-cell")
    page.keyboard.press("Enter")
    drawn(page, "flag-evidence")
    flag_id = page.url.rpartition("/")[2]
    assert grave(page) == []

    press_until(page, "Tab", "#flag-decide-form input[type=radio]")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    press_until(page, "Tab", "#flag-rationale")
    page.keyboard.type("Ultrasound and lipase today, surgeons informed")
    press_until(page, "Tab", "#flag-decide")
    page.keyboard.press("Enter")
    expect(page.locator("#flag-result")).to_contain_text("type your password once more")
    assert page.locator("#flag-rationale").input_value() == "Ultrasound and lipase today, surgeons informed"

    page.locator("#flag-rationale").focus()
    press_until(page, "Tab", "#flag-password")
    page.keyboard.type(site.people["oncologist"][1])
    press_until(page, "Tab", "#flag-decide")
    page.keyboard.press("Enter")
    expect(page.locator("#flag-result")).to_contain_text("Recorded: Investigate first")
    expect(page.locator("#flag-standing")).to_contain_text("In review")
    expect(page.locator("#flag-history li").first).to_contain_text("Decided: Investigate first")
    expect(page.locator("#flag-proof")).to_contain_text("it signs until")
    assert grave(page) == []
    with site.database.read() as session:
        decision = session.scalars(select(FlagDecision).where(FlagDecision.flag_id == flag_id)).one()
    assert (decision.decision, decision.to_status) == ("investigate", "in-review")
    assert site.status(flag_id) == "in-review"

    page.get_by_role("link", name="List for the next visit").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".visit-list li").first).to_be_visible()
    assert grave(page) == []


def test_on_a_phone_a_nurse_takes_and_hands_over_but_is_offered_no_decision(site: Site, open_page: Open) -> None:
    flag, _ = site.flag("R30")
    page = open_page(f"/flag/{flag}", role="nurse", size=PHONE)
    expect(page.locator(".flag-page h1")).to_be_visible()
    assert page.locator("#flag-decide-form").count() == 0
    page.get_by_text("Hand over to somebody else").click()
    page.locator(".flag-action details[open] input").first.check()
    page.locator("#flag-hand-why").fill("please book the missing tests")
    page.locator("#flag-assign").click()
    expect(page.locator("#flag-result")).to_contain_text("Handed over")
    expect(page.locator("#flag-standing")).to_contain_text("not taken yet")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def press_until(page: Page, key: str, selector: str) -> None:
    """Press a key until the focus is on what the selector names."""
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{key} never reaches {selector}")


def grave(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:150]}" for v in found if v["impact"] in ("serious", "critical")]
