"""A few texts that would be code, in every text field, on the main pages: the short form of the long test of D1."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from clinical.protocol import bundled_protocol
from data.db import Database
from data.settings import Settings
from tests.dashboard.conftest import web_settings
from tests.security.payloads import XSS
from tests.security.test_hostile_texts import look, running

__all__ = ["web_settings"]

TEXTS = [XSS[n] for n in (0, 4, 6, 8, 17, 23, 31, 45, 48, 60)]
PAGES = [("oncologist", path) for path in ("/", "/patients", "/p/N-701", "/p/N-701?tab=record", "/queries")]


def test_ten_texts_stay_texts_on_the_main_pages(
    sqlite_database: Database, web_settings: Settings, browser: Browser, tmp_path: Path
) -> None:
    with running(sqlite_database, web_settings, bundled_protocol(), tmp_path, TEXTS) as ground:
        looked = look(ground, browser, PAGES, policy=False)
    print(f"D1, short: {looked}")
    assert looked["texts"] > 10
