"""The cookie that carries a sign-in, and the one by which a browser is known again."""

from __future__ import annotations

from flask import Response, request

from data.known_devices import LIFE
from data.settings import Settings


def cookie_name(settings: Settings) -> str:
    """The name of the cookie of a sign-in.

    `__Host-` makes the browser insist on Secure, Path=/ and no Domain, so that neither a neighbouring host nor plain
    http can set it. Below a base path it is `__Secure-`, which leaves the path to us: the other applications of that
    host are not to be sent the cookie. Browsers refuse both, and Secure, over plain http; there, which is for a machine
    talking to itself, the cookie has a plain name, so that it can never be taken for the strict one.
    """
    if not is_https(settings):
        return "nadir"
    return "__Host-nadir" if settings.base_path == "/" else "__Secure-nadir"


def device_name(settings: Settings) -> str:
    """The name of the cookie of a known browser, made as `cookie_name`."""
    return f"{cookie_name(settings)}-device"


def way_name(settings: Settings) -> str:
    """The name of the cookie that remembers the way to an identity provider and back, made as `cookie_name`."""
    return f"{cookie_name(settings)}-way"


def read_cookie(settings: Settings) -> str | None:
    """The cookie of this request."""
    return request.cookies.get(cookie_name(settings)) or None


def read_device(settings: Settings) -> str | None:
    """The cookie by which this browser is known."""
    return request.cookies.get(device_name(settings)) or None


def set_cookie(response: Response, settings: Settings, value: str) -> None:
    """Give the browser the cookie; it lives as long as the browser, the server decides how long it opens anything."""
    response.set_cookie(
        cookie_name(settings), value, secure=is_https(settings), httponly=True, samesite="Lax", path=settings.base_path
    )


def set_device(response: Response, settings: Settings, value: str) -> None:
    """Give the browser the cookie by which it is known again; it outlives the sign-in and opens nothing."""
    response.set_cookie(
        device_name(settings),
        value,
        max_age=LIFE,
        secure=is_https(settings),
        httponly=True,
        samesite="Lax",
        path=settings.base_path,
    )


def drop_cookie(response: Response, settings: Settings) -> None:
    """Take the cookie away."""
    response.delete_cookie(
        cookie_name(settings), secure=is_https(settings), httponly=True, samesite="Lax", path=settings.base_path
    )


def is_https(settings: Settings) -> bool:
    """Whether people reach Nadir over https."""
    return settings.base_url.startswith("https://")
