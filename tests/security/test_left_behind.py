"""After signing out nothing of a patient is left in the browser: not behind the Back button, not in any storage."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext
from werkzeug.serving import make_server

from clinical.protocol import Protocol
from dashboard.app import create_app
from data.db import Database
from data.settings import Settings
from tests.browser.conftest import _free_port, browser
from tests.dashboard.conftest import PASSWORD, Web
from tests.security.wards import Wards, canaries, furnish

__all__ = ["browser"]

PAGES = ("/", "/patients", "/p/N-701", "/p/N-701?tab=record", "/p/N-701/visit", "/queries")
KEPT = """async () => {
  const kept = [];
  for (const store of [localStorage, sessionStorage]) kept.push(...Object.entries(store).flat());
  for (const name of (await indexedDB.databases()).map((one) => one.name)) kept.push("indexedDB " + name);
  for (const name of await caches.keys()) kept.push("cache " + name);
  return kept.join("\\n");
}"""


@pytest.fixture
def site(
    sqlite_database: Database, web_settings: Settings, protocol: Protocol, tmp_path: Path
) -> Iterator[tuple[Wards, str]]:
    """The wards on a free port."""
    port = _free_port()
    settings = web_settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
    wards = furnish(Web(create_app(sqlite_database, settings, protocol), sqlite_database, settings), tmp_path)
    server = make_server("127.0.0.1", port, wards.web.app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield wards, settings.base_url
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_nothing_is_left_after_signing_out(site: tuple[Wards, str], browser: Browser, tmp_path: Path) -> None:
    wards, url = site
    profile = tmp_path / "profile"
    # A profile on the disk, so that what Chromium keeps there can be searched afterwards.
    context: BrowserContext = browser.browser_type.launch_persistent_context(
        profile, executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"]
    )
    page = context.new_page()
    page.goto(url + "/login")
    page.fill("#email", wards.sides["North"].people["oncologist"])
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#shell-page h1")
    seen = set()
    for path in PAGES:
        page.goto(url + path)
        page.wait_for_selector("#shell-page h1")
        page.wait_for_load_state("networkidle")
        seen |= set(canaries(page.content()))
        assert "CNRY-" not in page.evaluate(KEPT), path
    assert len(seen) > 5, "the pages show something of patients"
    page.click(".shell-person form[action='/logout'] button")
    page.wait_for_url("**/login?left=1")
    backs = 0
    for _step in PAGES:
        page.go_back(wait_until="load")
        page.wait_for_timeout(400)
        assert not set(canaries(page.content())), page.url
        backs += 1
    assert page.evaluate(KEPT) == ""
    context.close()
    held = [file for file in profile.rglob("*") if file.is_file() and b"CNRY-" in file.read_bytes()]
    print(f"F4: {len(PAGES)} pages with {len(seen)} kinds of canaries, {backs} steps back, {len(held)} files left")
    assert not held


def _chromium() -> str:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
