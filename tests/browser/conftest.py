"""The real application on a free port, the demonstration cohort judged by a real sweep, and a real Chromium.

Every page a test opens is watched: an error on the console or a request to another origin fails the test.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from clinical.protocol import bundled_protocol
from dashboard.app import create_app
from data.announcing import MailPolicy
from data.db import Database, open_database
from data.demo.load import load_demo
from data.job_runs import Runner, begin_run, finish_run
from data.models import Flag, Patient
from data.people import Actor
from data.settings import Settings
from jobs.sweep import sweep

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = (1366, 900)
PHONE = (390, 844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@dataclass
class Site:
    """The running application. `passwords` are those of the demonstration accounts, by role."""

    url: str
    database: Database
    people: dict[str, tuple[str, str]]
    signed_in: dict[str, Any] = field(default_factory=dict)

    def flag(self, rule: str) -> tuple[str, str]:
        """The id and the patient of the first flag of this rule."""
        with self.database.read() as session:
            flag_id, mrn = session.execute(
                select(Flag.id, Patient.mrn)
                .join(Patient, Patient.id == Flag.patient_id)
                .where(Flag.rule == rule)
                .order_by(Patient.mrn)
                .limit(1)
            ).one()
        return flag_id, mrn

    def status(self, flag_id: str) -> str:
        """The status of a flag as the database holds it."""
        with self.database.read() as session:
            return str(session.scalar(select(Flag.status).where(Flag.id == flag_id)))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, audit_key: bytes) -> Iterator[Site]:
    """The application over the demonstration cohort, after one sweep."""
    folder = tmp_path_factory.mktemp("site")
    file = folder / "nadir.db"
    shutil.copyfile(sqlite_template, file)
    file.chmod(0o600)
    key = folder / "secret.key"
    key.write_text(secrets.token_urlsafe(48))
    key.chmod(0o600)
    database = open_database(f"sqlite:///{file}", audit_key)
    now = datetime.now(UTC)
    loaded = load_demo(database, Actor.system("demo"), today=now.date(), now=now)
    _sweep(database, now)
    people = {role: (email, password) for email, role, password in loaded.people}
    with serving(database, file, key) as settings:
        yield Site(settings.base_url, database, people)
    database.close()


@contextmanager
def serving(database: Database, file: Path, key: Path) -> Iterator[Settings]:
    """The application over this SQLite file, on a free port; its settings."""
    port = _free_port()
    settings = Settings(
        database_url=f"sqlite:///{file}",
        base_url=f"http://127.0.0.1:{port}",
        secret_key_file=key,
        audit_key_file=key,
        site_timezone="Europe/Berlin",
        sweep_s=3600,
    )
    server = make_server("127.0.0.1", port, create_app(database, settings, bundled_protocol()).server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield settings
    server.shutdown()
    thread.join(10)
    server.server_close()


def _sweep(database: Database, now: datetime) -> None:
    runner = Runner("test")
    with database.write() as session:
        run = begin_run(session, "sweep", due_at=now, runner=runner, now=now)
    mail = MailPolicy(domain="nadir.example", digest_at=Settings().digest_at, zone=ZoneInfo("Europe/Berlin"))
    sweep(database, protocol=bundled_protocol(), mail=mail, as_of=now, now=now, full=True)
    with database.write() as session:
        finish_run(session, run, runner=runner, counts={}, error=None, now=datetime.now(UTC))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one CHROMIUM names."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
        opened = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield opened
        opened.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Open]:
    """Open a page of the site, signed in as a role (None: not signed in), in a scheme, a window size and a language."""
    contexts: list[tuple[BrowserContext, str | None]] = []
    wrong: list[str] = []

    def watched(context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
        page.on("request", lambda r: wrong.append(f"off-origin: {r.url}") if _is_elsewhere(r.url, site.url) else None)
        return page

    def open_(
        path: str, *, role: str | None = "oncologist", scheme: str = "light", size: Any = WIDE, speaks: str = "en-US"
    ) -> Page:
        state = _signed_in(site, browser, role) if role else None
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            storage_state=state,
            locale=speaks,
        )
        contexts.append((context, role))
        page = watched(context)
        page.goto(site.url + path)
        return page

    yield open_
    for context, role in contexts:
        _carry_on(site, context, role)
        context.close()
    assert not wrong


Nurse = Callable[..., Page]


@pytest.fixture
def nurse(site: Site, browser: Browser) -> Iterator[Nurse]:
    """Entry pages of a signed-in nurse. A refused save is an error on the browser's console, so it is not watched."""
    contexts: list[BrowserContext] = []

    def open_(mrn: str, form: str = "visit", *, scheme: str = "light", size: Any = WIDE) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        state = _signed_in(site, browser, "nurse")
        context = browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=state)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/p/{mrn}/{form}")
        page.wait_for_selector("#entry-save")
        return page

    yield open_
    for context in contexts:
        _carry_on(site, context, "nurse")
        context.close()


def _carry_on(site: Site, context: BrowserContext, role: str | None) -> None:
    """Let the next test go on with the id that this one was given when it typed the password again."""
    state = context.storage_state()
    if role is not None and state["cookies"] and state["cookies"] != site.signed_in[role]["cookies"]:
        site.signed_in[role] = state


def _is_elsewhere(url: str, base: str) -> bool:
    return not url.startswith((base + "/", "data:", "blob:"))


def _signed_in(site: Site, browser: Browser, role: str) -> Any:
    if role not in site.signed_in or not _holds(site, browser, site.signed_in[role]):
        email, password = site.people[role]
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, site, email, password)
        site.signed_in[role] = context.storage_state()
        context.close()
    return site.signed_in[role]


def _holds(site: Site, browser: Browser, state: Any) -> bool:
    """Whether a sign-in still stands: a test may have ended it, or nobody used it for long."""
    context = browser.new_context(storage_state=state)
    answer = context.request.get(site.url + "/", max_redirects=0)
    context.close()
    return answer.status == 200


def sign_in(page: Page, site: Site, email: str, password: str) -> None:
    """Sign in through the form and wait for the worklist."""
    page.goto(site.url + "/login")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_selector("#shell-page h1")
