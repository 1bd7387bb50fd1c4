"""A page left alone: the sign-in ends in time although the page polls, and what was on it goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from dash import html
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from dashboard.policy import CLINICAL, Policy
from dashboard.routing import Route
from tests.browser.conftest import browser
from tests.dashboard.conftest import PASSWORD, Web

__all__ = ["browser"]

IDLE_S, ABSOLUTE_S = 5, 20
SLACK_S = 2.5


@pytest.fixture
def signed_in(assembled: Callable[..., Web], browser: Browser) -> Iterator[tuple[Page, float]]:
    """A page, and the clock at its sign-in."""
    front = SimpleNamespace(
        ROUTE=Route("/", "Worklist", Policy(CLINICAL, scoped=True), nav="Worklist"),
        layout=lambda: html.H1("CNRY-front"),
        register=lambda _app: None,
    )
    server = make_server("127.0.0.1", 0, lambda *_: None, threaded=True)
    web = assembled(front, base_url=f"http://127.0.0.1:{server.port}", idle_s=IDLE_S, absolute_s=ABSOLUTE_S)
    server.app = web.app.server
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    context = browser.new_context(base_url=web.settings.base_url)
    opened = context.new_page()
    opened.goto("/login")
    opened.fill("#email", "onc@north.example")
    opened.fill("#password", PASSWORD)
    began = time.monotonic()
    opened.click("button[type=submit]")
    opened.wait_for_selector("#shell-page h1")
    yield opened, began
    context.close()
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_polling_is_no_activity(signed_in: tuple[Page, float]) -> None:
    (page, _), began, polls = signed_in, time.monotonic(), []
    page.on("request", lambda request: polls.append(request) if "_dash-update" in request.url else None)
    page.wait_for_url("**/login?**", timeout=(IDLE_S + 15) * 1000)
    took = time.monotonic() - began
    print(f"B10 idle: signed out after {took:.1f} s and {len(polls)} polls")
    assert len(polls) >= 3
    assert IDLE_S - 1 <= took <= IDLE_S + SLACK_S
    assert "CNRY-front" not in page.content()


def test_work_does_not_outlast_the_absolute_limit(signed_in: tuple[Page, float]) -> None:
    page, began = signed_in
    while time.monotonic() - began < ABSOLUTE_S + 10:
        page.goto("/")
        if "/login" in page.url:
            break
        page.wait_for_timeout(400)
    took = time.monotonic() - began
    print(f"B10 absolute: signed out after {took:.1f} s of work")
    assert ABSOLUTE_S <= took <= ABSOLUTE_S + SLACK_S
