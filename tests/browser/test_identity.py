"""Deciding who is who as people do it: see what a merge would show, merge, take it back, with the keyboard alone."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from data.identity_proposals import list_proposals
from data.intake.batch import import_paths
from data.people import Actor
from tests.browser.conftest import PHONE, WIDE, Open, Site

SYSTEM = Actor.system("test")
WHY = "registered twice, says the registry office"
HEAD = "mrn,when,analyte,value,unit,lab\n"


@pytest.fixture(scope="module")
def proposal(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a proposal to merge two patients of the demonstration; one of them has a possible duplicate."""
    folder = tmp_path_factory.mktemp("feed")
    message = ("MSH|^~\\&|ADMIT|DEMO|N|N|20250501||ADT^A40|1|P|2.5", "EVN|A40|20250501")
    (folder / "admissions.hl7").write_text(
        "\r".join((*message, "PID|||DEMO-008||Berg^Ada||19600103|F", "MRG|DEMO-030\r"))
    )
    (folder / "own.csv").write_text(f"{HEAD}DEMO-008,2024-01-09,copper,101,ug/dL,City laboratory\n")
    (folder / "copy.csv").write_text(f"{HEAD}DEMO-008,2024-01-09,copper,101,ug/dL,\n")
    for file in sorted(folder.iterdir()):
        import_paths(site.database, SYSTEM, [file], now=datetime.now(UTC))
    with site.database.read() as session:
        return f"/identity/proposal/{list_proposals(session, SYSTEM)[-1]['id']}"


def whole(page: Page, path: str) -> Page:
    """The page once everything on it is there."""
    page.wait_for_selector("#shell-page h1")
    expect(page.locator("#shell-person")).not_to_be_empty()
    if path == "/identity":
        page.wait_for_selector("#duplicates-table")
    return page


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def reach(page: Page, id: str) -> None:
    """Press Tab until the element with this id has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == id:
            return
    raise AssertionError(f"Tab never reached {id!r}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_a_phone_never_scrolls_sideways(
    scheme: str, proposal: str, site: Site, open_page: Open
) -> None:
    page = open_page("/identity", scheme=scheme)
    for name, path in (("identity", "/identity"), ("proposal", proposal), ("who", "/p/DEMO-008/identity")):
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        if path != "/identity":
            page.goto(site.url + path)
        whole(page, path)
        assert page.locator("h1").count() == 1
        violations = Axe().run(page).response["violations"]
        assert not [
            f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in violations if v["impact"] in ("serious", "critical")
        ]
        picture(page, f"{name}-{scheme}")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        picture(page, f"{name}-phone-{scheme}")


def test_two_numbers_are_merged_and_parted_again_with_the_keyboard_alone(proposal: str, open_page: Open) -> None:
    page = whole(open_page("/identity"), "/identity")
    expect(page.locator("#shell-count-identity")).to_contain_text(re.compile("[1-9]"))
    reach(page, "identity-from")
    page.keyboard.type("DEMO-030")
    reach(page, "identity-into")
    page.keyboard.type("DEMO-008")
    reach(page, "identity-show")
    page.keyboard.press("Enter")
    expect(page.locator("#identity-preview")).to_contain_text("Flags that stand")
    picture(page, "merge-preview")
    reach(page, "identity-reason")
    page.keyboard.type(WHY)
    reach(page, "identity-merge")
    expect(page.locator("#identity-merge")).to_have_text("Merge DEMO-030 into DEMO-008")
    page.keyboard.press("Enter")
    expect(page.locator("#identity-said")).to_contain_text("DEMO-030 is shown as DEMO-008")
    page.get_by_role("link", name="this merge").click()
    expect(page.locator("h1")).to_have_text("DEMO-030 was merged into DEMO-008")
    picture(page, "merge")
    reach(page, "merge-reason")
    page.keyboard.type("they are two after all")
    reach(page, "merge-undo")
    page.keyboard.press("Enter")
    expect(page.locator("#merge-said")).to_contain_text("stand for themselves again")


def test_a_duplicate_is_chosen_and_retracted(proposal: str, open_page: Open) -> None:
    page = whole(open_page("/p/DEMO-008/identity"), "/p/DEMO-008/identity")
    page.get_by_label("is wrong").last.check()
    page.fill("#who-retract-reason", "the copy lacks its laboratory")
    page.locator("#who-retract").click()
    expect(page.locator("#who-retract-said")).to_contain_text("is retracted")
    expect(page.locator("#who-pairs")).to_contain_text("No two results")
