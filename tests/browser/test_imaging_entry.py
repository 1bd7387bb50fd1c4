"""Entering a scan as a reader does it: by keyboard alone, the response there as one types, stored as it was shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from data.models import Patient, Record
from tests.browser.conftest import Site, _signed_in

NARROW = (375, 800)
Reader = Callable[..., Page]


@pytest.fixture
def reader(site: Site, browser: Browser) -> Iterator[Reader]:
    """Imaging pages of a signed-in oncologist. A question of the server is an error on the browser's console, so it
    is not watched."""
    contexts: list[BrowserContext] = []

    def open_(mrn: str, *, scheme: str = "light", size: Any = (1366, 900), locale: str = "en") -> Page:
        viewport = {"width": size[0], "height": size[1]}
        state = _signed_in(site, browser, "oncologist")
        context = browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=state, locale=locale)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/p/{mrn}/imaging")
        page.wait_for_selector("#entry-save")
        return page

    yield open_
    for context in contexts:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def stored(site: Site, mrn: str) -> dict[str, Record]:
    with site.database.read() as session:
        wanted = select(Record).join(Patient, Patient.id == Record.patient_id)
        rows = session.scalars(wanted.where(Patient.mrn == mrn, Record.batch_id.like("imaging-%")))
        return {row.place: row for row in rows}


class Keyboard:
    """Keys pressed one by one, counted; Tab goes to a field wherever it lies ahead."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.count += 1

    def reach(self, what: str) -> None:
        for _ in range(120):
            self.press("Tab")
            if self.page.evaluate("what => document.activeElement.dataset.field === what", what):
                return
        raise AssertionError(f"Tab never reached {what!r}")


def test_a_scan_by_keyboard_alone(site: Site, reader: Reader) -> None:
    page = reader("DEMO-014")
    keys = Keyboard(page)
    letters = page.locator(".entry-letters")
    expect(letters).to_contain_text("nothing to compute yet")
    keys.reach("when")
    keys.press(*"11202026")
    keys.reach("study.modality")
    keys.press("C")
    keys.reach("lesion.1.mm")
    keys.press(*"18,5")
    expect(letters).to_contain_text("NE")
    expect(page.locator(".entry-reasons")).to_contain_text("Still to enter: liver-2, node-1, bone-1")
    keys.reach("lesion.2.mm")
    keys.press(*"12")
    expect(page.locator('[data-row="lesion.2"] .entry-change')).to_contain_text("% since")
    keys.reach("lesion.3.mm")
    keys.press(*"9,9")
    keys.reach("lesion.4.state")
    keys.press("n")
    keys.reach("lesion.4.reason")
    keys.press(*"clip")
    expect(letters).to_contain_text("PR: partial response")
    expect(page.locator(".entry-beside")).to_have_text("Computed: PR")
    picture(page, "imaging-typed")
    keys.reach("response.verdict")
    keys.press("ArrowDown", "ArrowDown")
    keys.reach("response.reader")
    keys.press(*"Dr Rose")
    keys.reach("response.overall")
    keys.press("S")
    keys.reach("response.reason")
    keys.press(*"other phase")
    keys.press("Enter")
    assert stored(site, "DEMO-014") == {}
    keys.press("Control+s")
    expect(page.locator(".entry-said .done")).to_contain_text("6 entries")
    print(f"four lesions and the reader by keyboard: {keys.count} keystrokes")
    picture(page, "imaging-saved")
    rows = stored(site, "DEMO-014")
    sizes = {place: (row.value, (row.detail or {})["state"]) for place, row in rows.items() if row.kind == "lesion"}
    assert sizes == {
        **{"lesion.1": ("18.5", "measured"), "lesion.2": ("12", "measured"), "lesion.3": ("9.9", "measured")},
        "lesion.4": (None, "not-evaluable"),
    }
    said = rows["response"].detail or {}
    assert (said["response"], said["computed"], said["reader"], rows["response"].text) == (
        *("SD", "PR", "Dr Rose", "other phase"),
    )
    page.goto(f"{site.url}/p/DEMO-014?tab=imaging")
    first = page.locator("#patient-responses-table tbody tr").first
    expect(first).to_contain_text("instead of the computed PR")
    expect(first).to_contain_text("other phase")
    expect(page.locator("#patient-lesions-table")).to_contain_text("clip")
    picture(page, "imaging-tab")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_what_was_begun_comes_back(scheme: str, reader: Reader) -> None:
    page = reader("DEMO-010", scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.locator('[data-field="study.modality"]').select_option("CT")
    page.locator('[data-field="when"]').fill("2026-11-20")
    page.locator('[data-field="lesion.1.state"]').select_option("split")
    page.locator('[data-field="lesion.1.parts"]').fill("20 + 12,5")
    page.locator('[data-field="lesion.2.mm"]').fill("40")
    expect(page.locator(".entry-state")).to_contain_text("Draft kept")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator('[data-field="lesion.1.parts"]')).to_have_value("20 + 12,5")
    expect(page.locator(".entry-sums")).to_contain_text("72.5 mm")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    picture(page, f"imaging-{scheme}")
    found = Axe().run(page).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"][:150]) for v in found if v["impact"] in ("serious", "critical")]


def test_a_phone_never_scrolls_sideways_in_german(reader: Reader) -> None:
    page = reader("DEMO-018", size=NARROW, locale="de-DE")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    expect(page.locator("h1")).to_contain_text("Bildgebung von")
    expect(page.locator(".entry-letters")).to_contain_text("noch nichts zu berechnen")
    picture(page, "imaging-phone-german")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
