"""Hostile texts in every text field, then every page and every point of every chart in a real Chromium: nothing runs.

D1 with the content policy, D2 with the policy taken off by a proxy: it is the second line, not the first.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from clinical.protocol import Protocol, bundled_protocol
from dashboard.app import PAGES, create_app
from data.db import Database, open_database
from data.models import Flag, ImportJob, Patient, Person, Quarantined, Record
from data.settings import Settings
from tests.browser.conftest import _free_port, browser
from tests.dashboard.conftest import Web
from tests.security.hostile import plant
from tests.security.payloads import TEMPLATES, XSS, naughty
from tests.security.requests_as import Route as Address
from tests.security.wards import Wards, furnish

__all__ = ["browser"]

SEED = 20261128
WATCH = (Path(__file__).parent / "watch.js").read_text(encoding="utf-8")
VIEWS = {
    "/p/<mrn>": (
        "",
        "?tab=grid",
        "?tab=imaging",
        "?tab=skin",
        "?tab=glucose",
        "?tab=cycle",
        "?tab=therapy",
        "?tab=record",
    ),
    "/patients": ("", "?tab=swimmer", "?tab=waterfall", "?tab=spider"),
    "/protocol": ("", "?tab=change", "?tab=mutes", "?tab=history", "?tab=burden"),
}


class Stripped:
    """The application as a proxy hands it on that takes the content policy off, while `policy` is False."""

    def __init__(self, application: Any) -> None:
        self._application, self.policy = application, True

    def __call__(self, environment: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [one for one in headers if self.policy or one[0].lower() != "content-security-policy"]
            return start_response(status, kept, *more)

        return self._application(environment, start)


class Ground:
    """The running application full of hostile texts."""

    def __init__(self, wards: Wards, url: str, proxy: Stripped) -> None:
        self.wards, self.url, self.proxy = wards, url, proxy

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Each page with each of its views, and by whom it is opened."""
        side = self.wards.sides["North"]
        with self.wards.web.database.read() as session:
            team = select(Patient.mrn).where(Patient.mrn.like("X%"))
            others = [mrn for mrn in session.scalars(team)]
            held = list(session.scalars(select(Quarantined.id).order_by(Quarantined.id.desc()).limit(3)))
            flags = list(session.scalars(select(Flag.id)))
            uploads = list(session.scalars(select(ImportJob.id).join(Person).where(Person.role == "nurse")))
            records = list(session.scalars(select(Record.id).order_by(Record.id.desc()).limit(3)))
        for page in PAGES:
            rule = page.ROUTE.pattern
            role = next(role for role in ("oncologist", "nurse", "admin") if role in page.ROUTE.policy.roles)
            role = "nurse" if rule in ("/import", "/import/held/<item>") else role
            for view in VIEWS.get(rule, ("",)):
                yield role, Address(rule, "GET").address(side) + view
        yield from (("nurse", f"/import/held/{item}") for item in held)
        yield from (("nurse", f"/import/{upload}") for upload in uploads)
        yield from (("oncologist", f"/flag/{flag}") for flag in flags)
        yield from (("oncologist", f"/p/{side.ids['mrn']}/record/{record}/correct") for record in records)
        yield from (("oncologist", "/p/" + quote(mrn, safe="")) for mrn in others)
        yield from (("admin", path) for path in ("/ops", "/identity", "/import", "/account", "/me"))
        yield from (
            ("oncologist", path)
            for path in ("/account", "/emergency", "/emergency?mrn=%22%3E%3Cscript%3Ewindow.__x=1%3C/script%3E")
        )


@pytest.fixture(scope="module")
def ground(sqlite_template: Path, audit_key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """All texts planted once: looking changes nothing but the trail."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copyfile(sqlite_template, folder / "nadir.db")
    (folder / "nadir.db").chmod(0o600)
    key = folder / "secret.key"
    key.write_bytes(b"0123456789abcdef-secret-of-the-tests")
    key.chmod(0o600)
    database = open_database(f"sqlite:///{folder / 'nadir.db'}", audit_key)
    settings = Settings(secret_key_file=key, base_url="http://localhost", environment="test", _env_file=None)
    texts = [*XSS, *TEMPLATES, *naughty()]
    random.Random(SEED).shuffle(texts)
    with running(database, settings, bundled_protocol(), folder, texts) as made:
        yield made
    database.close()


class running:
    """The application on a free port, with the texts planted."""

    def __init__(
        self, database: Database, settings: Settings, protocol: Protocol, folder: Path, texts: list[str]
    ) -> None:
        port = _free_port()
        settings = settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
        web = Web(create_app(database, settings, protocol), database, settings)
        proxy = Stripped(web.app.server)
        self._ground = Ground(furnish(web, folder), settings.base_url, proxy)
        print(f"D1: {len(texts)} texts, planted {dict(plant(self._ground.wards, folder, texts))}, seed {SEED}")
        self._server = make_server("127.0.0.1", port, proxy, threaded=True)

    def __enter__(self) -> Ground:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self._ground

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("policy", [True, False], ids=["with the policy", "without it"])
def test_no_text_of_any_field_becomes_code(ground: Ground, browser: Browser, policy: bool) -> None:
    looked = look(ground, browser, list(ground.addresses()), policy=policy)
    name, said = "D1" if policy else "D2", f"{looked['texts']} payloads seen as text, 0 executed"
    print(f"{name}: {looked['pages']} pages, {looked['points']} points hovered, {said}")
    assert looked["texts"] > 100


def look(ground: Ground, browser: Browser, addresses: list[tuple[str, str]], *, policy: bool) -> dict[str, int]:
    """Open each address and move over all of it; nothing runs, nothing is made, nothing is asked of elsewhere."""
    wrong: list[str] = []
    ground.proxy.policy = policy
    pages = {role: _page(ground, browser, role, wrong) for role in {role for role, _path in addresses}}
    points, seen = 0, 0
    for role, path in addresses:
        page, began = pages[role], time.monotonic()
        page.goto(ground.url + path)
        page.wait_for_selector("h1")
        page.wait_for_load_state("networkidle")
        points += _hover(page)
        fired, made = page.evaluate("window.__fired"), page.evaluate("window.__made()")
        seen += page.evaluate("document.body.innerText.split('__x=1').length - 1")
        assert not fired and not made and not wrong, (path, fired, made, wrong)
        print(f"{path[:60]}: {time.monotonic() - began:.1f} s")
    return {"pages": len(addresses), "points": points, "texts": seen}


def _page(ground: Ground, browser: Browser, role: str, wrong: list[str]) -> Page:
    context: BrowserContext = browser.new_context(viewport={"width": 1366, "height": 900})
    name, _equals, value = ground.wards.cookies[role, "North"].partition("=")
    context.add_cookies([{"name": name, "value": value, "url": ground.url}])
    context.add_init_script(WATCH)
    page = context.new_page()
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: wrong.append(f"error {error}"))
    page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith((ground.url, "data:", "blob:")) else None)
    return page


def _hover(page: Page) -> int:
    """Move over the page in a raster, and along every chart point by point."""
    points = 0
    for x in range(60, 1366, 160):
        for y in range(60, 900, 140):
            page.mouse.move(x, y)
            points += 1
    for box in page.evaluate("window.__charts()")[:4]:
        for step in range(24):
            page.mouse.move(box[0] + box[2] * (step + 0.5) / 24, box[1] + box[3] / 2)
            points += 1
    return points
