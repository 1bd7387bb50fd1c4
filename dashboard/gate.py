"""The gate every request passes before anything of Dash runs. What is not declared public needs a sign-in.

A request that could change something must come from our own pages: browsers say where it comes from in `Sec-Fetch-Site`
and `Origin`, and a foreign page cannot change what they say. (The method of Filippo Valsorda's "Cross-Site Request
Forgery", 2025, which Go 1.25 adopted; no tokens needed.)
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from dash import Dash
from flask import Flask, Response, g, redirect, request
from werkzeug.exceptions import Forbidden as Refused
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from dashboard.base_path import inward
from dashboard.body import check_body
from dashboard.cookie import read_cookie
from dashboard.inventory import ROUTE_POLICIES
from dashboard.language import preferred, speak
from dashboard.metrics import ENDPOINT as METRICS
from dashboard.metrics import metrics_open
from dashboard.policy import Policy, note_activity, require_role, require_scope
from dashboard.request import (
    current_actor,
    current_database,
    current_settings,
    current_sign_in,
    request_now,
    require_tables,
    session_limits,
)
from data.service_tokens import find_token
from data.sessions import Origin, find_sign_in

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CALLBACK_PATH = "/_dash-update-component"
CATCH_ALL = "/<path:path>"
# What answers also while the database is away.
BEFORE_TABLES = frozenset({"healthz", "readyz", "_dash_assets.static"})
OPERATIONS = "/ops"
ACCOUNT = "/account"
_OWN_ADDRESS = re.compile(r"/[A-Za-z0-9_/-]*(\?[A-Za-z0-9_=&%.,+~-]*)?")


def install_gate(server: Flask, app_of: Callable[[], Dash], is_page: Callable[[str], bool]) -> None:
    """Put the gate before everything else. `is_page` tells the endpoints that are pages people open."""

    def gate() -> AnyResponse | None:
        _open_request()
        _require_own_origin()
        policies: dict[str, Policy] = server.extensions[ROUTE_POLICIES]
        endpoint = request.endpoint
        policy = policies.get(endpoint) if endpoint is not None else None
        if endpoint in BEFORE_TABLES:
            return None
        require_tables()
        if (policy is not None and policy.public) or (endpoint == METRICS and metrics_open()):
            return None
        _find_person()
        if g.signed_in is None:
            return _to_sign_in()
        if endpoint is None:
            return None  # Flask answers 404 or 405
        if policy is None or endpoint == CATCH_ALL:
            raise NoSuchPage
        # The pattern, not the address: a hospital number belongs in no log.
        place = str(request.url_rule)
        led = _led_elsewhere(place, policies)
        if led is not None:
            return led
        require_role(policy, place)
        if is_page(endpoint):
            require_scope(policy, dict(request.view_args or {}), place, noting="never")
            note_activity()
        if request.path == CALLBACK_PATH:
            check_body(app_of(), request.get_json())
        return None

    server.before_request(gate)


def safe_next(target: str | None) -> str:
    """Where to go after signing in or choosing a language: a path of our own with its query, or the front page for
    anything that could leave the site."""
    return target if target and "//" not in target and _OWN_ADDRESS.fullmatch(target) else "/"


def asked_next(target: str | None) -> str:
    """As `safe_next`, of an address that a browser gave."""
    return safe_next(inward(target or "/"))


def _led_elsewhere(place: str, policies: dict[str, Policy]) -> AnyResponse | None:
    """The way to where this person has to go first or starts; None for the place that was asked for."""
    if _owes_factor(place):
        return _to_factor()
    return redirect(OPERATIONS) if place == "/" and _starts_at_operations(policies) else None


def _starts_at_operations(policies: dict[str, Policy]) -> bool:
    """Whether the front page is not for this person, and the operations page is: who runs the site follows nobody."""
    role, operations = current_actor().role, policies.get(OPERATIONS)
    return role not in policies["/"].roles and operations is not None and role in operations.roles


def _open_request() -> None:
    g.now = datetime.now(UTC)
    g.origin = Origin((request.remote_addr or "unknown")[:100], str(uuid.uuid4()))
    g.signed_in = None
    speak(preferred([tag for tag, _quality in request.accept_languages]))
    # Reading the host checks it against TRUSTED_HOSTS and answers 400 for a foreign one.
    g.own_host = request.host


def _require_own_origin() -> None:
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise Refused("This request came from another site.")
    # A form on a page with `Referrer-Policy: no-referrer`, as all of ours, sends the origin "null".
    if origin is None or (origin == "null" and site == "same-origin"):
        return
    base = urlsplit(current_settings().base_url)
    ours = (f"{base.scheme}://{base.netloc}", f"{request.scheme}://{g.own_host}")
    if origin not in ours:
        raise Refused("This request came from another site.")


def _find_person() -> None:
    bearer = request.authorization
    if bearer is not None and bearer.type == "bearer" and bearer.token:
        with current_database().read() as session:
            g.signed_in = find_token(session, bearer.token, origin=g.origin, now=request_now())
        return
    cookie = read_cookie(current_settings())
    if cookie is None:
        return
    with current_database().read() as session:
        g.signed_in = find_sign_in(session, cookie, limits=session_limits(), origin=g.origin, now=request_now())
    if g.signed_in is not None and g.signed_in.language is not None:
        speak(g.signed_in.language)


def _owes_factor(place: str) -> bool:
    """Whether this person's role needs a second factor that is not set up, and this is not on the way to one."""
    signed_in = current_sign_in()
    if signed_in.has_factor or signed_in.actor.role not in current_settings().second_factor_of:
        return False
    return place not in (ACCOUNT, "/language") and not place.startswith(f"{ACCOUNT}/")


def _to_factor() -> AnyResponse:
    if request.method not in ("GET", "HEAD") or request.path.startswith("/_"):
        raise Refused("Set up a second factor first.")
    return redirect(f"{ACCOUNT}?done=owed")


def _to_sign_in() -> Response | AnyResponse:
    if request.method not in ("GET", "HEAD") or request.path.startswith("/_") or request.authorization is not None:
        raise Unauthorized("Sign in first.")
    target = safe_next(request.path)
    return redirect("/login" if target == "/" else f"/login?next={target}")
