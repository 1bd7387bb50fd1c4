"""Asking the application as somebody: by callback or by route, and what must hold of every reply."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from werkzeug.test import TestResponse

from dashboard.inventory import routes
from tests.dashboard.conftest import PASSWORD
from tests.security.bodies import Callback, body
from tests.security.wards import Side, Wards

Answer = TypeVar("Answer")
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STATIC = ("/assets/", "/_dash-component-suites/", "/_favicon.ico")
NAMED = {
    **{"mrn": "mrn", "flag_id": "flag", "record": "record", "query": "query", "merge": "merge", "proposal": "proposal"},
    **{"item": "held", "job": "job"},
}
OTHER = {"rule": "R03", "form": "visit", "token": "x", "path:path": "some/where", "path:filename": "nadir.css"}
OTHER |= {"string:package_name": "dash", "path:fingerprinted_path": "deps/react.js"}


@dataclass(frozen=True)
class Route:
    """A route and a method it takes. `segments` names the parts of its address."""

    rule: str
    method: str

    @property
    def segments(self) -> list[str]:
        """The names of the variable parts, in order."""
        return re.findall(r"<([^>]+)>", self.rule)

    def address(self, side: Side, **instead: str) -> str:
        """The address with things of the team in its segments, but for those given."""
        return re.sub(r"<([^>]+)>", lambda found: instead.get(found[1], _segment(found[1], side)), self.rule)


def every_route(wards: Wards) -> list[Route]:
    """Each route with each of its methods."""
    return [Route(row["rule"], method) for row in routes(wards.web.app) for method in row["methods"]]


def call(wards: Wards, who: tuple[str, str] | None, callback: Callback, values: list[Any]) -> TestResponse:
    """Send a callback as somebody, or as nobody."""
    return _answer(wards, who, "/_dash-update-component", "POST", {"json": body(callback, values)})


def visit(
    wards: Wards, who: tuple[str, str] | None, route: Route, side: Side, *, query: str = "", **instead: str
) -> TestResponse:
    """Ask for a route as somebody, with things of the team in address and body."""
    return _answer(wards, who, route.address(side, **instead) + query, route.method, payload(route, side))


def payload(route: Route, side: Side) -> dict[str, Any]:
    """What a page of the team would send there."""
    if route.method == "GET":
        return {}
    ids = side.ids
    if route.rule.endswith(("/entry/<form>", "/draft", "/reckoned")):
        sent = {"patient": ids["uuid"], "key": uuid4().hex, "version": 0, "number": 2, "wristband": ""}
        return {"json": {**sent, "confirmed": [], "said": {"when": "2026-01-05T09:30", "weight": "70"}}}
    if route.rule == "/import/upload":
        row = f"mrn,when,analyte,value,unit\n{ids['mrn']},2026-01-01,zinc,80,ug/dL\n"
        return {"data": row.encode(), "headers": {"X-File-Name": "a.csv"}}
    if route.rule == "/_dash-update-component":
        return {"json": {}}
    if route.rule == "/account/password":
        return {"data": {"current": PASSWORD, "password": "not alike, not alike", "again": "alike"}}
    return {
        "data": {"password": PASSWORD, "email": ids["email"], "mrn": ids["mrn"], "reason": "short", "language": "en"}
    }


def quickest(send: Callable[[], Answer], limit: float) -> tuple[Answer, float]:
    """The last answer and the shortest time it took, asked again up to twice while it takes longer than `limit`
    seconds: what is slow by itself is slow each time, what a busy machine delays is not.
    """
    took = float("inf")
    for _try in range(3):
        began = time.monotonic()
        answer = send()
        took = min(took, time.monotonic() - began)
        if took <= limit:
            break
    return answer, took


def said(answer: TestResponse) -> str:
    """The body of a reply as text, whatever it is."""
    return answer.get_data().decode("utf-8", "replace")


def _answer(wards: Wards, who: tuple[str, str] | None, path: str, method: str, sent: dict[str, Any]) -> TestResponse:
    client = wards.web.app.server.test_client(use_cookies=False)
    headers = dict(sent.pop("headers", {}))
    if who is not None and who[0] == "service":
        headers["Authorization"] = f"Bearer {wards.token}"
    elif who is not None:
        headers["Cookie"] = wards.cookies[who]
    answer = client.open(path, method=method, headers=headers, **sent)
    faults = list(_faults(answer, path))
    assert not faults, (path, method, faults)
    return answer


def _faults(answer: TestResponse, path: str) -> Iterator[str]:
    for name, value in HEADERS.items():
        if value not in answer.headers.get(name, ""):
            yield f"{name}: {answer.headers.get(name)}"
    kept = answer.headers.get("Cache-Control", "")
    if kept != "no-store" and not (path.startswith(STATIC) and answer.status_code == 200):
        yield f"Cache-Control: {kept}"
    if answer.status_code >= 500 and path.partition("?")[0] != "/readyz":
        yield f"{answer.status_code}: {said(answer)[:300]}"
    if "Traceback" in said(answer) or "sqlalchemy." in said(answer).lower():
        yield "the inside of the program"


def _segment(name: str, side: Side) -> str:
    return side.ids[NAMED[name]] if name in NAMED else OTHER[name]
