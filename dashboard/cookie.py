"""The cookie that carries a sign-in."""

from __future__ import annotations

from flask import Response, request

from data.settings import Settings


def cookie_name(settings: Settings) -> str:
    """The name of the cookie.

    `__Host-` makes the browser insist on Secure, Path=/ and no Domain, so that neither a neighbouring host nor plain
    http can set it. Browsers refuse that prefix, and Secure, over plain http; there, which is for a machine talking to
    itself, the cookie has a plain name, so that it can never be taken for the strict one.
    """
    return "__Host-nadir" if _is_https(settings) else "nadir"


def read_cookie(settings: Settings) -> str | None:
    """The cookie of this request."""
    return request.cookies.get(cookie_name(settings)) or None


def set_cookie(response: Response, settings: Settings, value: str) -> None:
    """Give the browser the cookie; it lives as long as the browser, the server decides how long it opens anything."""
    response.set_cookie(
        cookie_name(settings), value, secure=_is_https(settings), httponly=True, samesite="Lax", path="/"
    )


def drop_cookie(response: Response, settings: Settings) -> None:
    """Take the cookie away."""
    response.delete_cookie(cookie_name(settings), secure=_is_https(settings), httponly=True, samesite="Lax", path="/")


def _is_https(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")
