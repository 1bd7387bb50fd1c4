"""Entering a scan as a reader does it: by keyboard alone, the response there as one types, and stored as it was shown."""

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
    """Keys pressed one by one; Tab goes to a field wherever it lies ahead."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, what: str) -> None:
        for _ in range(120):
            self.press("Tab")
            if self.page.evaluate("what => document.activeElement.dataset.field === what", what):
                return
        raise AssertionError(f"Tab never reached {what!r}")


def test_a_scan_by_keyboard_alone(site: Site, reader: Reader) -> None:
    page = reader("DEMO-004")
    picture(page, "imaging-empty")
