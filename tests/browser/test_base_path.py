"""Below a path of a host that belongs to others too, behind a proxy that ends TLS: every address leads back there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import trustme
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, _free_port

PREFIX = "/nadir/"


@pytest.fixture
def behind_proxy(site: Site, tmp_path: Path) -> Iterator[str]:
    """The address of `nadir serve`, over the data of `site`, behind a proxy."""
    inside, outside = _free_port(), _free_port()
    certificate = tmp_path / "certificate.pem"
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    key = tmp_path / "secret.key"
    key.write_text("Kq3v8-the-key-of-one-test-and-of-nothing-else")
    audit = tmp_path / "audit.key"
    audit.write_bytes(site.database.audit_key)
    for path in (key, audit):
        path.chmod(0o600)
    address = f"https://127.0.0.1:{outside}{PREFIX}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")} | {
        "NADIR_DATABASE_URL": str(site.database.engine.url),
        "NADIR_SECRET_KEY_FILE": str(key),
        "NADIR_AUDIT_KEY_FILE": str(audit),
        "NADIR_BASE_URL": address.rstrip("/"),
        "NADIR_BASE_PATH": PREFIX,
        "NADIR_PROXY_HOPS": "1",
        "NADIR_SWEEP_S": "3600",
        "PYTHONPATH": str(Path.cwd()),
    }
    proxy = Path(__file__).parent / "reverse_proxy.py"
    commands = (
        [sys.executable, "-m", "nadir", "serve", "--port", str(inside)],
        [sys.executable, str(proxy), str(outside), str(certificate), PREFIX, str(inside)],
    )
    log = (tmp_path / "log").open("wb")
    processes = [subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=log) for command in commands]
    try:
        _wait_for(inside, tmp_path / "log")
        with urlopen(f"http://127.0.0.1:{inside}/healthz") as alive:
            assert alive.status == 200, "the host's own check asks without the proxy"
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


def _wait_for(port: int, log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def addresses(page: Page) -> set[str]:
    """Where the links and forms of the page lead."""
    found: list[str] = page.eval_on_selector_all(
        "a[href], form[action], link[href], script[src], img[src]",
        "all => all.map(one => one.getAttribute('href') || one.getAttribute('action') || one.getAttribute('src'))",
    )
    return {address for address in found if address and not address.startswith(("#", "data:"))}


def test_everything_stays_below_the_path(site: Site, browser: Browser, behind_proxy: str) -> None:
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on(
        "request",
        lambda r: None if r.url.startswith((behind_proxy, "data:", "blob:")) else wrong.append(f"outside: {r.url}"),
    )

    def here(pattern: str, heading: str) -> None:
        page.wait_for_selector(heading)
        assert re.fullmatch(pattern, page.url.removeprefix(behind_proxy)), page.url
        astray = {to for to in addresses(page) if not to.startswith((PREFIX, "blob:"))}
        assert not astray, astray

    flag_id, mrn = site.flag("R03")
    page.goto(behind_proxy + f"p/{mrn}")
    here(rf"login\?next=/p/{mrn}", "input[name=email]")
    email, password = site.people["oncologist"]
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    here(rf"p/{mrn}", "#shell-page h1")

    cookies = {cookie["name"]: cookie for cookie in context.cookies(behind_proxy)}
    assert cookies["__Secure-nadir"]["path"] == PREFIX and cookies["__Secure-nadir"]["secure"]
    assert not context.cookies(behind_proxy.removesuffix(PREFIX) + "/another")

    page.click(".shell-brand")
    here("", "#shell-page .ag-row a")
    page.click(f"#shell-page .ag-row a[href='{PREFIX}flag/{flag_id}']")
    here(f"flag/{flag_id}", "#shell-page h1")
    page.click("#shell-nav a[href='/nadir/protocol']")
    here("protocol", "#shell-page table a")
    page.wait_for_selector("#shell-nav a[aria-current=page]")
    page.go_back()
    here(f"flag/{flag_id}", "#shell-page h1")

    page.goto(behind_proxy + f"p/{mrn}/visit")
    here(f"p/{mrn}/visit", "#entry-save")
    page.locator("#entry-save").wait_for()
    page.goto(behind_proxy + f"p/{mrn}/regimen")
    here(f"p/{mrn}/regimen", "#shell-page h1")
    page.goto(behind_proxy + "account")
    here("account", "h1")
    answer = context.request.get(behind_proxy + f"p/{mrn}/summary.pdf")
    assert answer.ok and answer.body().startswith(b"%PDF")

    page.goto(behind_proxy)
    page.wait_for_selector("#shell-page .ag-row a")
    page.click(".shell-languages button")
    here("", "html[lang=de] #shell-page .ag-row a")
    page.click("form[action$='/language'] button[lang=en]")
    page.wait_for_selector("html[lang=en] #shell-page .ag-row a")
    page.click("form[action$='/logout'] button")
    here(r"login\?left=1", "input[name=email]")
    context.close()
    assert not wrong, wrong
