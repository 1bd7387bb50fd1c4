"""Living below a path of a host that other applications share (`NADIR_BASE_PATH`).

Inside the program every address begins at `/`, as if the host were ours alone. The base path is put before an address
where it leaves - in components, redirects, templates, and by `address.js` in what the browser builds - and taken off
where one comes in. The proxy in front may pass the base path on or take it off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from dash.development.base_component import Component
from flask import Flask, Response

from dashboard.request import current_settings

ADDRESSED: Final = ("href", "action", "formAction")
Environment = dict[str, Any]
Application = Callable[[Environment, Any], Iterable[bytes]]


def install_base_path(server: Flask, base_path: str) -> None:
    """Serve `server` below `base_path` (`/` or `/name/`), its redirects and templates included."""
    base = base_path.rstrip("/")
    server.jinja_env.globals["base"] = base
    if base:
        server.wsgi_app = _below(server.wsgi_app, base)  # type: ignore[method-assign, assignment]
        server.after_request(_redirected)


def outward(address: str) -> str:
    """An address of this program as the browser has to ask for it; any other address as it is."""
    return _base() + address if address.startswith("/") and not address.startswith("//") else address


def inward(address: str) -> str:
    """An address the browser shows, as this program knows it."""
    base = _base()
    if base and (address == base or address.startswith((f"{base}/", f"{base}?"))):
        shortened = address[len(base) :]
        return shortened if shortened.startswith("/") else f"/{shortened}"
    return address


def addressed(content: Any) -> Any:
    """What a callback or layout hands out, with the base path before every address in its components."""
    if _base():
        _address(content)
    return content


def _base() -> str:
    return current_settings().base_path.rstrip("/")


def _address(content: Any) -> None:
    if isinstance(content, Component):
        for name in ADDRESSED:
            if isinstance(getattr(content, name, None), str):
                setattr(content, name, outward(getattr(content, name)))
        for part in content.to_plotly_json()["props"].values():
            _address(part)
    elif isinstance(content, list | tuple):
        for part in content:
            _address(part)


def _below(application: Application, base: str) -> Application:
    def serve(environment: Environment, start_response: Any) -> Iterable[bytes]:
        path = environment.get("PATH_INFO", "")
        if path == base or path.startswith(f"{base}/"):
            environment["PATH_INFO"] = path[len(base) :] or "/"
        environment["SCRIPT_NAME"] = base
        return application(environment, start_response)

    return serve


def _redirected(response: Response) -> Response:
    to = response.headers.get("Location")
    if to is not None:
        response.headers["Location"] = outward(to)
    return response
