"""Importing as people do it: drop a file, see what Nadir makes of it, import, find the record with the patient."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy import select

from data.models import Record
from tests.browser.conftest import Open, Site

NARROW = (375, 800)
SLOW_MS = 60_000
HEADER = "mrn,when,analyte,value,unit\n"


def labs(lab_day: str, *, bad: bool = True) -> FilePayload:
    """Three results that can be read, and two rows that cannot."""
    good = [f"DEMO-008,{lab_day}T08:0{n}:00Z,zinc,{60 + n},ug/dL" for n in range(3)]
    wrong = [f"NOBODY-1,{lab_day},zinc,80,ug/dL", f"DEMO-008,{lab_day},glucagon,<script>alert(1)</script>,pg/mL"]
    text = HEADER + "\n".join(good + (wrong if bad else [])) + "\n"
    return {"name": f"labs {lab_day}.csv", "mimeType": "text/csv", "buffer": text.encode()}


def previewed(page: Page, file: FilePayload) -> None:
    """Hand over a file by the file chooser and preview it."""
    page.set_input_files("#import-files", file)
    page.wait_for_selector("#import-preview")
    expect(page.locator("h1")).to_contain_text(str(file["name"]))
    page.get_by_label("Demo NET clinic North").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#import-said")).to_contain_text("Nothing is stored yet", timeout=SLOW_MS)


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_dropped_file_is_previewed_imported_and_stands_on_the_patients_page(site: Site, open_page: Open) -> None:
    page = open_page("/import")
    page.wait_for_selector("[data-drop] .drop")
    file = labs("2024-02-11")
    page.evaluate(
        """([name, text]) => {
            const held = new DataTransfer();
            held.items.add(new File([text], name, {type: "text/csv"}));
            const zone = document.querySelector(".drop");
            for (const kind of ["dragenter", "dragover", "drop"])
                zone.dispatchEvent(new DragEvent(kind, {dataTransfer: held, bubbles: true, cancelable: true}));
        }""",
        [file["name"], file["buffer"].decode()],
    )
    expect(page.locator("h1")).to_contain_text("labs 2024-02-11.csv")
    page.wait_for_selector("#import-preview")
    picture(page, "import-files")
    page.get_by_label("Demo NET clinic North").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#import-said")).to_contain_text("Nothing is stored yet", timeout=SLOW_MS)
    report = page.locator("#import-account")
    expect(report).to_contain_text("5 items read = 3 new + 0 already there + 0 newer versions")
    expect(report).to_contain_text("2 held")
    expect(page.locator("#import-held")).to_contain_text("patient 'NOBODY-1' is not known")
    expect(page.locator("#import-rows")).to_contain_text("60 ug/dL")
    picture(page, "import-preview")

    page.locator("#import-commit", has_text="Import 3 rows for").click()
    expect(page.locator("#import-said")).to_contain_text("Imported.", timeout=SLOW_MS)
    expect(page.locator("#import-commit")).to_be_hidden()
    picture(page, "import-done")
    with site.database.read() as session:
        stored = session.scalars(select(Record.effective_text).where(Record.place.like("labs 2024-02-11.csv%"))).all()
    assert len(stored) == 3

    page.get_by_role("link", name="All imports and the quarantine").click()
    page.wait_for_selector("#held-table")
    expect(page.locator("#import-table tbody tr").first).to_contain_text("Imported")
    page.locator("#held-table a", has_text="NOBODY-1").first.click()
    expect(page.locator(".raw-item")).to_contain_text("NOBODY-1,2024-02-11")
    page.goto(site.url + "/p/DEMO-008")
    page.locator("#patient-record-open").click()
    page.wait_for_selector("#patient-record-table")
    told = page.locator("#patient-record-table tr", has_text="11 Feb 2024").all_inner_texts()
    assert sum("zinc" in row.lower() and "61" in row for row in told) == 1, told


def test_a_held_item_is_shown_as_text_and_discarded_with_a_reason(site: Site, open_page: Open) -> None:
    page = open_page("/import")
    page.wait_for_selector("[data-drop] .drop")
    previewed(page, labs("2024-02-13"))
    page.locator("#import-commit").click()
    expect(page.locator("#import-said")).to_contain_text("Imported.", timeout=SLOW_MS)
    page.get_by_role("link", name="All imports and the quarantine").click()
    page.wait_for_selector("#held-table")
    page.locator("#held-table a", has_text="script").first.click()
    expect(page.locator(".raw-item")).to_contain_text("<script>alert(1)</script>")
    page.get_by_role("button", name="Discard this item").click()
    expect(page.locator("#held-said")).to_contain_text("Not discarded: say why")
    picture(page, "import-held")
    page.get_by_label("Why it is not needed").fill("typed by mistake, no result")
    page.get_by_role("button", name="Discard this item").click()
    expect(page.locator("#held-said")).to_contain_text("Discarded.")


def test_the_whole_way_can_be_gone_with_the_keyboard_alone(site: Site, open_page: Open) -> None:
    page = open_page("/import")
    page.wait_for_selector("[data-drop] .drop")
    # Asked for before Tab is pressed: the browser learns late that the dialog is taken over, and opens its own.
    with page.expect_file_chooser() as chooser:
        reach(page, "import-files")
        page.keyboard.press("Space")
    chooser.value.set_files(labs("2024-02-12", bad=False))
    page.wait_for_selector("#import-preview")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("Space")
    reach(page, "import-preview")
    page.keyboard.press("Enter")
    expect(page.locator("#import-said")).to_contain_text("Nothing is stored yet", timeout=SLOW_MS)
    reach(page, "import-commit")
    page.keyboard.press("Enter")
    expect(page.locator("#import-said")).to_contain_text("Imported.", timeout=SLOW_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_import_pages(scheme: str, open_page: Open) -> None:
    page = open_page("/import", scheme=scheme)
    page.wait_for_selector("[data-drop] .drop")
    assert grave(page) == []
    picture(page, f"import-start-{scheme}")
    previewed(page, labs("2024-02-14"))
    assert grave(page) == []
    picture(page, f"import-preview-{scheme}")


def test_a_phone_never_scrolls_sideways_on_the_import_pages(open_page: Open) -> None:
    page = open_page("/import", size=NARROW)
    page.wait_for_selector("[data-drop] .drop")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    previewed(page, labs("2024-02-15"))
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    picture(page, "import-preview-phone")


def grave(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    return [
        f"{found['id']}: {found['nodes'][0]['html'][:200]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]


def reach(page: Page, id: str) -> None:
    """Press Tab until the element with this id has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == id:
            return
    raise AssertionError(f"Tab never reached {id!r}")
